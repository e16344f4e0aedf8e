from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import SourceNotFound
from recognize_cli.records import Entry, Kind, MediaFile
from recognize_cli.sources.local import LocalSource, open_local

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
PATH_MAX = 4096
LONG = "d" * 200


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "tree"
    root.mkdir()
    yield root
    shutil.rmtree(root)  # in ways that work for paths that are too long, too


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that another user can reach, too."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions count for root as well."""
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if privileged:
            os.seteuid(0)


def nested(root: Path, parts: list[str]) -> int:
    """Makes directories below each other, also where their path is too long; a descriptor of the last."""
    descriptor = os.open(root, os.O_RDONLY)
    for part in parts:
        os.mkdir(part, dir_fd=descriptor)
        below = os.open(part, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    return descriptor


def names(source: LocalSource, directory: str = "") -> list[str]:
    return [entry.name for entry in source.listing(directory).entries]


def test_an_entry_says_what_the_file_system_knows(root: Path) -> None:
    file = root / "a.jpg"
    file.write_bytes(b"12345")
    os.utime(file, ns=(0, 1_777_629_600_123_456_789))
    status = file.stat()
    (entry,) = LocalSource(str(root)).listing("").entries
    assert entry == Entry(
        "a.jpg",
        is_directory=False,
        size=5,
        version="1777629600123456789-5",
        modified=status.st_mtime,
        file_id=f"{status.st_dev}:{status.st_ino}",
        device=str(status.st_dev),
    )


def test_the_device_of_a_directory_is_told(root: Path) -> None:
    assert LocalSource(str(root)).listing("").device == str(root.stat().st_dev)
    assert LocalSource("/proc").listing("").device != str(root.stat().st_dev)


def test_the_id_is_the_path_as_given_and_the_base_where_it_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("tree")
    monkeypatch.chdir(tmp_path)
    source = LocalSource("./link/")
    assert source.id == str(tmp_path / "link")
    assert source.base == os.path.realpath(root)
    assert source.storage == "local"


def test_the_top_of_the_file_system_can_be_a_root() -> None:
    source = LocalSource("/")
    assert (source.id, source.base) == ("/", "/")
    assert "proc" in names(source)
    assert source.listing("proc/self").directory == "proc/self"


def test_a_name_that_is_not_utf8_keeps_its_bytes(root: Path) -> None:
    path = os.path.join(os.fsencode(root), b"caf\xe9")
    os.mkdir(path)
    Path(os.fsdecode(path), "a.jpg").write_bytes(b"content")
    source = LocalSource(str(root))
    (entry,) = source.listing("").entries
    assert entry.name == "caf\udce9"
    file = MediaFile(source.id, f"{entry.name}/a.jpg", Kind.IMAGE, 7, "", 0.0)
    assert names(source, entry.name) == ["a.jpg"]
    assert Path(source.local_path(file)).read_bytes() == b"content"
    (inside,) = source.listing(entry.name).entries
    assert source.id_at(f"{source.base}/{file.path}") == inside.file_id


def test_a_tree_reads_the_same_in_every_locale(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/K\xc3\xa4se.jpg")).write_bytes(b"content")
    code = (
        "import sys; from recognize_cli.records import Kind, MediaFile;"
        "from recognize_cli.sources.local import LocalSource;"
        "source = LocalSource(sys.argv[1]); name = source.listing('').entries[0].name;"
        "file = MediaFile('', name, Kind.IMAGE, 0, '', 0.0);"
        "print(ascii(name), open(source.local_path(file)).read(), sys.getfilesystemencoding())"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, root], env=plain, capture_output=True, text=True, check=True
    )
    assert done.stdout == "'K\\xe4se.jpg' content ascii\n"


def test_a_root_whose_path_is_not_utf8_can_be_read(root: Path) -> None:
    path = os.fsdecode(os.path.join(os.fsencode(root), b"\xff"))
    os.mkdir(path)
    Path(path, "a.jpg").touch()
    source, name = open_local(path)
    assert name is None
    assert names(source) == ["a.jpg"]
    assert source.id.endswith("/\udcff")


def test_only_regular_files_and_directories_are_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.jpg").touch()
    (root / "d").mkdir()
    os.mkfifo(root / "fifo.jpg")
    monkeypatch.chdir(root)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
    for follow in (False, True):
        assert names(LocalSource(str(root), follow_symlinks=follow)) == ["a.jpg", "d"]
    assert "null" not in names(LocalSource("/dev"))


class TestLinks:
    def test_links_are_named_and_not_followed(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (root / "a.jpg").touch()
        (root / "link").symlink_to(tmp_path / "outside")
        (root / "link.jpg").symlink_to("a.jpg")
        (root / "broken.jpg").symlink_to("gone")
        listing = LocalSource(str(root)).listing("")
        assert [entry.name for entry in listing.entries] == ["a.jpg"]
        assert listing.links == ("broken.jpg", "link", "link.jpg")

    def test_a_followed_link_counts_as_what_it_leads_to(self, root: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "b.jpg").write_bytes(b"12")
        (root / "link").symlink_to(outside)
        (root / "link.jpg").symlink_to(outside / "b.jpg")
        source = LocalSource(str(root), follow_symlinks=True)
        directory, file = source.listing("").entries
        assert (directory.name, directory.is_directory) == ("link", True)
        assert (file.name, file.is_directory, file.size) == ("link.jpg", False, 2)
        assert names(source, "link") == ["b.jpg"]
        assert source.listing("").links == ()
        assert source.id_at(f"{source.base}/link.jpg") == file.file_id

    def test_a_broken_link_leads_to_nothing(self, root: Path) -> None:
        (root / "broken.jpg").symlink_to("gone")
        (root / "self.jpg").symlink_to("self.jpg")
        (root / "a.jpg").touch()
        (root / "through.jpg").symlink_to("a.jpg/b.jpg")
        source = LocalSource(str(root), follow_symlinks=True)
        assert names(source) == ["a.jpg"]
        assert source.id_at(f"{source.base}/broken.jpg") is None
        assert source.id_at(f"{source.base}/self.jpg") is None

    @pytest.mark.parametrize("target", [".", "..", "../..", "../../../tree", "../../../tree/a"])
    def test_a_link_to_a_directory_above_itself_is_not_followed(self, root: Path, target: str) -> None:
        (root / "a" / "b").mkdir(parents=True)
        (root / "a" / "b" / "up").symlink_to(target)
        listing = LocalSource(str(root), follow_symlinks=True).listing("a/b")
        assert (listing.entries, listing.links) == ((), ("up",))

    def test_links_that_lead_to_each_other_end(self, root: Path) -> None:
        for one, other in (("a", "b"), ("b", "a")):
            (root / one).mkdir()
            (root / one / "to").symlink_to(root / other)
        source = LocalSource(str(root), follow_symlinks=True)
        assert names(source, "a") == ["to"]
        assert source.listing("a/to").links == ("to",)

    def test_a_link_to_a_directory_beside_its_own_is_followed(self, root: Path) -> None:
        (root / "a").mkdir()
        (root / "b").mkdir()
        (root / "a" / "to").symlink_to("../b")
        assert names(LocalSource(str(root), follow_symlinks=True), "a") == ["to"]

    def test_a_link_out_of_reach_is_listed_without_a_version(self, public: Path) -> None:
        closed = public / "closed"
        closed.mkdir()
        (closed / "a.jpg").touch()
        closed.chmod(0)
        (public / "a.jpg").symlink_to("closed/a.jpg")
        source = LocalSource(str(public), follow_symlinks=True)
        with without_privileges():
            assert source.listing("").entries[0] == Entry("a.jpg", is_directory=False)


class TestTrouble:
    def test_a_name_that_vanishes_meanwhile_is_left_out(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            (root / name).touch()

        def remove_then_sort(found: Iterator[os.DirEntry[bytes]], **key: object) -> list[os.DirEntry[bytes]]:
            entries = sorted(found, **key)  # type: ignore[call-overload]
            (root / "b.jpg").unlink(missing_ok=True)
            return list(entries)

        monkeypatch.setattr("recognize_cli.sources.local.sorted", remove_then_sort, raising=False)
        assert names(LocalSource(str(root))) == ["a.jpg", "c.jpg"]

    def test_a_directory_whose_path_is_too_long_is_an_error(self, root: Path) -> None:
        parts = [LONG] * 25
        os.close(nested(root, parts))
        with pytest.raises(OSError, match="too long"):
            LocalSource(str(root)).listing("/".join(parts))

    def test_a_file_whose_path_is_too_long_is_listed_without_a_version(self, root: Path) -> None:
        whole, rest = divmod(PATH_MAX - len(os.fsencode(root)) - len("/x/name.jpg"), len(f"/{LONG}"))
        parts = [LONG] * whole + ["x" * (rest + 1)]
        descriptor = nested(root, parts)
        os.close(os.open("long-name.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
        os.close(descriptor)
        listing = LocalSource(str(root)).listing("/".join(parts))
        assert listing.entries == (Entry("long-name.jpg", is_directory=False),)

    def test_a_directory_that_may_not_be_read_is_an_error(self, public: Path) -> None:
        (public / "d").mkdir(mode=0)
        with without_privileges(), pytest.raises(PermissionError):
            LocalSource(str(public)).listing("d")

    def test_a_directory_that_may_not_be_searched_is_an_error(self, public: Path) -> None:
        (public / "d").mkdir()
        (public / "d" / "a.jpg").touch()
        (public / "d").chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        with without_privileges(), pytest.raises(PermissionError):
            LocalSource(str(public)).listing("d")

    def test_a_root_that_may_not_be_read_says_so(self, public: Path) -> None:
        (public / "d").mkdir(mode=0)
        with without_privileges(), pytest.raises(SourceNotFound, match="permission denied; run as a user"):
            LocalSource(str(public / "d")).listing("")

    def test_a_file_that_may_not_be_asked_for_is_not_called_absent(self, public: Path) -> None:
        (public / "d").mkdir(mode=0)
        source = LocalSource(str(public))
        with without_privileges(), pytest.raises(PermissionError):
            source.id_at(f"{source.base}/d/a.jpg")

    def test_a_missing_root_names_the_remedy(self, root: Path) -> None:
        with pytest.raises(
            SourceNotFound, match="gone: it does not exist; check the path, and that its disk"
        ):
            LocalSource(str(root / "gone")).listing("")

    def test_another_failure_of_the_root_is_told_in_the_words_of_the_system(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: bytes) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(os, "scandir", fail)
        with pytest.raises(SourceNotFound, match="Input/output error"):
            LocalSource(str(root)).listing("")


class TestOpening:
    def test_a_directory_is_opened_whole(self, root: Path) -> None:
        source, name = open_local(str(root), follow_symlinks=True)
        assert (source.id, name) == (str(root), None)

    def test_a_file_is_a_name_in_its_directory(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (root / "a.jpg").touch()
        source, name = open_local(str(root / "a.jpg"))
        assert (source.id, source.base, name) == (str(root), os.path.realpath(root), "a.jpg")
        monkeypatch.chdir(root)
        assert open_local("a.jpg")[0].id == str(root)

    def test_a_link_to_a_file_is_the_file(self, root: Path) -> None:
        (root / "d").mkdir()
        (root / "d" / "a.jpg").touch()
        (root / "link.jpg").symlink_to("d/a.jpg")
        source, name = open_local(str(root / "link.jpg"))
        assert (source.base, name) == (os.path.realpath(root / "d"), "a.jpg")

    def test_a_missing_path_is_an_error(self, root: Path) -> None:
        with pytest.raises(SourceNotFound, match="does not exist"):
            open_local(str(root / "gone"))

    def test_an_empty_path_is_not_the_working_directory(self) -> None:
        with pytest.raises(SourceNotFound, match="''"):
            open_local("")
        with pytest.raises(SourceNotFound, match="empty"):
            LocalSource("")

    def test_what_is_neither_file_nor_directory_cannot_be_read(self) -> None:
        source, _ = open_local("/dev/null")
        with pytest.raises(SourceNotFound, match="neither a directory nor a file"):
            source.listing("")
