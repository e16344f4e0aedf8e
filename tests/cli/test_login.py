"""Logging in and out with the installed command, against servers that run."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from recognize_cli.accounts.account import Account
from recognize_cli.cli.app import root
from recognize_cli.errors import ExitCode
from tests.cli.running import REPOSITORY
from tests.dav.clouds import PASSWORD, Clouds
from tests.dav.servers import WsgiDav
from tests.support.command import Recognize
from tests.support.nextcloud import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Called
    from tests.support.nextcloud import NextcloudServer


@pytest.fixture
def clouds() -> Iterator[Clouds]:
    with ExitStack() as stack:
        yield Clouds(stack)


@pytest.fixture
def recognize(tmp_path: Path) -> Recognize:
    return Recognize(tmp_path)


@pytest.fixture
def with_keyring(recognize: Recognize, tmp_path: Path) -> Recognize:
    recognize.variables |= {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHON_KEYRING_BACKEND": "tests.support.keyrings.FileKeyring",
        "TEST_KEYRING": str(tmp_path / "keyring.json"),
    }
    return recognize


def log_in(recognize: Recognize, server: NextcloudServer) -> tuple[int, str]:
    """Logs in as alice, who allows it in her browser; returns the exit code and what was said."""
    running = recognize.start("login", "nextcloud", server.url, stderr=subprocess.PIPE, text=False)
    with running:
        assert running.stderr is not None
        said = b""
        while not (link := re.search(rb"  (http://\S+)\n", said)):
            more = os.read(running.stderr.fileno(), 4096)
            assert more, said
            said += more
        server.cloud.accounts.grant(link[1].decode(), "alice")
        said += running.stderr.read()
    return running.returncode, said.decode()


def files_below(folder: Path) -> bytes:
    """All that is in any file there."""
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("folder", ["", "/cloud"])
def test_a_login_by_browser_is_stored_used_and_revoked(
    recognize: Recognize, clouds: Clouds, tmp_path: Path, folder: str
) -> None:
    server = clouds.start(folder=folder)
    code, said = log_in(recognize, server)
    ((password, name),) = server.cloud.accounts.users["alice"].app_passwords.items()
    path = tmp_path / ".local" / "state" / "recognize" / "logins.json"
    assert (code, stat.S_IMODE(path.stat().st_mode)) == (ExitCode.DONE, 0o600)
    assert (password in said, str(path) in said, name.startswith("recognize on ")) == (False, True, True)
    assert password in path.read_text()

    listed = recognize("login", "list", "--format", "json")
    (login,) = json.loads(listed.stdout)["logins"]
    assert login["account"] == f"http://alice%40example.org@{server.host}"
    assert (login["kind"], login["url"], login["keyring"]) == ("nextcloud", server.url, False)
    text = recognize("login", "list", "-vv")
    assert password not in text.stdout.decode() + text.stderr + listed.stdout.decode()

    ended = recognize("logout", f"nextcloud://{server.host}/Photos", "-vv")
    assert (ended.code, password in ended.stderr) == (ExitCode.DONE, False)
    assert server.cloud.accounts.users["alice"].app_passwords == {}
    assert json.loads(path.read_text())["logins"] == []
    again = recognize("logout", server.url)
    assert (again.code, "recognize login list" in again.stderr) == (ExitCode.LOGIN, True)


def test_a_keyring_keeps_the_password(with_keyring: Recognize, clouds: Clouds, tmp_path: Path) -> None:
    server = clouds.start()
    code, said = log_in(with_keyring, server)
    (password,) = server.cloud.accounts.users["alice"].app_passwords
    assert (code, "keyring" in said) == (ExitCode.DONE, True)
    assert password.encode() not in files_below(tmp_path / ".local")
    assert password in (tmp_path / "keyring.json").read_text()
    assert with_keyring("login", "list").stdout.split()[:2] == [b"nextcloud", b"keyring"]
    assert with_keyring("logout", server.url).code == ExitCode.DONE
    assert server.cloud.accounts.users["alice"].app_passwords == {}
    assert (tmp_path / "keyring.json").read_text() == "{}"


def test_a_password_that_can_be_neither_stored_nor_revoked_is_told(
    recognize: Recognize, clouds: Clouds, tmp_path: Path
) -> None:
    server = clouds.start()
    (tmp_path / ".local" / "state" / "recognize" / "logins.json").mkdir(parents=True)
    server.cloud.faults = Faults({Fault.CUT_BEFORE: 1.0}, only=lambda request: request.method == "DELETE")
    code, said = log_in(recognize, server)
    assert (code, "logins.json: Is a directory" in said) == (ExitCode.LOGIN, True)
    assert len(server.cloud.accounts.users["alice"].app_passwords) == 1
    assert "delete the app password" in said


def test_ctrl_c_ends_the_waiting(recognize: Recognize, clouds: Clouds, tmp_path: Path) -> None:
    server = clouds.start()
    with recognize.start("login", "nextcloud", server.url) as running:
        assert running.stderr is not None
        said = b""
        while b"/flow/" not in said:
            said += os.read(running.stderr.fileno(), 4096)
        running.send_signal(signal.SIGINT)
        said += running.stderr.read()
    assert running.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in said
    assert not (tmp_path / ".local").exists()


@pytest.fixture
def call_in(call: Callable[..., Called], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Called]:
    """Calls the program in this process, with no keyring."""
    monkeypatch.setattr("recognize_cli.cli.signing.POLL_SECONDS", 0.01)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return lambda *arguments, **how: call(root, *arguments, **how)


def stored(call_in: Callable[..., Called]) -> list[str]:
    return [
        each["account"] for each in json.loads(call_in("login", "list", "--format", "json").stdout)["logins"]
    ]


def test_a_password_by_hand_is_tried_before_it_is_stored(
    call_in: Callable[..., Called], clouds: Clouds
) -> None:
    server = clouds.start()
    url = f"http://alice%40example.org@{server.host}"
    wrong = call_in("login", "nextcloud", url, "--ask", env={"RECOGNIZE_PASSWORD": "wrong password"})
    assert (wrong.returncode, stored(call_in)) == (ExitCode.LOGIN, [])
    assert "wrong password" not in wrong.stderr
    right = call_in("login", "nextcloud", url, "--ask", env={"RECOGNIZE_PASSWORD": PASSWORD})
    assert (right.returncode, stored(call_in)) == (ExitCode.DONE, [str(Account.of(url))])
    ended = call_in("logout", url)
    assert (ended.returncode, "invalid" in ended.stderr) == (ExitCode.DONE, False)


def test_a_webdav_server_is_asked_whether_the_password_is_right(
    call_in: Callable[..., Called], tmp_path: Path
) -> None:
    with WsgiDav(tmp_path) as server:
        url = f"webdav://alice@{server.host}/dav"
        wrong = call_in("login", "webdav", url, env={"RECOGNIZE_PASSWORD": "wrong password"})
        assert (wrong.returncode, stored(call_in)) == (ExitCode.LOGIN, [])
        from tests.dav.servers import PASSWORD as RIGHT

        right = call_in("login", "webdav", url, env={"RECOGNIZE_PASSWORD": RIGHT})
        assert (right.returncode, stored(call_in)) == (ExitCode.DONE, [f"http://alice@{server.host}"])
        asked = len(server.seen)
        assert call_in("logout", url).returncode == ExitCode.DONE
        assert (len(server.seen), stored(call_in)) == (asked, [])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nextcloud", "https://alice:geheim@cloud.example"), ExitCode.USAGE, "leave the password out"),
        (("webdav", "ftp://nas"), ExitCode.USAGE, "names no server"),
        (("webdav", "http://127.0.0.1:9/dav"), ExitCode.LOGIN, "user name"),
        (("nextcloud", "http://127.0.0.1:9"), ExitCode.SOURCE, "cannot reach http://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_logged_in_to(
    call_in: Callable[..., Called], arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    ended = call_in("login", *arguments)
    assert (ended.returncode, said in ended.stderr, "geheim" in ended.stderr) == (code, True, False)


def test_a_server_without_nextcloud_is_told(call_in: Callable[..., Called], tmp_path: Path) -> None:
    with WsgiDav(tmp_path) as server:
        ended = call_in("login", "nextcloud", f"http://{server.host}")
    assert ended.returncode in (ExitCode.SOURCE, ExitCode.LOGIN)
    assert stored(call_in) == []


def test_a_password_that_cannot_be_stored_is_made_invalid(
    call_in: Callable[..., Called], clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = clouds.start()

    def show(page: str, *, browser: bool | None) -> None:
        server.cloud.accounts.grant(page, "alice")

    monkeypatch.setattr("recognize_cli.cli.signing._show", show)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        ended = call_in("login", "nextcloud", server.url)
    assert (ended.returncode, "No space left" in ended.stderr) == (ExitCode.LOGIN, True)
    assert server.cloud.accounts.users["alice"].app_passwords == {}


def test_nobody_allows_it_in_time(
    call_in: Callable[..., Called], clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recognize_cli.dav.login.LIFETIME", 0.05)
    ended = call_in("login", "nextcloud", clouds.start().url)
    assert (ended.returncode, "nobody allowed" in ended.stderr) == (ExitCode.LOGIN, True)


def test_a_server_that_is_gone_keeps_the_login_unless_told_otherwise(
    call_in: Callable[..., Called], clouds: Clouds
) -> None:
    server = clouds.start()
    url = f"http://bob@{server.host}"
    call_in("login", "nextcloud", url, "--ask", env={"RECOGNIZE_PASSWORD": PASSWORD})
    server.cloud.maintenance = True
    assert call_in("logout", url).returncode == ExitCode.SOURCE
    assert stored(call_in) == [url]
    assert call_in("logout", url, "--local").returncode == ExitCode.DONE
    assert stored(call_in) == []


def test_passwords_of_the_config_file_are_no_settings(call_in: Callable[..., Called], tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[passwords]\n"https://alice@cloud.example" = "geheim"\n')
    variables = {"RECOGNIZE_PASSWORD": "geheim", "RECOGNIZE_PASSWORD_FILE": "/f"}
    shown = call_in("--config", str(path), "config", "show", env=variables)
    assert (shown.returncode, shown.stderr, "geheim" in shown.stdout) == (ExitCode.DONE, "", False)
    path.write_text('passwords = "geheim"\n')
    wrong = call_in("--config", str(path), "config", "show")
    assert (wrong.returncode, "must be a table" in wrong.stderr) == (ExitCode.USAGE, True)


def test_no_option_takes_a_password() -> None:
    import click

    from recognize_cli.cli.settings import contexts

    flags = [
        flag
        for context in contexts(click.Context(root, info_name="recognize"))
        for parameter in context.command.params
        for flag in parameter.opts
    ]
    assert len(flags) > 100
    assert not [flag for flag in flags if "password" in flag or "secret" in flag or "token" in flag]
