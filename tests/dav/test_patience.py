from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.dav.patience import Failure, Patience, Tries, Trouble, pausing, retry_after

PATIENCE = Patience(attempts=6, backoff=0.5, longest_backoff=3.0, longest_wait=60.0)


def waits(failure: Failure, jitter: float) -> list[float]:
    tries = Tries(PATIENCE, lambda: jitter)
    found: list[float] = []
    while (wait := tries.wait_after(failure)) is not None:
        found.append(wait)
    return found


def test_waits_grow_twofold_up_to_a_bound() -> None:
    assert waits(Failure(Trouble.BROKEN, "x"), 1.0) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_waits_are_random_parts_of_that() -> None:
    assert waits(Failure(Trouble.ERROR, "x"), 0.0) == [0.0] * 5
    assert waits(Failure(Trouble.OFFLINE, "x"), 0.5) == [0.25, 0.5, 1.0, 1.5, 1.5]


@pytest.mark.parametrize("trouble", [Trouble.SLOW, Trouble.LASTING])
def test_what_will_not_pass_is_not_waited_for(trouble: Trouble) -> None:
    assert waits(Failure(trouble, "x"), 1.0) == []


@given(st.floats(0, 1), st.none() | st.floats(0, 100))
def test_a_busy_server_is_asked_within_a_bound_and_not_too_soon(jitter: float, asked: float | None) -> None:
    found = waits(Failure(Trouble.BUSY, "x", asked), jitter)
    assert sum(found) <= PATIENCE.longest_wait
    assert all(wait >= max(asked or 0.0, PATIENCE.backoff) for wait in found)
    assert bool(found) == (max(asked or 0.0, PATIENCE.backoff) <= PATIENCE.longest_wait)


def test_retry_after_is_a_number_or_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after(" 17 ") == 17.0
    assert 90 < (retry_after(soon) or 0) <= 100
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT") == 0.0
    assert retry_after("99999999") == 86_400.0
    for senseless in (
        None,
        "",
        "-1",
        "soon",
        "1e9",
        "nan",
        "Sun, 06 Nov",
        "9" * 50,
        "Sun, 06 Nov 1994 08:49:37",
    ):
        assert retry_after(senseless) is None


def test_a_pause_ends_when_the_run_is_to_stop() -> None:
    asked = iter([False, True])
    assert pausing(lambda: next(asked))(3600) is True
    assert pausing(lambda: False)(0.0) is False
