from __future__ import annotations

import io
import logging
import traceback
import unicodedata
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from PIL import Image

from recognize_cli.dav.address import Address
from recognize_cli.dav.client import DavClient, Options
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.patience import Patience
from recognize_cli.dav.spool import Spool
from recognize_cli.errors import ExitCode, FileFailure, LoginRefused, SourceNotFound, SourceUnreachable
from recognize_cli.records import Entry, Kind, MediaFile
from recognize_cli.secret import Secret
from recognize_cli.sources.nextcloud import NextcloudSource, is_settled
from recognize_cli.sources.remembered import RememberedSource
from tests.contracts.source_contract import SourceContract, Tree
from tests.support.nextcloud import Cloud, Fault, Faults, NextcloudServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.records import Listing

PASSWORD = "correct horse"
PATIENCE = Patience(attempts=3, backoff=0.0, longest_backoff=0.0, longest_wait=0.0)


class Served:
    """A source of alice's files on a running test server."""

    def __init__(
        self, stack: ExitStack, spool: Path, cloud: Cloud, path: str = "", user: str = "alice"
    ) -> None:
        self.cloud = cloud
        self.server = stack.enter_context(NextcloudServer(cloud))
        self.spool = stack.enter_context(Spool(spool))
        self._stack = stack
        self.source = self.at(path, user)

    def at(self, path: str, user: str = "alice", password: str = PASSWORD) -> NextcloudSource:
        address = Address.of(f"nextcloud://{user}@{self.server.host}{path}")
        credentials = Credentials(user, Secret(password))
        client = DavClient(address.server, credentials, Options(patience=PATIENCE), pause=lambda _: None)
        self._stack.enter_context(client)
        return NextcloudSource(address, client, self.spool)

    def entry(self, path: str) -> Entry:
        directory, _, name = path.rpartition("/")
        return next(entry for entry in self.source.listing(directory).entries if entry.name == name)

    def file(self, path: str, kind: Kind = Kind.IMAGE) -> MediaFile:
        entry = self.entry(path)
        return MediaFile(self.source.id, path, kind, entry.size, entry.version, entry.modified, entry.file_id)

    def content(self, path: str, *, preview: bool = False) -> bytes:
        with self.source.lease(self.file(path), preview=preview) as leased:
            return Path(leased).read_bytes()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a server with alice and bob."""
    with ExitStack() as stack:

        def start(path: str = "", user: str = "alice", **settings: object) -> Served:
            cloud = Cloud(**settings)  # type: ignore[arg-type]
            cloud.add_user("alice", PASSWORD, login_name="alice@example.org")
            cloud.add_user("bob", PASSWORD)
            return Served(stack, tmp_path, cloud, path, user)

        yield start


class NextcloudTree:
    """A folder of alice's that a contract test changes; each write has a time of its own."""

    def __init__(self, served: Served, base: str) -> None:
        self._cloud = served.cloud
        self._base = base
        self.source = served.source
        self._cloud.tree.make_folder("alice", base)

    def write(self, path: str, content: bytes) -> None:
        self._cloud.write("alice", f"{self._base}/{path}", content)

    def make_directory(self, path: str) -> None:
        above = ""
        for name in path.split("/"):
            above = f"{above}/{name}".lstrip("/")
            if self._cloud.tree.at("alice", f"{self._base}/{above}") is None:
                self._cloud.tree.make_folder("alice", f"{self._base}/{above}")

    def remove(self, path: str) -> None:
        self._cloud.remove("alice", f"{self._base}/{path}")

    def rename(self, old: str, new: str) -> None:
        self._cloud.tree.move("alice", f"{self._base}/{old}", f"{self._base}/{new}")

    def remove_root(self) -> None:
        self._cloud.remove("alice", self._base)


class TestNextcloudSource(SourceContract):
    awkward_names: ClassVar[tuple[str, ...]] = (
        # a Nextcloud takes no backslash, keeps names in NFC and of at most 250 characters
        *(
            unicodedata.normalize("NFC", name)
            for name in SourceContract.awkward_names
            if "\\" not in name and len(name) <= 250
        ),
        "x" * 246 + ".jpg",
    )

    @pytest.fixture
    def tree(self, serve: Callable[..., Served]) -> Tree:
        return NextcloudTree(serve("/Photos%20%C3%A4"), "Photos ä")


class TestNextcloudSourceInAFolder(TestNextcloudSource):
    @pytest.fixture
    def tree(self, serve: Callable[..., Served]) -> Tree:
        return NextcloudTree(serve("/cloud/one/Photos", folder="/cloud/one", version="30"), "Photos")


def picture(width: int = 2000, height: int = 1000) -> bytes:
    made = io.BytesIO()
    Image.effect_noise((width, height), 50).save(made, "JPEG", quality=95)
    return made.getvalue()


def test_the_account_is_found_by_its_login_name(serve: Callable[..., Served]) -> None:
    served = serve(user="alice@example.org")
    served.cloud.write("alice", "a.jpg", b"x")
    assert [entry.name for entry in served.source.listing("").entries] == ["a.jpg"]
    assert served.source.storage == f"nextcloud://alice@{served.server.host}"
    assert served.source.id == f"nextcloud://alice%40example.org@{served.server.host}"


def test_storage_and_base_place_a_source_in_a_folder(serve: Callable[..., Served]) -> None:
    served = serve("/cloud/Photos/2024", folder="/cloud")
    served.cloud.write("alice", "Photos/2024/a.jpg", b"x")
    assert served.entry("a.jpg").size == 1
    assert (served.source.storage, served.source.base) == (
        f"nextcloud://alice@{served.server.host}/cloud",
        "/Photos/2024",
    )


def test_nothing_is_asked_before_it_is_needed(serve: Callable[..., Served]) -> None:
    served = serve()
    assert served.source.id
    assert served.cloud.seen == []


def test_a_folder_is_one_request_and_a_large_one_a_request_a_page(serve: Callable[..., Served]) -> None:
    served = serve()
    for number in range(2100):
        served.cloud.tree.write("alice", f"{number}.jpg", b"x")
    assert len(served.source.listing("").entries) == 2100
    assert len(served.cloud.asked("PROPFIND")) == 3


@pytest.mark.parametrize("settings", [{"version": "30"}, {"paging_forgets": True}])
def test_a_large_folder_is_whole_where_pages_are_unknown_or_lost(
    serve: Callable[..., Served], settings: dict[str, object]
) -> None:
    served = serve(**settings)
    for number in range(1500):
        served.cloud.tree.write("alice", f"{number}.jpg", b"x")
    assert len({entry.name for entry in served.source.listing("").entries}) == 1500


def test_a_change_below_shows_in_the_version_of_every_folder_above(serve: Callable[..., Served]) -> None:
    served = serve()
    for path in ("a/b/c.jpg", "a/d/e.jpg"):
        served.cloud.write("alice", path, b"x")
    before = [served.entry(path).version for path in ("a", "a/b", "a/d")]
    served.cloud.write("alice", "a/b/.nomedia", b"")
    after = [served.entry(path).version for path in ("a", "a/b", "a/d")]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_a_fresh_file_gets_another_version_when_it_has_settled(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.tree.write("alice", "a.jpg", b"one")
    fresh = served.source.listing("")
    assert served.source.listing("") == fresh
    served.cloud.tree.write("alice", "a.jpg", b"two")  # within the second: the same etag and size
    served.cloud.pass_time(10)
    settled = served.source.listing("")
    assert settled.entries[0].version != fresh.entries[0].version
    assert [is_settled(fresh), is_settled(settled)] == [False, True]
    served.cloud.pass_time(10)
    assert served.source.listing("") == settled


def test_what_others_share_is_part_of_the_tree(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.write("bob", "trips/a.jpg", b"bob's")
    served.cloud.tree.share("bob", "trips", "alice", writable=False)
    assert served.content("trips/a.jpg") == b"bob's"
    before = served.entry("trips").version
    served.cloud.write("bob", "trips/b.jpg", b"x")
    assert served.entry("trips").version != before


def test_a_folder_on_foreign_storage_has_no_version(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.write("alice", "disk/deep/a.jpg", b"x")
    node = served.cloud.tree.at("alice", "disk")
    assert node is not None
    served.cloud.tree.external.add(node.node.id)
    assert [served.entry(path).version for path in ("disk", "disk/deep")] == ["", ""]
    assert served.entry("disk/deep/a.jpg").version


def test_a_root_that_is_a_file_or_nothing_is_not_found(serve: Callable[..., Served]) -> None:
    served = serve("/Photos/a.jpg")
    with pytest.raises(SourceNotFound, match="check the path"):
        served.source.listing("")
    served.cloud.write("alice", "Photos/a.jpg", b"x")
    with pytest.raises(SourceNotFound, match="directory"):
        served.source.listing("")


def test_a_server_of_another_make_is_not_found(serve: Callable[..., Served]) -> None:
    served = serve("/Photos", folder="/elsewhere")
    with pytest.raises(SourceNotFound, match="no Nextcloud is there"):
        served.source.listing("")


@pytest.mark.parametrize("attribute", ["storage", "base", "cloud"])
def test_a_server_that_cannot_be_asked_who_one_is_is_a_source_that_cannot_be_read(
    serve: Callable[..., Served], attribute: str
) -> None:
    served = serve()
    served.cloud.faults = Faults({Fault.ERROR: 1.0}, only=lambda request: "ocs" in request.path)
    with pytest.raises(SourceNotFound, match="500"):
        getattr(served.source, attribute)
    served.cloud.faults = Faults()
    assert getattr(served.source, attribute)


def test_a_listing_without_substance_is_no_empty_folder(serve: Callable[..., Served]) -> None:
    served = serve()
    object.__setattr__(served.source, "_found", (replace(served.source.cloud, uid="bob"), ""))
    with pytest.raises(SourceNotFound, match="tells this account nothing"):
        served.source.listing("")


def test_a_wrong_password_is_tried_once(serve: Callable[..., Served]) -> None:
    served = serve()
    source = served.at("", password="wrong battery")
    for _ in range(3):
        with pytest.raises(LoginRefused) as caught:
            source.listing("")
    assert served.cloud.accounts.failures == 1
    assert caught.value.exit_code is ExitCode.LOGIN
    assert "wrong battery" not in str(caught.value)


def test_maintenance_ends_the_run_with_a_clear_word(serve: Callable[..., Served]) -> None:
    served = serve(maintenance=True)
    with pytest.raises(SourceUnreachable, match="maintenance"):
        served.source.listing("")


def test_lines_that_are_cut_are_tried_again(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.write("alice", "a/b.jpg", b"content")
    served.cloud.faults = Faults(
        only=lambda request: request.method in ("PROPFIND", "GET"),
        script=[fault for _ in range(6) for fault in (Fault.CUT_BEFORE, Fault.NONE)],
    )
    assert served.content("a/b.jpg") == b"content"


class TestPreviews:
    def test_an_image_is_leased_as_the_preview_that_the_server_makes(
        self, serve: Callable[..., Served]
    ) -> None:
        served = serve()
        served.cloud.write("alice", "a.jpg", picture())
        content = served.content("a.jpg", preview=True)
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.size) == ("JPEG", (1024, 512))
        assert served.cloud.asked("GET", "/files/") == []

    def test_the_original_is_leased_where_there_is_no_preview(self, serve: Callable[..., Served]) -> None:
        served = serve()
        served.cloud.write("alice", "a.jpg", b"no picture at all")
        assert served.source.preview(served.file("a.jpg")) is None
        assert served.content("a.jpg", preview=True) == b"no picture at all"

    def test_the_original_is_leased_where_the_preview_fails(self, serve: Callable[..., Served]) -> None:
        served = serve()
        content = picture()
        served.cloud.write("alice", "a.jpg", content)
        served.cloud.faults = Faults({Fault.CUT_BEFORE: 1.0}, only=lambda request: "/preview" in request.path)
        assert served.content("a.jpg", preview=True) == content

    def test_types_without_previews_are_not_asked_for(self, serve: Callable[..., Served]) -> None:
        served = serve()
        served.cloud.write("alice", "a.heic", b"heic")
        served.cloud.write("alice", "b.jpg", picture())
        assert served.content("a.heic", preview=True) == b"heic"
        assert served.cloud.asked("GET", "/preview") == []
        assert served.content("b.jpg", preview=True) != b"heic"
        assert len(served.cloud.asked("GET", "/preview")) == 1

    @pytest.mark.parametrize(("made_as", "accepted"), [("PNG", True), ("WEBP", True), ("BMP", False)])
    def test_a_preview_is_a_picture_that_decoders_read_everywhere(
        self, serve: Callable[..., Served], made_as: str, accepted: bool
    ) -> None:
        served = serve(previews_as=made_as)
        served.cloud.write("alice", "a.jpg", picture(100, 50))
        assert (served.source.preview(served.file("a.jpg")) is not None) is accepted

    def test_without_the_wish_the_original_is_leased(self, serve: Callable[..., Served]) -> None:
        served = serve()
        original = picture()
        served.cloud.write("alice", "a.jpg", original)
        assert served.content("a.jpg") == original


def test_a_file_that_is_gone_costs_only_itself(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.write("alice", "a.jpg", b"x")
    file = served.file("a.jpg")
    served.cloud.remove("alice", "a.jpg")
    for preview in (False, True):
        with pytest.raises(FileFailure), served.source.lease(file, preview=preview):
            pass


class Memory:
    """Remembers listings, as the catalogue does."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Listing] = {}

    def get(self, storage: str, directory: str, version: str) -> Listing | None:
        return self._known.get((storage, directory, version))

    def put(self, storage: str, directory: str, version: str, listing: Listing) -> None:
        self._known[storage, directory, version] = listing


def test_a_second_walk_asks_only_for_folders_that_lead_to_a_change(serve: Callable[..., Served]) -> None:
    served = serve()
    for path in ("a/b/c.jpg", "a/d/e.jpg", "f/g.jpg"):
        served.cloud.write("alice", path, b"x")
    memory = Memory()

    def walk() -> tuple[int, set[str]]:
        """How many requests a walk takes, and the files that it finds."""
        source = RememberedSource(served.source, memory, is_settled)
        before = len(served.cloud.asked("PROPFIND"))
        waiting, found = [""], set()
        while waiting:
            directory = waiting.pop()
            for entry in source.listing(directory).entries:
                path = f"{directory}/{entry.name}".lstrip("/")
                if entry.is_directory:
                    waiting.append(path)
                else:
                    found.add(path)
        return len(served.cloud.asked("PROPFIND")) - before, found

    files = {"a/b/c.jpg", "a/d/e.jpg", "f/g.jpg"}
    assert [walk(), walk()] == [(5, files), (1, files)]
    served.cloud.write("alice", "a/b/new.jpg", b"x")
    assert walk() == (3, files | {"a/b/new.jpg"})
    served.cloud.tree.write("alice", "f/g.jpg", b"y")
    assert [walk()[0], walk()[0]] == [2, 2]  # so fresh that its folder is looked at again
    served.cloud.pass_time(10)
    assert [walk()[0], walk()[0]] == [2, 1]


def test_no_password_gets_into_logs_and_errors(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    served = serve()
    served.cloud.write("alice", "a.jpg", picture())
    served.content("a.jpg", preview=True)
    served.cloud.faults = Faults({Fault.CUT_BEFORE: 1.0})
    with pytest.raises(SourceNotFound) as caught:
        served.source.listing("")
    said = caplog.text + "".join(traceback.format_exception(caught.value)) + repr(vars(served.source))
    for secret in (PASSWORD, b64encode(f"alice:{PASSWORD}".encode()).decode()):
        assert secret not in said
    assert all(PASSWORD not in repr(seen) for seen in served.cloud.seen)


def test_a_lease_is_gone_afterwards(serve: Callable[..., Served]) -> None:
    served = serve()
    served.cloud.write("alice", "a.jpg", b"x")
    with served.source.lease(served.file("a.jpg")) as path:
        assert Path(path).suffix == ".jpg"
    assert not Path(path).exists()
    assert served.spool.held == 0
