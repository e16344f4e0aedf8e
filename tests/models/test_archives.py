"""Wheels and tarballs, honest and hostile."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.models import archives
from recognize_cli.models.archives import members, unpack
from recognize_cli.models.origins.order import Mirrors, Order, OriginFailed
from tests.models.making import locked, write_tarball, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile

DATA = b"weights " * 1000
FILE = locked("model.bin", DATA)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return make_order(tmp_path, FILE)


def make_order(folder: Path, *files: LockedFile) -> Order:
    for name in ("files", "parts"):
        (folder / name).mkdir()
    return Order(files, folder / "files", folder / "parts", lambda _: None, Mirrors())


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_wheel, "a.whl"), (write_wheel, "a.zip"), (write_tarball, "a.tgz"), (write_tarball, "a.tar.gz")],
)
def test_takes_the_files_below_the_root(
    tmp_path: Path, order: Order, write: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    archive = write(tmp_path / name, {"other/model.bin": b"no", "root/model.bin": DATA, "root/more": b"x"})
    unpack(archive, "root", order)
    assert order.target(FILE).read_bytes() == DATA
    assert everything_below(tmp_path) == {name, "files/model.bin"}


def test_takes_files_from_the_top(tmp_path: Path, order: Order) -> None:
    unpack(write_wheel(tmp_path / "a.whl", {"model.bin": DATA}), "", order)
    assert order.has(FILE)


def test_names_the_member_that_is_missing(tmp_path: Path, order: Order) -> None:
    with pytest.raises(OriginFailed, match=r"a\.whl has no root/model\.bin"):
        unpack(write_wheel(tmp_path / "a.whl", {"model.bin": DATA}), "root", order)


def test_takes_what_is_there_and_leaves_the_rest_to_other_sources(tmp_path: Path, order: Order) -> None:
    elsewhere = replace(order, files=(locked("elsewhere.bin", b"1"), *order.files))
    unpack(write_wheel(tmp_path / "a.whl", {"model.bin": DATA}), "", elsewhere)
    assert elsewhere.has(FILE)


@pytest.mark.parametrize("data", [b"!" + DATA[1:], DATA[:-1], b""])
def test_refuses_other_bytes_with_both_digests(tmp_path: Path, order: Order, data: bytes) -> None:
    found = locked("x", data).digest
    with pytest.raises(OriginFailed, match=f"expected sha256:{FILE.digest}, found sha256:{found}"):
        unpack(write_wheel(tmp_path / "a.whl", {"model.bin": data}), "", order)
    assert everything_below(tmp_path) == {"a.whl"}


@pytest.mark.parametrize("write", [write_wheel, write_tarball])
def test_stops_a_member_at_the_locked_size(
    tmp_path: Path, order: Order, write: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    name = "a.whl" if write is write_wheel else "a.tgz"
    archive = write(tmp_path / name, {"model.bin": b"\0" * 50_000_000})
    assert archive.stat().st_size < 100_000
    with pytest.raises(OriginFailed, match="more than the 8000 bytes"):
        unpack(archive, "", order)
    assert sum(path.stat().st_size for path in (tmp_path / "parts").iterdir()) <= 8000


def test_does_not_believe_the_size_in_a_zip(tmp_path: Path, order: Order) -> None:
    """The directory of the archive says 8000 bytes; there are 50 million."""
    archive = write_wheel(tmp_path / "a.whl", {"model.bin": b"\0" * 50_000_000})
    true, lie = struct.pack("<L", 50_000_000), struct.pack("<L", len(DATA))
    archive.write_bytes(archive.read_bytes().replace(true, lie))
    with pytest.raises(OriginFailed):
        unpack(archive, "", order)
    assert not order.has(FILE)


def test_stops_reading_a_tarball_that_unpacks_without_end(
    tmp_path: Path, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MOST_UNPACKED", 1_000_000)
    archive = write_tarball(tmp_path / "a.tgz", {"bomb": b"\0" * 2_000_000, "model.bin": DATA})
    with pytest.raises(OriginFailed, match="unpacks to more than"):
        unpack(archive, "", order)


HOSTILE_NAMES = [
    "../model.bin",
    "/model.bin",
    "x/../../model.bin",
    "..\\model.bin",
    "C:\\model.bin",
    "./model.bin",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("write", [write_wheel, write_tarball])
def test_a_hostile_name_goes_nowhere(
    tmp_path: Path, write: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    order = make_order(inner, FILE)
    archive = write(inner / ("a.whl" if write is write_wheel else "a.tgz"), {name: DATA})
    with pytest.raises(OriginFailed, match=r"has no model\.bin"):
        unpack(archive, "", order)
    assert everything_below(tmp_path) == {f"inner/{archive.name}"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_passes_over_what_is_not_a_file(tmp_path: Path, order: Order, kind: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("model.bin")
        info.type, info.linkname = kind, str(secret)
        archive.addfile(info)
    with pytest.raises(OriginFailed, match=r"has no model\.bin"):
        unpack(tmp_path / "a.tgz", "", order)


def test_a_symbolic_link_in_a_zip_is_only_its_text(tmp_path: Path, order: Order) -> None:
    info = zipfile.ZipInfo("model.bin")
    info.external_attr = 0o120777 << 16
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr(info, str(secret))
    with pytest.raises(OriginFailed, match="not the file"):
        unpack(tmp_path / "a.whl", "", order)


def test_the_first_of_two_members_with_one_name_counts(tmp_path: Path, order: Order) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("model.bin", b"wrong")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("model.bin", DATA)
    with pytest.raises(OriginFailed, match="not the file"):
        unpack(tmp_path / "a.whl", "", order)


def test_refuses_another_kind_of_file(tmp_path: Path, order: Order) -> None:
    (tmp_path / "a.rar").write_bytes(DATA)
    with pytest.raises(OriginFailed, match="neither a wheel nor a tarball"):
        unpack(tmp_path / "a.rar", "", order)


def _wheel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.bin", DATA)
        archive.writestr("other", b"x" * 300)
    return buffer.getvalue()


def _tarball_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in (("model.bin", DATA), ("other", b"x" * 300)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["whl", "tar", "tgz"]))
def test_damage_is_reported_and_nothing_wrong_is_delivered(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str
) -> None:
    """Bytes are changed anywhere in the archive, and it may be cut off."""
    content = bytearray(_wheel_bytes() if kind == "whl" else _tarball_bytes())
    if kind == "tgz":
        content = bytearray(gzip.compress(bytes(content), mtime=0))
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=8)
    ):
        content[position] = value
    del content[data.draw(st.integers(0, len(content))) :]
    folder = tmp_path_factory.mktemp("damaged")
    order = make_order(folder, FILE)
    archive = folder / ("a.whl" if kind == "whl" else "a.tgz")
    archive.write_bytes(gzip.compress(content) if kind == "tar" else content)
    try:
        unpack(archive, "", order)
    except OriginFailed:
        assert not order.has(FILE)
        return
    assert order.target(FILE).read_bytes() == DATA


def test_lists_all_files(tmp_path: Path) -> None:
    archive = write_tarball(tmp_path / "a.tgz", {"a": b"1", "b/c": b"22"})
    assert [(member.name, member.size) for member in members(archive)] == [("a", 1), ("b/c", 2)]
