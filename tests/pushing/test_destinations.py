"""Which file of a server a scanned file's tags go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue.outbox_api import Remote
from recognize_cli.errors import SourceNotFound
from recognize_cli.pushing.destinations import OwnFiles, Twins
from recognize_cli.stages.walk import Visit, walk
from tests.sources.memory import MemorySource
from tests.support.records import media_file

if TYPE_CHECKING:
    from recognize_cli.records import MediaFile


class CloudSource(MemorySource):
    storage = "nextclouds://alice@cloud.example"
    is_local = False


@pytest.fixture
def cloud() -> CloudSource:
    """The folder /tree of an account, with photos of ten bytes."""
    source = CloudSource()
    for path in ("top.jpg", "a/1.jpg", "a/b/2.jpg", "c/3.jpg"):
        source.write(path, bytes(10))
    return source


def twins(cloud: MemorySource, **folders: str) -> Twins:
    return Twins(lambda: cloud, {f"/{local}": remote for local, remote in folders.items()})


def file(path: str, **changes: object) -> MediaFile:
    return media_file(path, **changes)


def test_files_of_a_scanned_cloud_are_their_own_destination(cloud: CloudSource) -> None:
    targets: set[str] = set()
    own = OwnFiles(targets)
    assert own.remotes(cloud, file("a/1.jpg", file_id="7")) == ()
    targets.add(cloud.storage)
    assert own.remotes(cloud, file("a/1.jpg", file_id="7")) == (Remote(cloud.storage, "7", "tree/a/1.jpg"),)
    assert own.remotes(cloud, file("a/1.jpg", file_id=None)) == ()
    assert own.remotes(MemorySource(), file("a/1.jpg", file_id="7")) == ()
    assert set(own.targets()) == {cloud.storage}


def test_a_twin_has_the_same_path_and_size(cloud: CloudSource) -> None:
    local, pairs = MemorySource(), twins(cloud, tree="")
    assert pairs.remotes(local, file("a/b/2.jpg")) == (Remote(cloud.storage, "3", "tree/a/b/2.jpg"),)
    assert pairs.remotes(local, file("top.jpg")) == (Remote(cloud.storage, "1", "tree/top.jpg"),)
    assert pairs.remotes(local, file("a/1.jpg", size=11)) == ()
    for path in ("a/9.jpg", "x/y/z.jpg", "a/1.jpg/2.jpg", "a/b"):
        assert pairs.remotes(local, file(path)) == ()
    assert pairs.absent == 5
    assert list(pairs.targets()) == [cloud.storage]


def test_the_longest_folder_decides_and_others_are_no_concern(cloud: CloudSource) -> None:
    local = MemorySource()
    pairs = Twins(lambda: cloud, {"/tree/photos/": "/c/", "/tree/photos/deep": "a/b"})
    assert pairs.remotes(local, file("photos/3.jpg"))[0].path == "tree/c/3.jpg"
    assert pairs.remotes(local, file("photos/deep/2.jpg"))[0].path == "tree/a/b/2.jpg"
    assert pairs.remotes(local, file("photos2/3.jpg")) == ()
    assert pairs.remotes(cloud, file("photos/3.jpg")) == ()
    assert pairs.absent == 0


def test_a_walk_asks_for_each_folder_once_and_for_none_that_is_not_there(cloud: CloudSource) -> None:
    local, pairs = MemorySource(), twins(cloud, tree="")
    for path in ("top.jpg", "a/1.jpg", "a/b/2.jpg", "a/x/1.jpg", "a/x/y/1.jpg", "c/3.jpg"):
        local.write(path, bytes(10))
    found = [
        remote.path
        for visit in walk(local)
        if isinstance(visit, Visit)
        for each in visit.files
        for remote in pairs.remotes(local, each)
    ]
    assert found == ["tree/top.jpg", "tree/a/1.jpg", "tree/a/b/2.jpg", "tree/c/3.jpg"]
    assert cloud.listed == ["", "a", "a/b", "c"]


def test_a_folder_that_cannot_be_read_now_has_no_twins_and_a_root_that_is_gone_is_an_error(
    cloud: CloudSource,
) -> None:
    local, pairs = MemorySource(), twins(cloud, tree="")
    cloud.failing["a"] = PermissionError(13, "no")
    assert pairs.remotes(local, file("a/1.jpg")) == ()
    assert pairs.remotes(local, file("c/3.jpg")) != ()
    cloud.remove_root()
    with pytest.raises(SourceNotFound):
        twins(cloud, tree="").remotes(local, file("a/1.jpg"))


def test_the_server_is_opened_when_a_file_needs_it(cloud: CloudSource) -> None:
    opened: list[int] = []

    def open_cloud() -> MemorySource:
        opened.append(1)
        return cloud

    pairs = Twins(open_cloud, {"/tree/a": "a"})
    pairs.remotes(MemorySource(), file("c/3.jpg"))
    assert opened == []
    pairs.remotes(MemorySource(), file("a/1.jpg"))
    pairs.remotes(MemorySource(), file("a/b/2.jpg"))
    assert opened == [1]
