from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.cli.output import default_format, destination, forced_colour, styler, write_json
from recognize_cli.errors import OutputError
from tests.cli.running import PROGRAM, clean_environment, run

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "forced"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm"}, None),
    ],
)
def test_what_the_environment_says_of_colours(environment: dict[str, str], forced: bool | None) -> None:
    assert forced_colour(environment) is forced


@pytest.mark.parametrize(
    ("stream", "name", "coloured"),
    [
        (io.StringIO(), "", False),
        (Terminal(), "", True),
        (Terminal(), "NO_COLOR", False),
        (io.StringIO(), "FORCE_COLOR", True),
    ],
)
def test_colours_are_for_terminals(
    stream: io.StringIO, name: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(each, raising=False)
    if name:
        monkeypatch.setenv(name, "1")
    assert styler(stream)("x", "error") == ("\x1b[31mx\x1b[0m" if coloured else "x")


def test_the_format_is_text_on_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert [default_format(path) for path in (None, Path("-"), Path("f"))] == ["text", "text", "jsonl"]
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert default_format(None) == "jsonl"


@pytest.mark.parametrize("path", [None, Path("-")])
def test_results_go_to_stdout(path: Path | None, capsys: pytest.CaptureFixture[str]) -> None:
    with destination(path) as stream:
        stream.write("x\n")
    assert capsys.readouterr().out == "x\n"


def test_a_file_appears_at_the_end_and_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with destination(path) as stream:
        stream.write("caf\u00e9 \udce9\n")
        stream.flush()
        stream.buffer.write(b"\xff\n")
        assert not path.exists()
    assert path.read_bytes() == b"caf\xc3\xa9 \\udce9\n\xff\n"
    assert os.listdir(tmp_path) == ["out"]


def test_what_was_there_stays_until_then_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(0o640)
    with destination(path) as stream:
        stream.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with destination(tmp_path / "out"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out"
    path.write_text("old")

    def fail() -> None:
        with destination(path) as stream:
            stream.write("new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    with destination(tmp_path / "link") as stream:
        stream.write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


def test_a_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    with destination(path) as stream:
        stream.write("x")
    reader.join()
    assert read == ["x"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_an_abort_knows_how_to_tidy_up(tmp_path: Path) -> None:
    def abort() -> None:
        callbacks: list[Callable[[], None]] = []
        with destination(tmp_path / "out", on_abort=callbacks.append):
            assert len(os.listdir(tmp_path)) == 1
            for callback in callbacks:
                callback()
            assert os.listdir(tmp_path) == []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        abort()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "out"
    with pytest.raises(OutputError, match=f"cannot write {path}: No such file or directory"):
        destination(path).__enter__()


def test_a_full_disk_is_named_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    # A limit on the size of files stands for the disk: /dev/full is not ours to put at risk.
    line = f"ulimit -f 8; exec {' '.join(PROGRAM)} many -o {path}"
    done = run(["bash", "-c"], line, home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"recognize: error: cannot write {path}: File too large\n"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_json_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    script = r"from recognize_cli.cli.output import write_json; write_json({'a': 'caf\xe9 \u2603 \udce9'})"
    env = clean_environment(tmp_path, {"PYTHONIOENCODING": "ascii"})
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, check=True)
    assert done.stdout == b'{\n  "a": "caf\xc3\xa9 \xe2\x98\x83 \\udce9"\n}\n'
    assert json.loads(done.stdout) == {"a": "caf\u00e9 \u2603 \udce9"}


def test_json_comes_after_what_was_written_before(capsys: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("before\n")
    write_json({"a": [1]})
    assert capsys.readouterr().out == 'before\n{\n  "a": [\n    1\n  ]\n}\n'
