"""`recognize scan webdav://...`, on WsgiDAV, and the options that concern servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dav.servers import PASSWORD, USER, Hostile, WsgiDav, status
from tests.support.photos import CAT, COFFEE, ROCKET, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command import Recognize

pytestmark = pytest.mark.model

UMLAUTS = "Käse 😀/ein Kaffee & so.png"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three photos, in folders of their own."""
    root = tmp_path / "served"
    put(CAT, root / "Photos" / "cat.png")
    put(COFFEE, root / "Photos" / UMLAUTS)
    put(ROCKET, root / "Photos" / "trip" / "rocket.jpg")
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
    assert len(asked(server, "PROPFIND")) == 3
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
