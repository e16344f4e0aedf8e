from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import ExitCode
from recognize_cli.interrupt import Interrupt, Stop, Terminated, signals_as_exceptions
from tests.support.command import wait_until
from tests.support.scripts import run_script

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = [(signal.SIGINT, Stop.SIGINT, 130), (signal.SIGTERM, Stop.SIGTERM, 143)]


@pytest.fixture(autouse=True)
def _handlers_are_restored() -> Iterator[None]:
    before = [signal.getsignal(number) for number, _, _ in SIGNALS]
    yield
    assert [signal.getsignal(number) for number, _, _ in SIGNALS] == before


@pytest.mark.parametrize(("number", "reason", "code"), SIGNALS)
def test_the_first_signal_asks_to_stop(
    number: signal.Signals, reason: Stop, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), Interrupt() as stop:
        assert not stop()
        assert stop.exit_code is ExitCode.DONE
        signal.raise_signal(number)
        wait_until(stop, "the request")
    assert stop.requested is reason
    assert stop.exit_code == code
    assert caplog.messages == [f"{reason}: stopping after the batch in hand; again to stop at once"]


def test_the_second_signal_tidies_up_and_leaves_at_once() -> None:
    done: list[object] = []

    def fail() -> None:
        raise OSError("already gone")

    with Interrupt(leave=done.append) as stop:
        stop.on_abort(lambda: done.append("first given"))
        stop.on_abort(fail)
        stop.on_abort(lambda: done.append("last given"))
        signal.raise_signal(signal.SIGINT)
        wait_until(stop, "the request")
        assert done == []
        signal.raise_signal(signal.SIGTERM)
    assert done == ["last given", "first given", ExitCode.TERMINATED]


def test_the_time_limit() -> None:
    now = 100.0
    with Interrupt(60, clock=lambda: now) as stop:
        now = 159.9
        assert not stop()
        now = 160.0
        assert stop()
        assert stop.requested is Stop.TIME_LIMIT
        assert stop.exit_code is ExitCode.TIME_LIMIT


def test_the_time_limit_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with Interrupt(0.0) as stop:
        assert [stop(), stop(), stop()] == [True] * 3
    assert len(caplog.messages) == 1


def test_a_signal_after_the_time_limit_is_a_first_signal() -> None:
    left: list[int] = []
    with Interrupt(0.0, leave=left.append) as stop:
        assert stop()
        signal.raise_signal(signal.SIGINT)
    assert left == []
    assert stop.exit_code is ExitCode.INTERRUPTED


def test_no_limit_is_never_over() -> None:
    with Interrupt(clock=lambda: 1e300) as stop:
        assert not stop()


def test_outside_of_a_run_sigterm_is_an_exception_and_cleanup_runs() -> None:
    steps: list[str] = []

    def work() -> None:
        with signals_as_exceptions():
            try:
                signal.raise_signal(signal.SIGTERM)
                steps.append("not reached")
            finally:
                steps.append("cleaned")

    with pytest.raises(Terminated):
        work()
    assert steps == ["cleaned"]


def test_outside_of_a_run_sigint_is_an_exception_even_if_it_was_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), signals_as_exceptions():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_within_restores_the_exceptions() -> None:
    with signals_as_exceptions():
        with Interrupt():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)


def test_the_second_signal_ends_a_real_process() -> None:
    done = run_script(
        """
        import signal
        from recognize_cli.interrupt import Interrupt

        with Interrupt() as stop:
            stop.on_abort(lambda: print("tidied", flush=True))
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        print("not reached")
        """
    )
    assert (done.returncode, done.stdout) == (130, "tidied\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_worker_leaves_ctrl_c_to_its_parent_and_dies_of_sigterm() -> None:
    done = run_script(
        """
        import os, signal
        from recognize_cli.interrupt import Interrupt

        with Interrupt() as stop:
            stop.on_abort(lambda: print("an abort in the worker", flush=True))
            child = os.fork()
            if child == 0:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                print("still here", stop(), flush=True)
                signal.raise_signal(signal.SIGTERM)
                print("not reached", flush=True)
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), stop())
        """
    )
    assert done.stdout == "still here False\n143 False\n", done.stderr
