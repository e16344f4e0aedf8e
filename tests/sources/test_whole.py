"""A tree that a server tells at once: whatever it answers, a walk finds what it finds folder by folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.dav.address import Address
from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.patience import Patience
from recognize_cli.dav.spool import Spool
from recognize_cli.errors import LoginRefused, SourceUnreachable
from recognize_cli.sources import whole
from recognize_cli.sources.webdav import WebDavSource
from recognize_cli.sources.whole import WholeSource
from recognize_cli.stages.walk import Visit, walk
from tests.contracts.source_contract import SourceContract, Tree
from tests.dav.servers import USER, Hostile, WsgiDav, multistatus, raw, status, told
from tests.sources.folder import FolderTree

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from recognize_cli.records import Listing, Unreadable
    from tests.dav.servers import Asked

NOBODY: dict[str, Any] = {"simple_dc": {"user_mapping": {"*": True}}}
KNOWN = {"": 0, "somewhere": 0}
"""That a tree was read before, and nothing of what it held."""


class AtOnce(WholeSource):
    """Asks for the whole tree before each listing."""

    def listing(self, directory: str) -> Listing:
        source = WholeSource(self._source, KNOWN)
        if directory:
            source.listing("")
        return source.listing(directory)


class TestWholeSource(SourceContract):
    keeps_ids: ClassVar[bool] = False
    awkward_names: ClassVar[tuple[str, ...]] = (*SourceContract.awkward_names, "new\nline.jpg", "...")

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Iterator[Tree]:
        served = tmp_path / "served"
        root = served / "my photos %"
        root.mkdir(parents=True)
        (tmp_path / "spool").mkdir()
        with WsgiDav(served, **NOBODY) as server:
            address = Address.of(f"webdav://{server.host}/dav/my photos %25/")
            with DavClient(address.server) as client, Spool(tmp_path / "spool") as spool:
                yield FolderTree(root, AtOnce(WebDavSource(address, client, spool), KNOWN))


Open = Callable[..., WholeSource]


@pytest.fixture
def open_at(tmp_path: Path) -> Iterator[Open]:
    """Makes sources for servers; their clients wait for nothing."""
    with ExitStack() as stack:
        spool = stack.enter_context(Spool(tmp_path))

        def make(host: str, known: Mapping[str, int] = KNOWN) -> WholeSource:
            address = Address.of(f"webdav://{USER}@{host}/dav")
            options = Options(patience=Patience(attempts=3, longest_wait=1.0))
            client = DavClient(address.server, None, options, pause=lambda _: None)
            return WholeSource(WebDavSource(address, stack.enter_context(client), spool), known)

        yield make


@dataclass
class Served:
    """A tree, folders with the names of what is in them; ``at_once`` answers for the whole of it."""

    folders: dict[str, list[str]]
    at_once: Callable[[Asked, socket.socket], object] = field(default_factory=lambda: status(403))
    failing: Sequence[str] = ()
    depths: list[str] = field(default_factory=list)

    def responses(self, folder: str) -> list[str]:
        return [self.response(f"{folder}/{name}".lstrip("/")) for name in self.folders[folder]]

    def response(self, path: str) -> str:
        is_folder = path in self.folders
        return told(quote(f"/dav/{path}{'/' if is_folder and path else ''}"), directory=is_folder)

    def everything(self) -> list[str]:
        return [
            self.response(""),
            *(each for folder in self.folders for each in self.responses(folder)),
        ]

    def __call__(self, asked: Asked, connection: socket.socket) -> object:
        self.depths.append(asked.headers["depth"])
        folder = unquote(asked.target).removeprefix("/dav").strip("/")
        if asked.headers["depth"] == "infinity":
            return self.at_once(asked, connection)
        if folder in self.failing:
            return status(403)(asked, connection)
        return status(207, multistatus(self.response(folder), *self.responses(folder)))(asked, connection)


TREE = {"": ["a", "b", "top.jpg"], "a": ["deep", "1.jpg"], "a/deep": ["2.jpg", "3.jpg"], "b": ["4.jpg"]}
SIZES = {"": 3, "a": 2, "a/deep": 2, "b": 1}
FILES = ["top.jpg", "a/1.jpg", "a/deep/2.jpg", "a/deep/3.jpg", "b/4.jpg"]


def files(visits: Sequence[Visit | Unreadable]) -> list[str]:
    return [file.path for visit in visits if isinstance(visit, Visit) for file in visit.files]


names = st.sampled_from(["a", "b", "ä b", "100%", "a.jpg", "b.jpg", "#?.jpg", ".nomedia"])
trees = st.recursive(st.none(), lambda below: st.dictionaries(names, below, max_size=4), max_leaves=12)


def flat(tree: dict[str, Any], at: str = "") -> dict[str, list[str]]:
    found = {at: list(tree)}
    for name, below in tree.items():
        if below is not None:
            found |= flat(below, f"{at}/{name}".lstrip("/"))
    return found


@given(
    tree=st.dictionaries(names, trees, max_size=4),
    data=st.data(),
    known=st.dictionaries(st.sampled_from(["", "a", "b", "a/b"]), st.integers(0, 3), min_size=2),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_order_the_visits_are_those_of_a_walk_folder_by_folder(
    open_at: Open, tree: dict[str, Any], data: st.DataObject, known: dict[str, int]
) -> None:
    served = Served(flat(tree))
    served.at_once = status(207, multistatus(*data.draw(st.permutations(served.everything()))))
    with Hostile([served]) as server:
        expected = list(walk(open_at(server.host, {})))
        served.depths.clear()
        source = open_at(server.host, known)
        assert list(walk(source)) == expected
    visited = {visit.directory for visit in expected if isinstance(visit, Visit)}
    doubtful = [folder for folder in visited if len(served.folders[folder]) < max(1, known.get(folder, 0))]
    assert served.depths == ["infinity", *["1"] * len(doubtful)]


def test_what_was_read_in_whole_takes_one_request(open_at: Open) -> None:
    served = Served(TREE)
    served.at_once = status(207, multistatus(*reversed(served.everything())))
    with Hostile([served]) as server:
        first = open_at(server.host, {})
        assert files(list(walk(first))) == FILES
        assert (served.depths, first.sizes) == (["1"] * 4, SIZES)
        served.depths.clear()
        again = open_at(server.host, SIZES)
        assert files(list(walk(again))) == FILES
        assert (served.depths, again.sizes) == (["infinity"], SIZES)


def cut(served: Served) -> Any:
    body = multistatus(*served.everything())
    return raw(b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body[: len(body) // 2]))


def shortened(served: Served) -> Any:
    return raw(b"HTTP/1.1 207 X\r\n\r\n" + multistatus(*served.everything())[:-40])


def part_refused(served: Served) -> Any:
    refused = "<d:response><d:href>/dav/b/</d:href><d:status>HTTP/1.1 403 No</d:status></d:response>"
    return status(207, multistatus(*served.everything(), refused))


def full(served: Served) -> Any:
    refused = "<d:response><d:href>/dav/</d:href><d:status>HTTP/1.1 507 No</d:status></d:response>"
    return status(207, multistatus(*served.everything()[:3], refused))


def too_many(served: Served) -> Any:
    return status(207, multistatus(served.response(""), *(told(f"/dav/{n}") for n in range(2000))))


def too_long(served: Served) -> Any:
    return status(207, multistatus(*served.everything(), "<d:x/>" * 500_000))


def laughs(served: Served) -> Any:
    body = multistatus(*served.everything())
    return status(207, body.replace(b"?>", b"?><!DOCTYPE d [<!ENTITY a 'ha'>]>", 1))


WRONG: dict[str, Callable[[Served], Any]] = {
    "refused": lambda _: status(403, b"<d:error xmlns:d='DAV:'><d:propfind-finite-depth/></d:error>"),
    "bad request": lambda _: status(400),
    "failed": lambda _: status(500),
    "busy": lambda _: status(503, Retry_After="3600"),
    "gateway": lambda _: status(504),
    "no room": lambda _: status(507),
    "no multistatus": lambda _: status(200, b"<html>welcome</html>"),
    "gone": lambda _: raw(b""),
    "cut": cut,
    "shortened": shortened,
    "elsewhere": lambda _: status(302, Location="http://127.0.0.1:9/dav/"),
    "part refused": part_refused,
    "full": full,
    "too many": too_many,
    "too long": too_long,
    "document type": laughs,
    "nothing": lambda _: status(207, multistatus()),
    "another folder": lambda _: status(207, multistatus(told("/other/", directory=True), told("/other/x"))),
    "twice": lambda served: status(207, multistatus(*served.everything(), served.response("b/4.jpg"))),
    "no folder": lambda served: status(207, multistatus(served.response(""), told("/dav/c/x.jpg"))),
    "a file": lambda served: status(207, multistatus(served.response(""), told("/dav/c"), told("/dav/c/x"))),
    "no name": lambda served: status(207, multistatus(*served.everything(), told("/dav/%2e%2e"))),
    "outside": lambda served: status(207, multistatus(*served.everything(), told("/etc/passwd"))),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_server_that_tells_no_whole_tree_is_walked_folder_by_folder(
    open_at: Open, caplog: pytest.LogCaptureFixture, wrong: Callable[[Served], Any]
) -> None:
    served = Served(TREE)
    served.at_once = wrong(served)
    with Hostile([served]) as server:
        source = open_at(server.host, SIZES)
        assert files(list(walk(source))) == FILES
        assert [depth for depth in served.depths if depth != "1"] == ["infinity"]
        assert served.depths.count("1") == 4
    assert source.sizes == {}  # the next run does not try
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_a_server_that_quietly_stops_at_some_depth_loses_nothing(open_at: Open, levels: int) -> None:
    served = Served(TREE)
    kept = [served.response("")]
    for folder in served.folders:
        if folder.count("/") + bool(folder) < levels:
            kept += served.responses(folder)
    served.at_once = status(207, multistatus(*kept))
    with Hostile([served]) as server:
        source = open_at(server.host, SIZES)
        assert files(list(walk(source))) == FILES
    assert served.depths.count("1") == {0: 4, 1: 3, 2: 1}[levels]
    assert source.sizes == SIZES


@given(count=st.integers(1, 9))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_server_that_quietly_stops_at_some_number_loses_nothing(open_at: Open, count: int) -> None:
    served = Served(TREE)
    served.at_once = status(207, multistatus(*served.everything()[:count]))
    with Hostile([served]) as server:
        assert files(list(walk(open_at(server.host, SIZES)))) == FILES


def test_a_folder_that_may_not_be_read_is_told_and_not_taken_for_empty(open_at: Open) -> None:
    served = Served(TREE, failing=["a/deep"])
    readable = [each for each in served.everything() if "/deep/" not in each or "collection" in each]
    served.at_once = status(207, multistatus(*readable))
    with Hostile([served]) as server:
        source = open_at(server.host, SIZES)
        visits = list(walk(source))
    assert [visit.path for visit in visits if not isinstance(visit, Visit)] == ["a/deep"]
    assert source.sizes is None


def test_a_proxy_that_takes_away_the_start_of_paths_does_no_harm(open_at: Open) -> None:
    served = Served(TREE)
    inside = [each.replace("<d:href>/dav/", "<d:href>/") for each in served.everything()]
    served.at_once = status(207, multistatus(*inside))
    with Hostile([served]) as server:
        assert files(list(walk(open_at(server.host, SIZES)))) == FILES
    assert served.depths == ["infinity"]


def test_a_server_that_refuses_or_is_gone_ends_the_walk(open_at: Open) -> None:
    with Hostile([status(401)]) as server, pytest.raises(LoginRefused):
        open_at(server.host).listing("")
    with pytest.raises(SourceUnreachable):
        open_at(server.host).listing("")


def test_trees_that_are_not_known_or_too_large_are_not_asked_for_at_once(
    open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(TREE)
    with Hostile([served]) as server:
        for known in ({}, {"": 3}, {"": 3, "a": whole.MOST}):
            assert files(list(walk(open_at(server.host, known)))) == FILES
        monkeypatch.setattr(whole, "MOST", 7)
        source = open_at(server.host, {})
        assert files(list(walk(source))) == FILES
    assert set(served.depths) == {"1"}
    assert source.sizes == {}


def test_where_files_have_ids_or_a_part_is_left_out_nothing_is_to_be_known(open_at: Open) -> None:
    with Hostile([Served(TREE)]) as server:
        source = open_at(server.host, {})
        for directory in ("", "a", "b"):
            source.listing(directory)
        assert source.sizes is None
    body = multistatus(told("/dav/", directory=True), told("/dav/a", more="<oc:fileid>17</oc:fileid>"))
    with Hostile([status(207, body)]) as server:
        source = open_at(server.host, {})
        source.listing("")
        assert source.sizes == {}


def test_what_changed_while_the_server_gathered_is_fresh(open_at: Open) -> None:
    """The date of an answer may be of its end, and the server have looked at a file at the start."""
    modified = "<d:getlastmodified>Sun, 06 Nov 1994 08:49:57 GMT</d:getlastmodified>"
    body = multistatus(told("/dav/", directory=True), told("/dav/a.jpg", more=modified))
    answer = status(207, body, Date="Sun, 06 Nov 1994 08:50:00 GMT")
    with Hostile([answer]) as server:
        assert open_at(server.host).listing("").entries[0].version.endswith(" fresh")
