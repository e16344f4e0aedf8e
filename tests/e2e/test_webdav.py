"""`recognize scan webdav://...`, on WsgiDAV, and the options that concern servers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.dav.servers import PASSWORD, USER, Hostile, WsgiDav, status
from tests.support.photos import CAT, COFFEE, ROCKET, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Recognize

pytestmark = pytest.mark.model

_LONG_AGO = 1_777_000_000
UMLAUTS = "Käse 😀/ein Kaffee & so.png"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three photos, in folders of their own; too old to change once more in the same second."""
    root = tmp_path / "served"
    for photo, name in ((CAT, "cat.png"), (COFFEE, UMLAUTS), (ROCKET, "trip/rocket.jpg")):
        os.utime(put(photo, root / "Photos" / name), (_LONG_AGO, _LONG_AGO))
    return root


@pytest.fixture
def server(library: Path) -> Iterator[WsgiDav]:
    with WsgiDav(library) as server:
        yield server


@pytest.fixture
def user(recognize: Recognize, tmp_path: Path) -> Iterator[Recognize]:
    """Somebody whose command knows the password, and whose temporary files are all gone in the end."""
    (tmp_path / "temporary").mkdir()
    recognize.variables |= {"RECOGNIZE_PASSWORD": PASSWORD, "TMPDIR": str(tmp_path / "temporary")}
    yield recognize
    assert list((tmp_path / "temporary").iterdir()) == []


def photos(server: WsgiDav) -> str:
    return f"webdav://{USER}@{server.host}/dav/Photos"


def asked(server: WsgiDav, method: str) -> list[str]:
    return sorted(path.removeprefix("/dav/Photos/") for each, path in server.seen if each == method)


def test_a_tree_is_scanned_and_known_again(user: Recognize, server: WsgiDav, library: Path) -> None:
    first = user("scan", photos(server), "-r", "objects")
    assert first.code == 0, first.stderr
    assert set(first.files) == {"cat.png", UMLAUTS, "trip/rocket.jpg"}
    assert {tag["name"] for tag in first.files[UMLAUTS]["tags"]} == {"Coffee", "Drink"}
    assert asked(server, "GET") == sorted(first.files)
    server.seen.clear()
    second = user("scan", photos(server), "-r", "objects")
    assert all(each["unchanged"] for each in second.of("file"))
    assert asked(server, "GET") == []
    assert len(asked(server, "PROPFIND")) == 1  # nothing is known to have changed: all at once
    server.seen.clear()
    put(CAT, library / "Photos" / "trip" / "new.png")
    put(COFFEE, library / "Photos" / "cat.png")
    (library / "Photos" / UMLAUTS).unlink()
    (library / "Photos" / "trip" / ".nomusic").touch()
    third = user("scan", photos(server), "-r", "objects")
    assert {path: each["unchanged"] for path, each in third.files.items()} == {
        "cat.png": False,
        "trip/new.png": False,
        "trip/rocket.jpg": True,
    }
    assert [(each["path"], each["why"]) for each in third.of("removed")] == [(UMLAUTS, "deleted")]
    assert {each[0] for each in server.seen} == {"PROPFIND", "GET"}
    # The whole tree, and by itself the folder that lost its only file.
    assert asked(server, "PROPFIND") == ["", UMLAUTS.split("/")[0] + "/"]
    assert asked(server, "GET") == ["cat.png", "trip/new.png"]


@pytest.mark.parametrize(
    ("options", "requests"),
    [((), 1), (("--exclude", "*.bmp"), 1), (("--include", "/trip/"), 2), (("--full",), 3)],
)
def test_a_tree_that_did_not_change_is_asked_for_at_once(
    user: Recognize, server: WsgiDav, options: tuple[str, ...], requests: int
) -> None:
    first = user("scan", photos(server), "-r", "music")
    assert (first.code, len(asked(server, "PROPFIND"))) == (0, 3), first.stderr
    server.seen.clear()
    again = user("scan", photos(server), "-r", "music", *options)
    assert (again.code, len(asked(server, "PROPFIND"))) == (0, requests), again.stderr
    if requests == 1:
        assert again.of("file") == first.of("file")


def test_what_all_may_read_needs_no_login(recognize: Recognize, library: Path) -> None:
    with WsgiDav(library, simple_dc={"user_mapping": {"*": True}}) as server:
        address = f"webdav://{server.host}/dav/Photos"
        ended = recognize("scan", address, "-r", "objects")
        assert (ended.code, set(ended.files)) == (0, {"cat.png", UMLAUTS, "trip/rocket.jpg"}), ended.stderr
        assert {each["source"] for each in ended.of("file")} == {address}
        # With a user it is another tree: a server may show others other files.
        recognize.variables["RECOGNIZE_PASSWORD"] = PASSWORD
        ended = recognize("scan", f"webdav://{USER}@{server.host}/dav/Photos", "-r", "objects")
        assert not any(each["unchanged"] for each in ended.of("file"))


def test_where_a_login_is_needed_the_command_for_it_is_named(recognize: Recognize, server: WsgiDav) -> None:
    recognize.variables["RECOGNIZE_PASSWORD"] = PASSWORD  # whose it is nobody said
    ended = recognize("scan", f"webdav://{server.host}/dav/Photos", "-r", "objects")
    assert (ended.code, len(server.seen)) == (5, 1)
    assert f"recognize login webdav http://{server.host}/dav/Photos/" in ended.stderr
    login = recognize("login", "webdav", f"http://{USER}@{server.host}/dav/Photos/")
    assert login.code == 0, login.stderr
    del recognize.variables["RECOGNIZE_PASSWORD"]
    ended = recognize("scan", f"webdav://{server.host}/dav/Photos", "-r", "objects")
    assert (ended.code, len(ended.files)) == (0, 3), ended.stderr


def test_which_of_several_logins_is_meant_is_not_guessed(recognize: Recognize, library: Path) -> None:
    with WsgiDav(library, simple_dc={"user_mapping": {"*": True}}) as server:
        recognize.variables["RECOGNIZE_PASSWORD"] = PASSWORD
        for user in (USER, "bob"):
            assert recognize("login", "webdav", f"http://{user}@{server.host}/dav/").code == 0
        ended = recognize("scan", f"webdav://{server.host}/dav/Photos", "-r", "objects")
        assert (ended.code, "recognize login list" in ended.stderr) == (5, True), ended.stderr


def test_a_broken_file_costs_only_itself(user: Recognize, server: WsgiDav, library: Path) -> None:
    (library / "Photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"nothing" * 50)
    ended = user("scan", photos(server), "-r", "objects", "--temporary", "300KiB")
    assert ended.code == 3
    assert ended.errors == {"broken.jpg": "decode", UMLAUTS: "too-large"}
    assert set(ended.files) == {"cat.png", "trip/rocket.jpg"}
    assert "temporary files" in next(each["message"] for each in ended.of("error") if each["path"] == UMLAUTS)


def test_a_server_that_is_not_there_keeps_nobody_from_the_others(
    user: Recognize, server: WsgiDav, library: Path
) -> None:
    with Hostile([status(500)]) as broken:
        bad = f"webdav://{USER}@{broken.host}/dav"
        user.variables["RECOGNIZE_PASSWORD_COMMAND"] = f"printf '{PASSWORD}'"
        del user.variables["RECOGNIZE_PASSWORD"]
        ended = user("scan", f"{photos(server)}/nothing", library / "Photos" / "trip", "-r", "objects")
        assert (ended.code, set(ended.files)) == (4, {"rocket.jpg"})
        assert "404 Not Found; check the path" in ended.stderr
        ended = user("scan", bad, "-r", "objects")
        assert (ended.code, ended.of("file")) == (4, [])


@pytest.mark.parametrize("given", ["file", "command", "wrong"])
def test_passwords(user: Recognize, server: WsgiDav, given: str) -> None:
    secret = user.home / "secret"
    secret.write_text("wrong\n" if given == "wrong" else f"{PASSWORD}\n")
    secret.chmod(0o600)
    del user.variables["RECOGNIZE_PASSWORD"]
    if given == "command":
        user.variables["RECOGNIZE_PASSWORD_COMMAND"] = f"cat {secret}"
    else:
        user.variables["RECOGNIZE_PASSWORD_FILE"] = str(secret)
    ended = user("scan", photos(server), "-r", "objects", "--exclude", "*.*")
    if given == "wrong":
        assert ended.code == 5
        assert len(server.seen) == 1
    else:
        assert ended.code == 0, ended.stderr
    for text in (ended.stdout, ended.stderr.encode()):
        assert PASSWORD.encode() not in text


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["https://files.example/dav"], "webdavs://files.example/dav"),
        (["http://alice@cloud.example"], "nextcloud://cloud.example"),
        (["ftp://alice:pass phrase@files.example"], "webdavs://user@host/path"),
        (["webdavs://alice:pass phrase@files.example"], "recognize login"),
        (["webdavs://alice@files.example", "--push"], "--push-to"),
        ([".", "--push"], "--push-to"),
        ([".", "--dry-run"], "--push"),
        ([".", "--push-people"], "--push"),
        ([".", "--map", "/a=/b"], "--push-to"),
        ([".", "--push", "--map", "/a=/b"], "--push-to"),
        ([".", "--push-to", "webdavs://alice@files.example"], "nextclouds://"),
        ([".", "--push-to", "nextclouds://alice@cloud.example", "--map", "/a"], "LOCAL=REMOTE"),
        ([".", "..", "--push-to", "nextclouds://alice@cloud.example"], "--map"),
        (["-", "--push-to", "nextclouds://alice@cloud.example"], "--map"),
        (["nextclouds://alice@cloud.example", "--push", "--no-catalogue"], "--no-catalogue"),
    ],
)
def test_usage_errors_name_the_remedy(recognize: Recognize, arguments: list[str], remedy: str) -> None:
    ended = recognize("scan", *arguments)
    assert (ended.code, ended.stdout) == (2, b"")
    assert remedy in ended.stderr
    assert "pass phrase" not in ended.stderr
    assert not list(recognize.home.rglob("catalogue*"))
