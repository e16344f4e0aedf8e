from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.cli.budget import Budget, plan, watch
from recognize_cli.errors import ConfigError
from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.models.lockfile import load_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.models.entries import ModelEntry

MIB = 1 << 20
GIB = 1 << 30
SERVER = Hardware(Cpu("x86_64", "", None), Libc("glibc", "2.36"), 8, 64 * GIB, 60 * GIB)
MODELS: Mapping[str, ModelEntry] = {entry.recognizer: entry for entry in load_lock().defaults()}
PHOTOS = {name: MODELS[name] for name in ("objects", "faces")}


@dataclass(frozen=True)
class Wish:
    """The options that count here."""

    max_memory: int | None = None
    jobs: int | None = None
    threads: int | None = None
    batch_size: int = 2


def planned(wish: Wish, hardware: Hardware = SERVER, models: Mapping[str, ModelEntry] = MODELS) -> Budget:
    return plan(cast("ScanOptions", wish), hardware, models)


def test_a_machine_with_memory_enough_has_all_its_cores_at_work() -> None:
    budget = planned(Wish())
    assert (budget.jobs, budget.threads, budget.batch_size) == (8, 8, 2)
    assert budget.look_ahead == 34
    assert budget.max_resident is None


def test_what_is_asked_for_is_taken() -> None:
    budget = planned(Wish(jobs=3, threads=2, batch_size=5))
    assert (budget.jobs, budget.threads, budget.batch_size) == (3, 2, 5)


def test_a_container_is_not_filled() -> None:
    budget = planned(Wish(), replace(SERVER, memory=GIB, memory_available=GIB, cores=4))
    assert budget.limit == int(0.9 * GIB)
    assert 1 <= budget.jobs < 4
    assert budget.max_resident is not None


def test_a_container_that_is_too_small_is_tried_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    budget = planned(Wish(), replace(SERVER, memory=256 * MIB))
    assert (budget.jobs, budget.threads, budget.batch_size) == (1, 1, 1)
    assert budget.max_resident == 64 * MIB
    assert "may not do" in caplog.text


def test_a_limit_that_cannot_be_kept_is_refused_with_what_can() -> None:
    with pytest.raises(
        ConfigError, match=r"--max-memory: 300 MiB may not do: .*objects.*up to \d+ MiB"
    ) as said:
        planned(Wish(max_memory=300 * MIB))
    need = int(str(said.value).partition("up to ")[2].split()[0])
    assert planned(Wish(max_memory=need * MIB)).jobs == 1
    assert need > 300


@given(
    limit=st.integers(450 * MIB, 8 * GIB),
    jobs=st.integers(1, 64),
    threads=st.integers(1, 64),
    batch_size=st.integers(1, 64),
)
def test_what_is_planned_fits(limit: int, jobs: int, threads: int, batch_size: int) -> None:
    budget = planned(Wish(limit, jobs, threads, batch_size), models=PHOTOS)
    assert 1 <= budget.jobs <= jobs
    assert 1 <= budget.threads <= threads
    assert 1 <= budget.batch_size <= batch_size
    share = budget.max_resident or 2 * GIB
    assert budget.program(PHOTOS) + budget.jobs * share <= limit


@given(limit=st.integers(450 * MIB, 4 * GIB), more=st.integers(0, GIB))
def test_more_memory_is_never_less_work(limit: int, more: int) -> None:
    small, large = (planned(Wish(each), models=PHOTOS) for each in (limit, limit + more))
    assert small.jobs <= large.jobs
    assert small.threads <= large.threads
    assert small.batch_size <= large.batch_size


def test_a_model_that_two_recognizers_share_is_held_once() -> None:
    budget = Budget(GIB, 1, 1, 1)
    assert budget.program(
        {"objects": MODELS["objects"], "video_objects": MODELS["objects"]}
    ) < budget.program({"objects": MODELS["objects"], "video_objects": MODELS["faces"]})


def test_models_share_what_passes_through_them() -> None:
    budget = Budget(GIB, 1, 2, 2)
    alone = max(budget.program({name: entry}) for name, entry in MODELS.items())
    together = budget.program(MODELS)
    assert together - alone < 1.25 * sum(entry.download_size for entry in MODELS.values())


def test_openvino_takes_more_and_shares_nothing() -> None:
    usual, apart = Budget(GIB, 1, 2, 2), Budget(GIB, 1, 2, 2, openvino=frozenset(PHOTOS))
    assert apart.program(PHOTOS) > usual.program(PHOTOS) + 64 * MIB
    music = {**PHOTOS, "music": MODELS["music"]}
    assert apart.program(music) - apart.program(PHOTOS) > usual.program(music) - usual.program(PHOTOS)
    assert plan(cast("ScanOptions", Wish()), SERVER, MODELS, ["objects"]).openvino == {"objects"}


def test_the_watch_counts_engines_that_are_processes() -> None:
    held = "held = bytearray(b'x') * (200 << 20); print(flush=True); input()"
    limit = (psutil.Process().memory_info().rss + 100 * MIB) * 20 // 19
    short = watch(limit, lambda: 0, every=0, engines=True)
    assert not short()
    with subprocess.Popen(
        [sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdout
        engine.stdout.readline()
        short = watch(limit, lambda: 0, every=0, engines=True)
        assert short()
        engine.communicate(b"\n")
    assert not short()


def test_the_watch_counts_the_decoders() -> None:
    held = 0
    short = watch(100 * GIB, lambda: held, every=0)
    assert not short()
    held = 96 * GIB
    assert short()
    held = 0
    assert not short()


def test_the_watch_counts_the_program() -> None:
    assert watch(MIB, lambda: 0)()
