"""Signals that come as the main thread begins to wait: Python alone would hear of them when the wait ends.

A signal that another thread gets is the same to the main thread, and can be arranged: Python's handler is
due, and nothing ends the wait.
"""

from __future__ import annotations

import os
import signal

import pytest

from recognize_cli.signals import Listener, handling
from tests.support.scripts import run_script

SIGNALS = [(signal.SIGINT, "KeyboardInterrupt", 130), (signal.SIGTERM, "Terminated", 143)]
WAITING = """
    import queue, signal, sys, threading, time
    from recognize_cli.interrupt import Interrupt, signals_as_exceptions

    sys.setswitchinterval(1000)  # another thread runs only when this one begins to wait

    def while_waiting(act):
        '''Waits for what `act` returns, which runs in another thread once this wait has begun.'''
        results, begun = queue.SimpleQueue(), threading.Lock()
        begun.acquire()

        def run():
            with begun:
                results.put(act())

        threading.Thread(target=run, daemon=True).start()
        begun.release()
        return results.get()

    def come(number):
        signal.pthread_kill(threading.get_ident(), number)
    """


@pytest.mark.parametrize(("number", "error"), [each[:2] for each in SIGNALS])
def test_one_that_raises_ends_a_wait(number: signal.Signals, error: str) -> None:
    done = run_script(
        WAITING,
        f"""
        def act():
            come({number:d})
            threading.Event().wait()

        try:
            with signals_as_exceptions():
                try:
                    while_waiting(act)
                finally:
                    print("cleaned up")
        except BaseException as error:
            print(type(error).__name__)
        """,
    )
    assert done.stdout == f"cleaned up\n{error}\n", done.stderr


def test_each_of_several_ends_a_wait() -> None:
    done = run_script(
        WAITING,
        """
        def act():
            come(signal.SIGINT)
            threading.Event().wait()

        heard = 0
        with signals_as_exceptions():
            for _ in range(20):
                try:
                    while_waiting(act)
                except KeyboardInterrupt:
                    heard += 1
        print(heard)
        """,
    )
    assert done.stdout == "20\n", done.stderr


def test_a_run_is_asked_to_stop_while_the_main_thread_waits() -> None:
    done = run_script(
        WAITING,
        """
        def act():
            come(signal.SIGINT)
            while not stop():
                time.sleep(0.01)
            return "the batch in hand"

        with signals_as_exceptions(), Interrupt() as stop:
            print(while_waiting(act))
        print(stop.exit_code)
        """,
    )
    assert done.stdout == "the batch in hand\n130\n", done.stderr


@pytest.mark.parametrize(("number", "code"), [each[::2] for each in SIGNALS])
def test_the_second_ends_a_run_while_the_main_thread_waits(number: signal.Signals, code: int) -> None:
    done = run_script(
        WAITING,
        f"""
        def act():
            come(signal.SIGINT)
            come({number:d})
            threading.Event().wait()

        with signals_as_exceptions(), Interrupt() as stop:
            stop.on_abort(lambda: print("tidied", flush=True))
            while_waiting(act)
        """,
    )
    assert (done.returncode, done.stdout) == (code, "tidied\n"), done.stderr


def test_the_second_ends_a_run_whose_messages_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:
        try:
            os.write(writing, b"." * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    done = run_script(
        WAITING,
        """
        with signals_as_exceptions(), Interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            threading.Event().wait()
        """,
        stderr=writing,
    )
    os.close(reading)
    os.close(writing)
    assert done.returncode == 130


def test_all_that_came_is_told_at_the_end_and_to_the_innermost() -> None:
    outer: list[int] = []
    inner: list[int] = []
    with Listener(outer.append), handling({signal.SIGUSR1: lambda *_: None, signal.SIGUSR2: lambda *_: None}):
        signal.raise_signal(signal.SIGUSR1)
        with Listener(inner.append):
            signal.raise_signal(signal.SIGUSR2)
            signal.raise_signal(signal.SIGUSR1)
        assert inner == [signal.SIGUSR2, signal.SIGUSR1]
        signal.raise_signal(signal.SIGUSR2)
    assert outer == [signal.SIGUSR1, signal.SIGUSR2]
    assert signal.set_wakeup_fd(-1) == -1


def test_nothing_stays_open() -> None:
    before = set(os.listdir("/dev/fd"))
    with Listener(lambda number: None):
        pass
    assert set(os.listdir("/dev/fd")) == before


def test_those_of_a_forked_process_are_its_own() -> None:
    done = run_script(
        WAITING,
        """
        import os
        from recognize_cli.signals import Listener, handling

        heard = []
        with Listener(heard.append), handling({signal.SIGUSR1: lambda *_: None}):
            if not os.fork():
                signal.raise_signal(signal.SIGUSR1)
            else:
                os.wait()
        if not heard:
            print("nothing")
        """,
    )
    assert done.stdout == "nothing\n" * 2, done.stderr
