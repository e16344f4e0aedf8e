from __future__ import annotations

import json
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from recognize_cli.accounts.account import Account
from recognize_cli.accounts.keyrings import Keyring
from recognize_cli.accounts.logins import Login, Logins
from recognize_cli.accounts.passwords import Passwords
from recognize_cli.errors import NoPassword, PasswordUnusable
from recognize_cli.secret import Secret
from tests.support.keyrings import FileKeyring, LockedKeyring

if TYPE_CHECKING:
    from pathlib import Path

ALICE = Account("https", "cloud.example", "alice")
BOB = Account("https", "cloud.example", "bob")
NAS = Account("http", "nas:8080", "alice")
URL = "https://cloud.example"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    return tmp_path / "state" / "recognize" / "logins.json"


def in_file(path: Path) -> Logins:
    return Logins(path, lambda: None)


def in_keyring(path: Path) -> Logins:
    return Logins(path, lambda: Keyring(FileKeyring()))


def test_a_file_keeps_passwords_for_its_owner_only(path: Path) -> None:
    logins = in_file(path)
    assert (logins.all(), logins.find(ALICE)) == ([], None)
    login = logins.put(ALICE, "nextcloud", URL, Secret("geheim"))
    assert login == Login(ALICE, "nextcloud", URL, keyring=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert logins.password(login) == Secret("geheim")
    assert {each.name for each in path.parent.iterdir()} == {"logins.json", "logins.json.lock"}


def test_logins_at_the_same_time_lose_nothing(path: Path) -> None:
    put = (
        "import sys; from pathlib import Path; from recognize_cli.accounts.account import Account;"
        " from recognize_cli.accounts.logins import Logins; from recognize_cli.secret import Secret;"
        " sys.stdin.read()\n"
        "for number in range(20):"
        " Logins(Path(sys.argv[1]), lambda: None).put(Account('https', sys.argv[2], str(number)), 'webdav',"
        " 'https://' + sys.argv[2], Secret('x'))"
    )
    hosts = ("one.example", "two.example", "three.example")
    running = [
        subprocess.Popen([sys.executable, "-c", put, str(path), host], stdin=subprocess.PIPE)
        for host in hosts
    ]
    for each in running:
        assert each.stdin is not None
        each.stdin.close()
    assert [each.wait() for each in running] == [0, 0, 0]
    assert {(login.account.host, login.account.user) for login in in_file(path).all()} == {
        (host, str(number)) for host in hosts for number in range(20)
    }


def test_a_keyring_keeps_them_out_of_the_file(path: Path) -> None:
    logins = in_keyring(path)
    login = logins.put(ALICE, "nextcloud", URL, Secret("geheim"))
    assert login.keyring
    assert "geheim" not in path.read_text()
    assert logins.password(login) == Secret("geheim")
    logins.forget(login)
    assert (logins.all(), logins.password(login)) == ([], None)


def test_where_the_keyring_fails_the_file_keeps_them(path: Path) -> None:
    logins = Logins(path, lambda: Keyring(LockedKeyring()))
    login = logins.put(ALICE, "nextcloud", URL, Secret("geheim"))
    assert not login.keyring
    assert logins.password(login) == Secret("geheim")


def test_a_keyring_that_is_not_there_any_more_is_told(path: Path) -> None:
    login = in_keyring(path).put(ALICE, "nextcloud", URL, Secret("geheim"))
    with pytest.raises(PasswordUnusable, match="log in again"):
        in_file(path).password(login)


def test_the_last_password_of_an_account_counts(path: Path) -> None:
    logins = in_file(path)
    logins.put(ALICE, "webdav", URL, Secret("old"))
    logins.put(BOB, "webdav", URL, Secret("bob's"))
    logins.put(ALICE, "nextcloud", f"{URL}/cloud", Secret("new"))
    assert logins.all() == [
        Login(ALICE, "nextcloud", f"{URL}/cloud", keyring=False),
        Login(BOB, "webdav", URL, keyring=False),
    ]
    assert logins.password(logins.all()[0]) == Secret("new")
    logins.forget(logins.all()[0])
    assert [login.account for login in logins.all()] == [BOB]


def test_without_a_user_the_only_login_of_a_server_is_found(path: Path) -> None:
    logins = in_file(path)
    alice = logins.put(ALICE, "nextcloud", URL, Secret("a"))
    logins.put(NAS, "webdav", "http://nas:8080", Secret("n"))
    assert logins.find(Account("https", "cloud.example", "")) == alice
    assert logins.find(BOB) is None
    logins.put(BOB, "nextcloud", URL, Secret("b"))
    assert logins.find(Account("https", "cloud.example", "")) is None
    assert logins.find(ALICE) == alice


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"logins": [1]}', b'{"logins": [{"account": "geheim"}]}', b"\xff"]
)
def test_a_damaged_file_is_told_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for action in (lambda: in_file(path).all(), lambda: in_file(path).put(ALICE, "webdav", URL, Secret("x"))):
        with pytest.raises(PasswordUnusable, match="damaged") as caught:
            action()
        assert "geheim" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_write_that_fails_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logins = in_file(path)
    logins.put(ALICE, "webdav", URL, Secret("geheim"))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(PasswordUnusable, match="No space left"):
            logins.put(BOB, "webdav", URL, Secret("x"))
    assert path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} == {"logins.json", "logins.json.lock"}
    assert json.loads(before)["schema"] == 1


def test_where_a_password_comes_from_first(path: Path) -> None:
    logins, asked = in_file(path), list[Account]()

    def ask(account: Account) -> Secret:
        asked.append(account)
        return Secret("typed")

    configured: dict[Account, Secret] = {}
    environment: dict[str, str] = {}

    def of(account: Account) -> str:
        return Passwords(logins, configured.get, ask, environment).of(account).reveal()

    assert of(ALICE) == "typed"
    logins.put(ALICE, "webdav", URL, Secret("stored"))
    assert of(ALICE) == "stored"
    configured[ALICE] = Secret("configured")
    assert of(ALICE) == "configured"
    environment["RECOGNIZE_PASSWORD"] = "given"
    assert of(ALICE) == "given"
    assert asked == [ALICE]


def test_without_any_the_ways_to_give_one_are_named(path: Path) -> None:
    passwords = Passwords(in_file(path), lambda _: None, None, {})
    with pytest.raises(NoPassword, match="`recognize login` stores one") as caught:
        passwords.of(ALICE)
    assert str(ALICE) in str(caught.value)


def test_a_password_of_the_environment_goes_to_one_server_only(path: Path) -> None:
    logins = in_file(path)
    logins.put(NAS, "webdav", "http://nas:8080", Secret("stored"))
    passwords = Passwords(logins, lambda _: None, None, {"RECOGNIZE_PASSWORD": "given"})
    assert passwords.of(ALICE).reveal() == "given"
    assert passwords.of(NAS).reveal() == "stored"
    assert passwords.of(ALICE).reveal() == "given"
    with pytest.raises(NoPassword):
        passwords.of(BOB)
