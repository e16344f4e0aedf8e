"""`recognize scan` when things go wrong: signals, kills, full disks, locks, bad input."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command import wait_until
from tests.support.photos import CAT, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Recognize

pytestmark = pytest.mark.model


def catalogue(recognize: Recognize) -> Path:
    return recognize.home / ".local" / "state" / "recognize" / "catalogue.sqlite3"


def read_lines(process: subprocess.Popen[bytes], count: int) -> list[bytes]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_in_order(
    recognize: Recognize, many: Path, number: signal.Signals, code: int
) -> None:
    process = recognize.start("scan", many, "--jobs", "1", "--threads", "1")
    early = read_lines(process, 3)
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    records = [json.loads(line) for line in [*early, *rest.splitlines()]]
    assert records[-1]["type"] == "summary"
    assert (records[-1]["complete"], records[-1]["stopped_by"]) == (False, number.name)
    assert records[-1]["exit_code"] == code
    done = {record["path"] for record in records if record["type"] == "file"}
    assert 3 <= len(done) < 60
    again = recognize("scan", many)
    assert len(again.files) == 60
    assert {path for path, record in again.files.items() if record["unchanged"]} == done


def test_a_second_signal_ends_it_at_once_and_leaves_no_worker(recognize: Recognize, many: Path) -> None:
    with recognize.start("scan", many, start_new_session=True) as process:
        read_lines(process, 1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while b"again to stop at once" not in process.stderr.readline():  # else both would be one signal
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    wait_until(lambda: not members(process.pid), "the end of all workers")


def members(group: int) -> list[int]:
    """The living processes of a session."""
    listed = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return [int(pid) for pid, session, state in rows if int(session) == group and not state.startswith("Z")]


def test_ctrl_c_reaches_the_whole_group_and_only_the_parent_acts(recognize: Recognize, many: Path) -> None:
    process = recognize.start("scan", many, start_new_session=True)
    read_lines(process, 1)
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    records = [json.loads(line) for line in rest.splitlines()]
    assert [record for record in records if record["type"] == "error"] == []
    assert b"Traceback" not in errors


@pytest.mark.parametrize("results", [0, 1, 20])
def test_nothing_is_lost_or_doubled_after_kill_9(recognize: Recognize, many: Path, results: int) -> None:
    process = recognize.start("scan", many, start_new_session=True)
    told = [json.loads(line)["path"] for line in read_lines(process, results)]
    process.kill()
    process.communicate()
    wait_until(lambda: not members(process.pid), "the end of all workers")
    again = recognize("scan", many)
    assert again.code == 0, again.stderr
    assert len(again.files) == 60
    assert all(again.files[path]["unchanged"] for path in told)
    with sqlite3.connect(catalogue(recognize)) as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (60,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_time_limit_ends_a_run_in_order(recognize: Recognize, many: Path) -> None:
    ended = recognize("scan", many, "--max-duration", "2s", "--jobs", "1", "--threads", "1")
    assert ended.code in {0, 10}  # a fast machine is done by then
    if ended.code == 10:
        assert ended.summary["stopped_by"] == "time-limit"
    assert len(recognize("scan", many).files) == 60


def test_a_second_run_waits_or_ends(recognize: Recognize, many: Path) -> None:
    first = recognize.start("scan", many)
    read_lines(first, 1)
    refused = recognize("scan", many)
    assert refused.code == 11
    assert "--wait" in refused.stderr
    waiting = recognize.start("scan", many, "--wait")
    time.sleep(0.5)
    assert waiting.poll() is None
    first.communicate()
    results, _ = waiting.communicate()
    assert waiting.returncode == 0
    assert len(results.splitlines()) == 61


def test_a_reader_that_leaves_ends_the_run_quietly(recognize: Recognize, many: Path) -> None:
    with recognize.start("scan", many) as process:
        read_lines(process, 1)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "Broken" not in errors


def test_a_killed_run_leaves_the_old_output_file(recognize: Recognize, tree: Path, many: Path) -> None:
    output = recognize.home / "out.jsonl"
    assert recognize("scan", tree, "-o", output).code == 0
    before = output.read_bytes()
    process = recognize.start("-v", "scan", many, "-o", output, start_new_session=True)
    assert process.stderr is not None
    while b"loading the model" not in process.stderr.readline():
        pass
    time.sleep(0.3)
    process.kill()
    process.communicate()
    assert output.read_bytes() == before
    assert [json.loads(line)["type"] for line in before.splitlines()][-1] == "summary"


def test_a_full_disk_under_stdout_is_an_error(recognize: Recognize, tree: Path) -> None:
    with open("/dev/full", "wb") as full:
        process = recognize.start("scan", tree, stdout=full)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"No space left" in errors
    assert b"Traceback" not in errors


def test_sources_that_are_not_there(recognize: Recognize, tree: Path) -> None:
    missing = recognize("scan", tree.parent / "nowhere")
    assert missing.code == 4
    assert "does not exist" in missing.stderr
    both = recognize("scan", tree.parent / "nowhere", tree)
    assert both.code == 4
    assert len(both.files) == 3
    assert both.summary["complete"] is False


@pytest.mark.parametrize("content", [b"not a database, but long enough to look" * 100, b""])
def test_a_file_that_is_no_catalogue(recognize: Recognize, tree: Path, content: bytes) -> None:
    path = recognize.home / "other.db"
    path.write_bytes(content)
    ended = recognize("scan", tree, "--catalogue", path)
    if content:
        assert ended.code == 8
        assert str(path) in ended.stderr
        assert path.read_bytes() == content
    else:
        assert ended.code == 0


def test_a_read_only_catalogue(recognize: Recognize, tree: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = recognize.home / "state"
    folder.mkdir()
    folder.chmod(0o500)
    ended = recognize("scan", tree, "--catalogue", folder / "catalogue")
    folder.chmod(0o700)
    assert ended.code == 8
    assert "--catalogue" in ended.stderr


def test_a_broken_rules_file_names_its_line(recognize: Recognize, tree: Path) -> None:
    rules = recognize.home / "rules.yml"
    rules.write_text("version: 1\nobjects:\n  classes:\n    tabby: {label: Cat, treshold: 0.3}\n")
    ended = recognize("scan", tree, "--rules", rules)
    assert ended.code == 2
    assert f"{rules}:" in ended.stderr
    assert "treshold" in ended.stderr


def test_a_model_that_is_not_there_and_may_not_be_fetched(recognize: Recognize, tree: Path) -> None:
    recognize.models = recognize.home / "models"
    ended = recognize("scan", tree, "--offline")
    assert ended.code == 6
    assert "recognize models fetch" in ended.stderr


def test_a_damaged_model_is_never_loaded(recognize: Recognize, tree: Path, model_store: Path) -> None:
    store = recognize.home / "models"
    subprocess.run(["cp", "-r", model_store, store], check=True)
    (model,) = store.glob("efficientnet-lite2/*/model.onnx")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    recognize.models = store
    ended = recognize("scan", tree)
    assert ended.code == 6
    assert "models.lock" in ended.stderr
    assert {tuple(each["recognizers"]) for each in ended.of("file")} == {("faces",)}


def test_usage(recognize: Recognize) -> None:
    assert recognize("scan").code == 2
    ended = recognize("scan", "https://me@cloud.example")
    assert ended.code == 2
    assert "nextclouds://" in ended.stderr
    assert recognize("scan", ".", "--max-size", "huge").code == 2


def test_a_file_that_changes_under_the_scan_is_found_by_the_next(recognize: Recognize, tree: Path) -> None:
    recognize("scan", tree)
    put(CAT, tree / "trip" / "coffee.png")
    os.utime(tree / "cat.jpg")
    ended = recognize("scan", tree)
    assert {path for path, record in ended.files.items() if not record["unchanged"]} == {
        "cat.jpg",
        "trip/coffee.png",
    }
