from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import NoUsableEngine
from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.models.entries import Algorithm, Faces, LockedFile, ModelEntry, Tier
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.ranking import Ranking, Rating
from recognize_cli.models.select import (
    SLOWEST,
    Backend,
    Choice,
    engine_of,
    memory_needed,
    select,
    why_not,
)
from tests.models.making import made_entry

if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 1 << 30


def entry(name: str, tier: Tier, *, size: int = 25_000_000, default: bool = False) -> ModelEntry:
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = LockedFile(path="model.onnx", size=size, algorithm=Algorithm.SHA256, digest=digest)
    return made_entry(file, name=name, tier=tier, default=default)


SMALL = entry("small", Tier.PORTABLE, default=True)
OTHER_SMALL = entry("other-small", Tier.PORTABLE)
LARGE = entry("large", Tier.NATIVE, size=60_000_000)
HUGE = entry("huge", Tier.NATIVE, size=850_000_000)
FACES = made_entry(name="faces-small", recognizer="faces", task=Faces(0.5))
LOCK = [OTHER_SMALL, LARGE, HUGE, SMALL, FACES]


def machine(
    *, flags: frozenset[str] | None = frozenset({"avx"}), memory: int = 8 * GIB, architecture: str = "x86_64"
) -> Hardware:
    return Hardware(Cpu(architecture, "a CPU", flags), Libc("glibc", "2.36"), 2, 16 * GIB, memory)


def having(*entries: ModelEntry) -> Callable[[ModelEntry], bool]:
    return lambda entry: entry in entries


def test_nothing_installed_gives_the_portable_default() -> None:
    assert select("objects", LOCK, having(), machine()) == Choice(SMALL, "no full-size model is installed")


def test_an_installed_full_size_model_is_taken() -> None:
    choice = select("objects", LOCK, having(LARGE, SMALL), machine())
    assert choice.entry is LARGE
    assert "installed" in choice.reason


def test_the_largest_of_those_installed_is_taken() -> None:
    assert select("objects", LOCK, having(LARGE, HUGE), machine()).entry is HUGE


def test_one_that_does_not_fit_gives_way_to_one_that_does() -> None:
    assert select("objects", LOCK, having(LARGE, HUGE), machine(memory=2 * GIB)).entry is LARGE


@pytest.mark.parametrize(
    ("hardware", "why"),
    [
        (machine(flags=frozenset({"sse4_2"})), "large is installed, but this CPU has no AVX"),
        (machine(flags=None), "large is installed, but this CPU has no AVX"),
        (machine(architecture="armv7l"), "large is installed, but it is too slow on armv7l"),
        (machine(architecture="aarch64"), "large is installed, but this CPU has no ASIMD"),
        (
            machine(memory=GIB // 2),
            "large is installed, but it needs about 683 MiB of memory, and 512 MiB are free",
        ),
    ],
)
def test_where_none_can_run_the_portable_one_is_taken_and_the_reason_said(
    hardware: Hardware, why: str
) -> None:
    assert select("objects", LOCK, having(LARGE), hardware) == Choice(SMALL, why)


def test_arm_runs_full_size_models() -> None:
    arm = machine(architecture="aarch64", flags=frozenset({"asimd"}))
    assert select("objects", LOCK, having(LARGE), arm).entry is LARGE


def test_portable_insists() -> None:
    choice = select("objects", LOCK, having(LARGE, OTHER_SMALL), machine(), Backend.PORTABLE)
    assert choice == Choice(SMALL, "the portable model was asked for")


def test_native_insists_and_prefers_what_is_installed() -> None:
    assert select("objects", LOCK, having(), machine(), Backend.NATIVE).entry is HUGE
    assert select("objects", LOCK, having(LARGE), machine(), Backend.NATIVE).entry is LARGE


def test_native_on_a_machine_that_cannot_says_why() -> None:
    with pytest.raises(NoUsableEngine, match=r"objects here: large: this CPU has no AVX; huge: this CPU"):
        select("objects", LOCK, having(LARGE), machine(flags=frozenset()), Backend.NATIVE)


def test_a_recognizer_without_a_model_says_so() -> None:
    with pytest.raises(NoUsableEngine, match=r"music here: models\.lock has no portable model"):
        select("music", LOCK, having(), machine())


def test_native_gives_the_portable_model_where_there_is_no_other() -> None:
    choice = select("faces", LOCK, having(), machine(), Backend.NATIVE)
    assert choice == Choice(FACES, "models.lock has no full-size model for it")


def test_models_of_other_recognizers_are_not_taken() -> None:
    assert select("faces", LOCK, having(LARGE), machine()).entry is FACES


def test_a_portable_model_runs_anywhere() -> None:
    assert why_not(SMALL, machine(flags=None, memory=0, architecture="riscv64")) is None


def test_a_larger_model_needs_more_memory() -> None:
    assert memory_needed(HUGE) > memory_needed(LARGE) > LARGE.download_size


def test_a_pack_needs_its_package() -> None:
    pack = replace(entry("pack", Tier.NATIVE), recognizer="faces", format="insightface-pack")
    lock = [replace(FACES, default=True), pack]
    with_it = select("faces", lock, having(pack), machine(), has_package=lambda name: name == "insightface")
    assert with_it.entry is pack
    without = select("faces", lock, having(pack), machine(), has_package=lambda _: False)
    assert without.entry.name == "faces-small"
    assert "pip install 'recognize-cli[insightface]'" in without.reason
    with pytest.raises(NoUsableEngine, match="needs the package insightface"):
        select("faces", lock, having(pack), machine(), Backend.NATIVE, has_package=lambda _: False)


def test_a_saved_model_needs_tensorflow_and_its_hub() -> None:
    saved = replace(LARGE, name="saved", format="saved-model")
    for packages in ({"tensorflow", "tensorflow-hub"}, {"tensorflow-cpu", "tensorflow-hub"}):
        choice = select(
            "objects", [saved, SMALL], having(saved), machine(), has_package=packages.__contains__
        )
        assert choice.entry is saved
    for packages, lacking in (
        (set[str](), "tensorflow"),
        ({"tensorflow-hub"}, "tensorflow"),
        ({"tensorflow"}, "tensorflow-hub"),
    ):
        choice = select(
            "objects", [saved, SMALL], having(saved), machine(), has_package=packages.__contains__
        )
        assert choice == Choice(
            SMALL,
            f"saved is installed, but it needs the package {lacking} (`pip install 'recognize-cli[native]'`)",
        )


def test_a_saved_model_needs_avx_and_memory_for_tensorflow() -> None:
    saved = replace(LARGE, format="saved-model")
    assert why_not(saved, machine(flags=frozenset({"sse4_2"})), lambda _: True) == "this CPU has no AVX"
    assert memory_needed(saved) - memory_needed(LARGE) == GIB
    assert (engine_of(saved).name, engine_of(LARGE).name) == ("tensorflow", "onnxruntime")


def measured(entry: ModelEntry, rate: float, engine: str = "onnxruntime") -> Rating:
    return Rating(entry.recognizer, entry.name, fingerprint(entry), engine, "float32", rate, "2026-05-01")


def test_a_full_size_model_that_is_too_slow_here_is_passed_over() -> None:
    ranking = Ranking((measured(LARGE, 0.4), measured(SMALL, 50.0)))
    choice = select("objects", LOCK, having(LARGE, SMALL), machine(), ranking=ranking)
    why = "it takes all cores 2.5 s for a file (`recognize bench`), and 2 s are the most"
    assert choice == Choice(SMALL, f"large is installed, but {why}")


@pytest.mark.parametrize("rate", [0.5, 3.0])
def test_a_faster_model_that_sees_less_is_not_preferred(rate: float) -> None:
    ranking = Ranking((measured(LARGE, rate), measured(SMALL, 500.0)))
    assert select("objects", LOCK, having(LARGE, SMALL), machine(), ranking=ranking).entry is LARGE


def test_the_next_full_size_model_is_taken_where_the_first_is_too_slow() -> None:
    ranking = Ranking((measured(HUGE, 0.1),))
    assert select("objects", LOCK, having(LARGE, HUGE), machine(), ranking=ranking).entry is LARGE


def test_how_slow_it_is_in_another_engine_does_not_count() -> None:
    ranking = Ranking((measured(LARGE, 0.1, "openvino"),))
    assert select("objects", LOCK, having(LARGE, SMALL), machine(), ranking=ranking).entry is LARGE


def test_slow_is_better_than_nothing() -> None:
    ranking = Ranking((measured(LARGE, 0.1),))
    assert select("objects", [LARGE], having(LARGE), machine(), ranking=ranking).entry is LARGE


def test_who_asks_for_a_slow_model_gets_it() -> None:
    ranking = Ranking((measured(LARGE, 0.1),))
    choice = select("objects", LOCK, having(LARGE, SMALL), machine(), Backend.NATIVE, ranking=ranking)
    assert choice.entry is LARGE


def test_every_recognizer_with_a_full_size_model_has_a_limit() -> None:
    assert {entry.recognizer for entry in load_lock().models if entry.tier is Tier.NATIVE} <= SLOWEST.keys()
