from __future__ import annotations

import subprocess
import sys
import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.benching import clock


def test_work_is_repeated_at_least_so_often_and_the_median_counts() -> None:
    found = iter([9.0, 1.0, 2.0])
    assert clock.repeated(lambda: next(found), 0) == 2.0


def test_work_is_repeated_for_as_long_as_asked() -> None:
    moments: list[float] = []

    def work() -> float:
        time.sleep(0.001)
        moments.append(time.perf_counter())
        return 1.0

    clock.repeated(work, 0.05)
    assert len(moments) > clock.REPETITIONS
    assert moments[-1] - moments[0] >= 0.04


def test_the_floor_is_what_all_cores_can_do() -> None:
    assert clock.floor(2, decoding=0.015, model=0.010) == pytest.approx(80)


def test_an_even_pace_is_found_in_every_window() -> None:
    moments = [index / 10 for index in range(31)]
    assert clock.rates(moments, skip=0, least=2) == pytest.approx([10, 10, 10])


def test_what_comes_before_the_stride_does_not_count() -> None:
    slow_start = [0.0, 5.0, 10.0, *(10 + index / 4 for index in range(1, 13))]
    assert clock.rates(slow_start, skip=2, least=4) == pytest.approx([4, 4, 4])


def test_too_few_for_all_windows_make_fewer() -> None:
    assert clock.rates([0, 1, 2, 3, 4], skip=0, least=2) == pytest.approx([1, 1])
    assert clock.rates([0, 1, 2], skip=0, least=5) == pytest.approx([1])
    assert clock.rates([0, 1, 2], skip=9, least=1) == pytest.approx([1])


@pytest.mark.parametrize("moments", [[], [1.0], [1.0, 1.0, 1.0]])
def test_no_pace_comes_of_nothing(moments: list[float]) -> None:
    assert clock.rates(moments, skip=0, least=1) == []


@given(st.lists(st.floats(0.001, 10), min_size=2, max_size=60), st.integers(0, 70), st.integers(1, 20))
def test_rates_lie_between_the_slowest_and_the_fastest_step(
    steps: list[float], skip: int, least: int
) -> None:
    moments = list(accumulate(steps))
    found = clock.rates(moments, skip=skip, least=least)
    assert 1 <= len(found) <= clock.REPETITIONS
    assert all(0.99 / max(steps) <= rate <= 1.01 / min(steps) for rate in found)


def test_cpu_time_of_children_counts() -> None:
    before, own = clock.cpu_seconds(), time.process_time()
    work = "import time, sys\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        spent = clock.cpu_seconds() - before
        child.communicate()
    assert spent - (time.process_time() - own) > 0.2


def test_others_are_a_share() -> None:
    load = clock.Load()
    time.sleep(0.02)
    assert 0 <= load.others() <= 1
