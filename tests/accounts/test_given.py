from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from recognize_cli.accounts.account import Account
from recognize_cli.accounts.given import (
    PASSWORD,
    PASSWORD_COMMAND,
    PASSWORD_FILE,
    from_config,
    from_environment,
)
from recognize_cli.errors import ConfigError, ExitCode, PasswordUnusable

if TYPE_CHECKING:
    from pathlib import Path

ALICE = Account("https", "cloud.example", "alice")


def value(environment: dict[str, str]) -> str | None:
    found = from_environment(environment)
    return None if found is None else found[1].reveal()


def file(path: Path, content: bytes, mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_the_first_variable_that_is_set_counts(tmp_path: Path) -> None:
    all_three = {
        PASSWORD: "one",
        PASSWORD_FILE: file(tmp_path / "f", b"two\n"),
        PASSWORD_COMMAND: "echo three",
    }
    assert value(all_three) == "one"
    assert value({**all_three, PASSWORD: ""}) == "two"
    assert value({PASSWORD_COMMAND: "echo three"}) == "three"
    assert value({PASSWORD: "", PASSWORD_FILE: ""}) is None


@pytest.mark.parametrize("content", [b" p w \r\nuser: x\n", b" p w ", b" p w \n"])
def test_a_password_is_the_first_line_as_it_stands(tmp_path: Path, content: bytes) -> None:
    assert value({PASSWORD_FILE: file(tmp_path / "f", content)}) == " p w "


@pytest.mark.parametrize("content", [b"", b"\nsecond", b"\xff\n"])
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PasswordUnusable, match=PASSWORD_FILE) as caught:
        value({PASSWORD_FILE: file(tmp_path / "f", content)})
    assert caught.value.exit_code == ExitCode.LOGIN


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PasswordUnusable, match="nowhere cannot be read: No such file"):
        value({PASSWORD_FILE: str(tmp_path / "nowhere")})


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)])
def test_a_file_that_others_may_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warnings: int
) -> None:
    assert value({PASSWORD_FILE: file(tmp_path / "it's", b"geheim", mode)}) == "geheim"
    assert len(caplog.records) == warnings
    assert "geheim" not in caplog.text
    assert all("chmod 600" in record.message for record in caplog.records)


def test_a_pipe_is_a_file_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("geheim\n",))
    writer.start()
    assert value({PASSWORD_FILE: str(tmp_path / "pipe")}) == "geheim"
    writer.join()
    assert caplog.records == []


def test_a_command_is_run_without_a_shell() -> None:
    assert value({PASSWORD_COMMAND: f"{sys.executable} -c 'print(\"$HOME; a|b\")'"}) == "$HOME; a|b"


def test_a_command_gets_no_input() -> None:
    assert value({PASSWORD_COMMAND: f"{sys.executable} -c 'import sys; print(len(sys.stdin.read()))'"}) == "0"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("false", "false ended with exit code 1"),
        ("/nowhere/pass show", "/nowhere/pass cannot be run: No such file"),
        ("pass 'unclosed", "no command"),
        ("  ", "no command"),
        ("true", "is empty"),
    ],
)
def test_a_command_that_fails_is_named(command: str, problem: str) -> None:
    with pytest.raises(PasswordUnusable, match=problem) as caught:
        value({PASSWORD_COMMAND: command})
    assert PASSWORD_COMMAND in str(caught.value)


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(PasswordUnusable, match=r"within 0\.1 seconds"):
        from_environment({PASSWORD_COMMAND: "sleep 60"}, command_seconds=0.1)


def test_a_config_file_names_passwords_by_account(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    file(path, b"")
    table = {"https://bob@cloud.example": "b", "nextclouds://alice@cloud.example/Photos": "geheim"}
    found = from_config(path, table, ALICE)
    assert found is not None
    assert found.reveal() == "geheim"
    assert from_config(path, table, Account("http", "cloud.example", "alice")) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_config_file_with_passwords_is_for_its_owner_only(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "config.toml"
    file(path, b"", mode)
    assert from_config(path, {}, ALICE) is None
    with pytest.raises(ConfigError, match="chmod 600"):
        from_config(path, {"https://bob@cloud.example": "b"}, ALICE)


def test_a_password_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    file(path, b"")
    with pytest.raises(ConfigError, match="must be a string") as caught:
        from_config(path, {"https://alice@cloud.example": 4711}, ALICE)
    assert "4711" not in str(caught.value)
