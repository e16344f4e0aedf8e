"""How a process ends: its exit code, and what it says on stderr."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from recognize_cli import __version__
from tests.cli.running import PROGRAM, RECOGNIZE, clean_environment, run, start

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def test_version(tmp_path: Path) -> None:
    done = run(RECOGNIZE, "--version", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"recognize {__version__}\n", "")


def test_python_m_does_the_same(tmp_path: Path) -> None:
    module = [PROGRAM[0], "-m", "recognize_cli"]
    assert (
        run(module, "doctor", "-h", home=tmp_path).stdout
        == run(RECOGNIZE, "doctor", "-h", home=tmp_path).stdout
    )


def test_no_command_shows_help_and_is_a_usage_error(tmp_path: Path) -> None:
    done = run(RECOGNIZE, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


def test_an_unknown_command_names_the_nearest(tmp_path: Path) -> None:
    done = run(RECOGNIZE, "docter", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Usage: recognize [OPTIONS] COMMAND [ARGS]...\n"
        "Try 'recognize --help' for help.\n\n"
        "recognize: error: No such command 'docter'. Did you mean 'doctor'?\n"
    )


def test_an_unknown_option_names_the_nearest(tmp_path: Path) -> None:
    done = run(RECOGNIZE, "doctor", "--fromat", "json", home=tmp_path)
    assert done.returncode == 2
    assert "recognize: error: No such option '--fromat'. Did you mean '--format'?\n" in done.stderr


def test_a_broken_config_file_is_named_with_the_line(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[doctor]\nformat = \n")
    done = run(RECOGNIZE, "--config", str(config), "config", "show", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"recognize: error: {config}: is not valid TOML: ")
    assert "line 2" in done.stderr


def test_a_broken_config_file_does_not_keep_help_away(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("nonsense")
    for arguments in (["--help"], ["doctor", "--help"], ["config", "path"], ["completion", "fish"]):
        done = run(RECOGNIZE, *arguments, home=tmp_path, env={"RECOGNIZE_CONFIG": str(config)})
        assert (done.returncode, done.stderr) == (0, "")


def test_a_config_file_that_was_named_must_exist(tmp_path: Path) -> None:
    done = run(RECOGNIZE, "--config", "/none.toml", "config", "show", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "recognize: error: /none.toml: cannot be read: No such file or directory\n"


def test_an_expected_error_ends_with_its_own_code_and_shows_no_escapes(tmp_path: Path) -> None:
    done = run(PROGRAM, "fail", "expected", home=tmp_path)
    assert done.returncode == 6
    assert done.stderr.startswith(r"recognize: error: /m\x1b[2J is not the file")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("bug", "unexpected ValueError: no such thing"),
        ("missing", "/nowhere/at/all: No such file or directory"),
        ("pipe", "Broken pipe"),
        ("end", "unexpected EOFError"),
        ("exit", "unexpected SystemExit: 77"),
        ("memory", "out of memory"),
    ],
)
def test_an_unexpected_error_is_one_line_and_a_hint(tmp_path: Path, how: str, message: str) -> None:
    done = run(PROGRAM, "fail", how, home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"recognize: error: {message}\n"
        "To see where it happened, run the same command with -vv or RECOGNIZE_DEBUG=1.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["fail", "-vv", "bug"], {}),
        (["-v", "fail", "-v", "bug"], {}),
        (["fail", "bug"], {"RECOGNIZE_DEBUG": "1"}),
        (["fail", "bug"], {"RECOGNIZE_VERBOSE": "2"}),
    ],
)
def test_the_traceback_is_there_for_those_who_ask(
    tmp_path: Path, arguments: list[str], env: dict[str, str]
) -> None:
    assert "Traceback" in run(PROGRAM, *arguments, home=tmp_path, env=env).stderr


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_outside_of_a_scan_cleans_up(
    tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    traces = tmp_path / "traces"
    with start(PROGRAM, "hold", str(traces), home=tmp_path, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert rest.decode() == f"recognize: {word}\n"
    assert traces.read_text() == "cleaned up"


@pytest.mark.parametrize("arguments", [["many"], ["one"], ["many", "-o", "-"], ["values"], ["--help"]])
def test_a_reader_that_leaves_ends_the_run_quietly(tmp_path: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with start(PROGRAM, *arguments, "-qq", home=tmp_path, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr is not None
        messages = process.stderr.read().decode()
    assert process.returncode == 0
    assert [line for line in messages.splitlines() if not line.endswith("error: an error")] == []


def test_the_installed_program_into_head(tmp_path: Path) -> None:
    command = f"{RECOGNIZE[0]} completion bash | head -0; echo ${{PIPESTATUS[0]}}"
    done = run(["bash", "-c"], command, home=tmp_path)
    assert (done.stdout, done.stderr) == ("0\n", "")


@needs_full
@pytest.mark.parametrize("arguments", [["many"], ["one"], ["--version"]])
def test_a_full_disk_under_stdout_is_said_once(tmp_path: Path, arguments: list[str]) -> None:
    with FULL.open("wb") as full:
        process = start(PROGRAM, *arguments, home=tmp_path, stdout=full.fileno(), stderr=subprocess.PIPE)
        _, messages = process.communicate()
    assert process.returncode == 1
    assert messages.decode() == ("recognize: error: cannot write standard output: No space left on device\n")


def test_a_closed_stdout_is_an_error_and_not_the_next_open_file(tmp_path: Path) -> None:
    done = run(["bash", "-c"], f"exec {' '.join(RECOGNIZE)} config path >&-", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "recognize: error: cannot write standard output: Bad file descriptor\n"


@needs_full
def test_messages_that_cannot_be_written_cost_nothing(tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        process = start(PROGRAM, "values", home=tmp_path, stdout=subprocess.PIPE, stderr=full.fileno())
        results, _ = process.communicate()
    assert process.returncode == 0
    assert results.startswith(b"backend=")
    done = run(["bash", "-c"], f"exec {' '.join(PROGRAM)} one 2>&-", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "one line\n")


def test_what_a_locale_cannot_show_is_an_escape(tmp_path: Path) -> None:
    env = clean_environment(tmp_path, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    done = subprocess.run([*PROGRAM, "odd"], capture_output=True, env=env, check=False)
    assert done.returncode == 0
    assert done.stdout == b"caf\\udce9 \\u2603\n"
