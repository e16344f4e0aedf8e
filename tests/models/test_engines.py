"""Which engine a model runs in, and when that makes its scores others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import NoUsableEngine
from recognize_cli.hardware import Cpu
from recognize_cli.models.engines import AUTO, engine_for
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.ranking import NOT_MEASURED, Ranking, Rating
from recognize_cli.models.select import engine_of

if TYPE_CHECKING:
    from recognize_cli.models.entries import ModelEntry

PLAIN = Cpu("x86_64", "a CPU", frozenset({"avx2"}))
FAST = Cpu("x86_64", "a CPU", frozenset({"avx2", "avx512_bf16"}))
LITE2, INT8, MUSIC = (
    load_lock().entry(name) for name in ("efficientnet-lite2", "efficientnet-lite2-int8", "musicnn-msd")
)


def everything(_package: str) -> bool:
    return True


def nothing(_package: str) -> bool:
    return False


def measured(entry: ModelEntry, **rates: float) -> Ranking:
    """As if models had been measured in engines, in the precision that keeps their scores."""
    precision = engine_of(entry).precision
    own = entry.recognizer, entry.name, fingerprint(entry)
    return Ranking(
        tuple(Rating(*own, engine, precision, rate, "2026-01-01") for engine, rate in rates.items())
    )


@pytest.mark.parametrize("entry", [LITE2, MUSIC], ids=lambda entry: entry.name)
def test_auto_takes_onnx_runtime_until_another_was_found_to_be_faster(entry: ModelEntry) -> None:
    slower, faster = (
        measured(entry, onnxruntime=9.0, openvino=8.0),
        measured(entry, onnxruntime=8.0, openvino=9.0),
    )
    alone = measured(entry, openvino=9.0)
    found = [
        engine_for(entry, AUTO, FAST, each, everything).name for each in (NOT_MEASURED, slower, alone, faster)
    ]
    assert found == ["onnxruntime", "onnxruntime", "onnxruntime", "openvino"]


def test_auto_does_not_take_what_was_measured_and_is_no_longer_installed() -> None:
    ranking = measured(LITE2, onnxruntime=8.0, openvino=9.0)
    assert engine_for(LITE2, AUTO, FAST, ranking, nothing).name == "onnxruntime"


def test_auto_never_makes_scores_others() -> None:
    """Else a measurement could cause everything to be looked at again."""
    rough = replace(measured(LITE2, openvino=90.0).ratings[0], precision="bfloat16")
    ranking = Ranking((*measured(LITE2, onnxruntime=8.0, openvino=9.0).ratings, rough))
    chosen = engine_for(LITE2, AUTO, FAST, ranking, everything)
    assert fingerprint(LITE2, chosen.precision) == fingerprint(LITE2)


def test_openvino_takes_bfloat16_where_the_cpu_has_it_and_the_model_bears_it() -> None:
    found = {
        (cpu.has("avx512_bf16"), entry.name): engine_for(
            entry, "openvino", cpu, NOT_MEASURED, everything
        ).precision
        for cpu in (PLAIN, FAST)
        for entry in (LITE2, MUSIC)
    }
    assert found.pop((True, LITE2.name)) == "bfloat16"
    assert set(found.values()) == {"float32"}


def test_only_another_precision_than_the_stored_one_changes_the_fingerprint() -> None:
    assert fingerprint(LITE2, "bfloat16") != fingerprint(LITE2, "float32") == fingerprint(LITE2)
    assert fingerprint(INT8, "int8") == fingerprint(INT8) != fingerprint(LITE2)


@pytest.mark.parametrize("asked", [AUTO, "onnxruntime"])
def test_on_a_gpu_a_model_runs_in_onnx_runtime_however_fast_others_are_on_the_cpu(asked: str) -> None:
    ranking = measured(LITE2, onnxruntime=1.0, openvino=9.0)
    chosen = engine_for(LITE2, asked, FAST, ranking, everything, gpu=1)
    assert (chosen.name, chosen.device, chosen.precision) == ("onnxruntime", "cuda:1", "float32")
    assert fingerprint(LITE2, chosen.precision) == fingerprint(LITE2)


def test_another_engine_that_was_asked_for_stays_on_the_cpu() -> None:
    chosen = engine_for(LITE2, "openvino", PLAIN, NOT_MEASURED, everything, gpu=0)
    assert (chosen.name, chosen.device) == ("openvino", "cpu")


@pytest.mark.parametrize(
    ("entry", "device"),
    [
        (INT8, "cpu"),
        (replace(LITE2, format="saved-model"), "cpu"),
        (replace(LITE2, format="insightface-pack"), "cuda:0"),
        (MUSIC, "cuda:0"),
    ],
    ids=["8 bits", "TensorFlow", "InsightFace", "music"],
)
@pytest.mark.parametrize("asked", [AUTO, "onnxruntime"])
def test_models_that_a_gpu_cannot_run_as_the_cpu_does_stay_there(
    entry: ModelEntry, device: str, asked: str
) -> None:
    chosen = engine_for(entry, asked, FAST, NOT_MEASURED, everything, gpu=0)
    assert replace(chosen, gpu=None) == engine_of(entry)
    assert chosen.device == device


def test_what_is_asked_for_and_not_installed_is_an_error() -> None:
    with pytest.raises(NoUsableEngine, match=r"openvino was asked for, but .* 'recognize-cli\[openvino\]'"):
        engine_for(LITE2, "openvino", FAST, NOT_MEASURED, nothing)


@pytest.mark.parametrize("asked", [AUTO, "onnxruntime", "openvino"])
def test_a_model_in_8_bits_runs_in_the_engine_that_it_was_judged_in(asked: str) -> None:
    chosen = engine_for(INT8, asked, FAST, measured(INT8, onnxruntime=1.0, openvino=9.0), everything)
    assert (chosen.name, chosen.precision) == ("onnxruntime", "int8")


@pytest.mark.parametrize("asked", [AUTO, "onnxruntime", "openvino"])
def test_models_of_another_engine_stay_with_it(asked: str) -> None:
    other = replace(LITE2, format="insightface-pack")
    assert engine_for(other, asked, FAST, NOT_MEASURED, nothing).name == "insightface"
