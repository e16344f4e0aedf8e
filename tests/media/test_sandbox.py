"""The pool of decode workers, with real processes and decoders that misbehave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from PIL import Image

from recognize_cli.errors import FileFailure, SandboxError
from recognize_cli.media import wire
from recognize_cli.media.image import decode_image
from recognize_cli.media.jobs import DecodeJob, Raw
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.media.views import render
from recognize_cli.records import Clips, Kind, Reason, View
from tests.media import decoders
from tests.media.pictures import encoded, photo, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 30
"""After so long a test counts as hanging."""
HANGING = {"spin", "sleep_in_c"}
MEMORY = 512 << 20


def job(path: str | Path, side: int = 5) -> DecodeJob:
    return DecodeJob(str(path), Kind.IMAGE, min_side=side)


def misbehaving(workers: int = 1, **options: Any) -> Sandbox:
    """A sandbox whose files are deeds of `decoders`."""
    return Sandbox(workers, **{"memory_limit": MEMORY, "decoders": {Kind.IMAGE: decoders.HERE}, **options})


def outcome(sandbox: Sandbox, name: str) -> FileFailure | int:
    """How decoding a file of this name ends: by a failure, or by a picture of some width."""
    future = sandbox.submit(job(name))
    error = future.exception(SECONDS)
    if error is None:
        return future.result().arrays[None].shape[1]
    if not isinstance(error, FileFailure):
        raise error
    return error


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that must come about soon."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def worker_processes() -> list[psutil.Process]:
    """The processes of all workers that this process has now."""
    return [child for child in psutil.Process().children() if "worker_main" in " ".join(child.cmdline())]


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """No test leaves a process or a file descriptor behind."""
    before = psutil.Process().num_fds()
    yield
    assert worker_processes() == []
    assert psutil.Process().num_fds() <= before


def test_a_picture_comes_out_as_it_is_decoded_in_this_process(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo().resize((3000, 2000)), "JPEG"))
    with Sandbox(1) as sandbox:
        results = [sandbox.submit(job(path, side)).result(SECONDS) for side in (100, 300, 2000)]
    for result, side in zip(results, (100, 300, 2000), strict=True):
        assert (result.arrays[None] == decode_image(path, min_side=side)).all()
        assert result.arrays[None].dtype == np.uint8
        assert result.arrays[None].flags.writeable
        assert 0 < result.cpu_seconds < SECONDS


def test_a_view_is_made_of_the_picture(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo().resize((3000, 2000)), "JPEG"))
    view = View(size=260, short_side=292, resample="bicubic")
    with Sandbox(1) as sandbox:
        result = sandbox.submit(DecodeJob(path, Kind.IMAGE, (view,))).result(SECONDS)
    whole = Image.fromarray(decode_image(path, min_side=view.min_side))
    assert result.arrays.keys() == {view}
    assert (result.arrays[view] == np.asarray(render(whole, view))).all()


def test_several_views_are_made_of_one_decoding(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo().resize((3000, 2000)), "JPEG"))
    views = (View(100, None, "bilinear"), None, View(20, 30, "bicubic"))
    with Sandbox(1) as sandbox:
        arrays = sandbox.submit(DecodeJob(path, Kind.IMAGE, views)).result(SECONDS).arrays
    assert list(arrays) == list(views)
    whole = Image.fromarray(arrays[None])
    assert whole.size == (1024, 683)
    for view in (views[0], views[2]):
        assert (arrays[view] == np.asarray(render(whole, view))).all()


def test_a_still_picture_has_no_clips(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "PNG"))
    with Sandbox(1) as sandbox:
        job = DecodeJob(path, Kind.IMAGE, (View(20, None, "bilinear", Clips(2, 3, 5.0)),))
        assert sandbox.submit(job).result(SECONDS).arrays == {}


def test_limits_reach_the_decoder(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "PNG"))
    with Sandbox(1, max_side=100) as sandbox:
        assert sandbox.submit(job(path)).result(SECONDS).arrays[None].shape == (67, 100, 3)
    with Sandbox(1, max_pixels=100) as sandbox, pytest.raises(FileFailure) as caught:
        sandbox.submit(job(path)).result(SECONDS)
    assert caught.value.reason == Reason.TOO_LARGE


def test_a_name_that_is_not_utf_8_arrives(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "PNG"), os.fsdecode(b'\xff\xfe \n".png'))
    with Sandbox(1) as sandbox:
        assert sandbox.submit(job(path)).result(SECONDS).arrays[None].shape == (200, 300, 3)


DEFEATS = {
    "crash": (Reason.CRASH, "the decoder crashed (SIGSEGV)"),
    "real_crash": (Reason.CRASH, "the decoder crashed (SIGSEGV)"),
    "killed": (
        Reason.CRASH,
        "the decoder was killed (SIGKILL), perhaps because the machine ran out of memory",
    ),
    "leave": (Reason.CRASH, "the decoder ended with status 3"),
    "half_an_answer": (Reason.CRASH, "the decoder ended with status 0"),
    "forge": (Reason.CRASH, "the decoder broke off"),
    "spin": (Reason.TIMEOUT, "decoding it took longer than 1 seconds"),
    "sleep_in_c": (Reason.TIMEOUT, "decoding it took longer than 1 seconds"),
    "allocate": (Reason.MEMORY, "decoding it takes more memory than the limit allows"),
    "allocate_bit_by_bit": (Reason.MEMORY, "decoding it takes more memory than the limit allows"),
    "refuse": (Reason.UNSUPPORTED, "not today"),
    "blunder": (Reason.CRASH, "the decoder failed by an error of its own (ZeroDivisionError)"),
}


@pytest.mark.parametrize("name", DEFEATS)
def test_a_worker_that_fails_costs_its_file_only(name: str) -> None:
    with misbehaving(timeout=1 if name in HANGING else SECONDS) as sandbox:
        before = outcome(sandbox, "nothing")
        failure = outcome(sandbox, name)
        after = outcome(sandbox, "nothing")
    assert (before, after) == (5, 5)
    assert isinstance(failure, FileFailure)
    assert (failure.reason, failure.message) == DEFEATS[name]


def test_the_time_in_the_queue_does_not_count() -> None:
    with misbehaving(timeout=2) as sandbox:
        futures = [sandbox.submit(job("nap")) for _ in range(5)]
        assert [future.exception(SECONDS) for future in futures] == [None] * 5


def test_nothing_of_a_worker_reaches_our_streams(capfd: pytest.CaptureFixture[str]) -> None:
    with misbehaving() as sandbox:
        assert outcome(sandbox, "chatter") == 5
        outcome(sandbox, "real_crash")
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_has_little_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOGNIZE_PASSWORD", "secret")
    with misbehaving() as sandbox:
        numbers = sandbox.submit(job("surroundings")).result(SECONDS).arrays[None]
    core, files, secrets, own_group, _, dies_first = numbers.tolist()
    assert (core, files, secrets, own_group, dies_first) == (0, 64, 0, 1, 1000)


def test_modules_in_the_working_directory_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "numpy", "PIL", "socket", "recognize_cli"):
        (tmp_path / f"{name}.py").write_text("import sys; sys.modules['evil'] = sys\n")
    monkeypatch.chdir(tmp_path)
    with misbehaving() as sandbox:
        assert sandbox.submit(job("surroundings")).result(SECONDS).arrays[None][4] == 0


def test_workers_start_when_there_is_work_and_take_it_in_turn(tmp_path: Path) -> None:
    with misbehaving(2) as sandbox:
        assert worker_processes() == []
        waiting = sandbox.submit(job(tmp_path / "wait"))
        assert outcome(sandbox, "nothing") == 5
        assert len(worker_processes()) == 2
        (tmp_path / "go").write_text("")
        assert waiting.exception(SECONDS) is None


def test_a_job_in_the_queue_can_be_cancelled(tmp_path: Path) -> None:
    with misbehaving() as sandbox:
        first = sandbox.submit(job(tmp_path / "wait"))
        until((tmp_path / "begun").exists)
        second = sandbox.submit(job(tmp_path / "note"))
        assert not first.cancel()
        assert second.cancel()
        (tmp_path / "go").write_text("")
        assert first.result(SECONDS).arrays[None].shape == (1, 5, 3)
        assert outcome(sandbox, "nothing") == 5
    assert not (tmp_path / "noted").exists()


def test_closing_ends_what_is_in_hand_and_cancels_what_is_queued(tmp_path: Path) -> None:
    with misbehaving() as sandbox:
        first = sandbox.submit(job(tmp_path / "wait"))
        queued = [sandbox.submit(job(tmp_path / "note")) for _ in range(3)]
        until((tmp_path / "begun").exists)
        queued[0].add_done_callback(lambda _: (tmp_path / "go").write_text(""))
    assert first.result(0).arrays[None].shape == (1, 5, 3)
    assert all(future.cancelled() for future in queued)
    assert not (tmp_path / "noted").exists()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.submit(job("nothing"))


def test_an_exception_aborts_and_blames_no_file(tmp_path: Path) -> None:
    futures = []

    def fail_in_the_middle() -> None:
        with misbehaving() as sandbox:
            futures.extend(sandbox.submit(job(tmp_path / name)) for name in ("wait", "note"))
            until((tmp_path / "begun").exists)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert len(futures) == 2
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(0)


def test_a_signal_handler_may_abort_while_the_pool_is_closing(tmp_path: Path) -> None:
    sandbox = misbehaving().__enter__()
    future = sandbox.submit(job(tmp_path / "wait"))
    until((tmp_path / "begun").exists)
    before = signal.signal(signal.SIGALRM, lambda *_: sandbox.abort())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        sandbox.close()
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(CancelledError):
        future.result(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_meant_for_the_program_do_not_end_a_worker(number: signal.Signals, tmp_path: Path) -> None:
    with misbehaving() as sandbox:
        future = sandbox.submit(job(tmp_path / "wait"))
        until((tmp_path / "begun").exists)
        (worker,) = worker_processes()
        os.killpg(worker.pid, number)
        (tmp_path / "go").write_text("")
        assert future.exception(SECONDS) is None
        assert worker_processes() == [worker]


def test_a_worker_that_dies_idle_is_replaced_and_blames_no_file() -> None:
    with misbehaving() as sandbox:
        assert outcome(sandbox, "nothing") == 5
        (worker,) = worker_processes()
        worker.kill()
        psutil.wait_procs([worker], SECONDS)
        assert outcome(sandbox, "nothing") == 5


def test_a_worker_is_replaced_after_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recognize_cli.media.worker._MAX_JOBS", 2)
    with misbehaving() as sandbox:
        seen = []
        for _ in range(4):
            assert outcome(sandbox, "nothing") == 5
            seen += worker_processes()
    assert seen[0] == seen[1] != seen[2] == seen[3]


@pytest.mark.parametrize("name", ["allocate", "blunder"])
def test_a_worker_that_may_be_harmed_is_replaced(name: str) -> None:
    with misbehaving() as sandbox:
        assert outcome(sandbox, "nothing") == 5
        (before,) = worker_processes()
        outcome(sandbox, name)
        assert outcome(sandbox, "nothing") == 5
        assert before not in worker_processes()


def test_a_worker_that_holds_more_than_it_may_is_ended_and_costs_its_file() -> None:
    with misbehaving(memory_limit=2 << 30, max_resident=120 << 20) as sandbox:
        assert outcome(sandbox, "nothing") == 5
        (before,) = worker_processes()
        failure = outcome(sandbox, "allocate_bit_by_bit")
        assert outcome(sandbox, "nothing") == 5
        assert before not in worker_processes()
    assert isinstance(failure, FileFailure)
    assert failure.reason is Reason.MEMORY
    assert failure.message == "decoding it takes more than the 120 MiB of memory that are left for that"


def test_what_a_worker_still_holds_is_not_held_against_the_next_file() -> None:
    with misbehaving(max_resident=120 << 20) as sandbox:
        seen = []
        for _ in range(3):  # the second time it would be too much
            assert outcome(sandbox, "hoard") == 5
            seen += worker_processes()
    assert len(set(seen)) == 3


def test_time_is_up_for_a_worker_that_is_watched_too() -> None:
    with misbehaving(timeout=1, max_resident=1 << 30) as sandbox:
        failure = outcome(sandbox, "spin")
    assert isinstance(failure, FileFailure)
    assert failure.reason is Reason.TIMEOUT


def test_it_knows_what_its_workers_hold() -> None:
    with misbehaving(2) as sandbox:
        assert sandbox.resident() == 0
        outcome(sandbox, "hoard")
        assert sandbox.resident() > 60_000_000
    assert sandbox.resident() == 0


def test_a_worker_gives_back_what_a_huge_picture_took(tmp_path: Path) -> None:
    Image.new("RGB", (8000, 5000)).save(tmp_path / "huge.png", compress_level=1)  # 160 MB
    with Sandbox(1) as sandbox:
        sandbox.submit(job(tmp_path / "huge.png", side=260)).result()
        until(lambda: sandbox.resident() < 128 << 20)


def test_a_result_that_nobody_holds_is_forgotten() -> None:
    with misbehaving() as sandbox:
        future = sandbox.submit(job("nothing"))
        future.result(SECONDS)
        held = weakref.ref(future)
        del future
        until(lambda: held() is None)


@pytest.mark.parametrize("where", ["no_such_module:decode", "json:no_such_function"])
def test_a_decoder_that_cannot_be_loaded_is_an_error_of_the_run(where: str) -> None:
    with Sandbox(1, decoders={Kind.IMAGE: where}) as sandbox:
        for _ in range(3):
            with pytest.raises(SandboxError, match="no_such"):
                sandbox.submit(job("a.jpg")).result(SECONDS)


def test_a_worker_that_cannot_be_started_is_an_error_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with misbehaving() as sandbox, pytest.raises(SandboxError, match="No such file"):
        sandbox.submit(job("nothing")).result(SECONDS)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with misbehaving() as sandbox, pytest.raises(SandboxError, match="ended with status 1 while starting"):
        sandbox.submit(job("nothing")).result(SECONDS)


def test_workers_end_when_the_program_is_killed() -> None:
    """Idle ones, busy ones, and one inside a C library that lets nobody else run."""
    code = (
        "import sys; from tests.media.test_sandbox import job, misbehaving;"
        " sandbox = misbehaving(3).__enter__();"
        " [sandbox.submit(job(name)) for name in ('sleep_in_c', 'spin', 'nap')];"
        " sandbox.submit(job('nothing')).result(); print('ready', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        workers = psutil.Process(program.pid).children(recursive=True)
        assert len(workers) == 3
        program.kill()
    gone, left = psutil.wait_procs(workers, SECONDS)
    assert (len(gone), left) == (3, [])


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02[]",
        b"\0\0\0\x02{x",
        b"\0\0\0\x02\xff\xff",
    ],
)
def test_what_is_no_message_is_refused(line: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    line[1].sendall(sent)
    with pytest.raises(ValueError, match=r"."):
        wire.receive(line[0], time.monotonic() + SECONDS)


@pytest.mark.parametrize(
    "announced",
    [
        {"dtype": "|u1"},
        {"dtype": "|u1", "shape": 5},
        {"dtype": "|u1", "shape": [0]},
        {"dtype": "|u1", "shape": [-5, -5]},
        {"dtype": "|u1", "shape": [1.5]},
        {"dtype": "|u1", "shape": [1 << 40, 1 << 40]},
        {"dtype": "|O", "shape": [5]},
        {"dtype": ["|u1"], "shape": [5]},
    ],
)
def test_what_is_no_array_is_refused(
    line: tuple[socket.socket, socket.socket], announced: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.receive_arrays(line[0], {"arrays": [announced]}, time.monotonic() + SECONDS)


def test_messages_and_arrays_arrive_as_they_were(line: tuple[socket.socket, socket.socket]) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    raw = Raw(array.tobytes(), array.shape, array.dtype.str)
    wire.send(line[1], {"path": "\udcff\n"}, [raw, Raw(b"ab", (1, 2))])
    message = wire.receive(line[0])
    assert message["path"] == "\udcff\n"
    first, second = wire.receive_arrays(line[0], message)
    assert (first == array).all()
    assert second.tolist() == [[97, 98]]


def test_a_message_without_arrays_has_none(line: tuple[socket.socket, socket.socket]) -> None:
    wire.send(line[1], {"path": "a"})
    assert wire.receive_arrays(line[0], wire.receive(line[0])) == []


def test_arrays_that_are_too_large_together_are_refused(line: tuple[socket.socket, socket.socket]) -> None:
    half = {"dtype": "|u1", "shape": [1 << 25, 1]}
    with pytest.raises(ValueError, match="bytes"):
        wire.receive_arrays(line[0], {"arrays": [half, half, half]}, time.monotonic() + SECONDS)


def test_an_end_and_a_delay_are_noticed(line: tuple[socket.socket, socket.socket]) -> None:
    line[1].sendall(b"\0\0")
    with pytest.raises(TimeoutError):
        wire.receive(line[0], time.monotonic() - 1)
    line[1].close()
    with pytest.raises(EOFError):
        wire.receive(line[0])
