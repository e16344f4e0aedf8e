"""Where a photo was taken: from files of every format, from odd cameras and from hostile bytes."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.exif import position
from recognize_cli.media.image import decode
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.records import Kind, Position, View
from tests.media.gps import exif, rational
from tests.media.pictures import encoded, photo, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VIEW = View(32, None, "bilinear")
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as sandbox:
        yield sandbox


def found(made: Image.Exif) -> Position | None:
    """The position in EXIF data that an image has."""
    image = Image.new("RGB", (1, 1))
    image.info["exif"] = made.tobytes()
    return position(image)


def near(found: Position | None, latitude: float, longitude: float) -> bool:
    return found is not None and (found.latitude, found.longitude) == pytest.approx(
        (latitude, longitude), abs=1e-6
    )


def saved(format_: str, made: Image.Exif) -> bytes:
    """A photo of a format with EXIF data."""
    if format_ == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    return encoded(photo(), format_, exif=made.tobytes())


@pytest.mark.parametrize("views", [(), (VIEW,), (None,)])
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_tells_it(
    sandbox: Sandbox, tmp_path: Path, format_: str, views: tuple[View | None, ...]
) -> None:
    path = written(tmp_path, saved(format_, exif()))
    result = sandbox.submit(DecodeJob(path, Kind.IMAGE, views)).result()
    assert near(result.position, 52.52, 13.41)
    assert tuple(result.arrays) == views


def test_a_photo_without_it_has_none(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "JPEG"))
    result = sandbox.submit(DecodeJob(path, Kind.IMAGE, ())).result()
    assert (result.position, dict(result.arrays)) == (None, {})


@pytest.mark.parametrize(
    ("north", "east", "latitude", "longitude"),
    [
        ("N", "E", 52.52, 13.41),
        ("N", "W", 52.52, -13.41),
        ("S", "E", -52.52, 13.41),
        ("S", "W", -52.52, -13.41),
    ],
)
def test_the_four_quarters_of_the_earth(north: str, east: str, latitude: float, longitude: float) -> None:
    assert near(found(exif(north=north, east=east)), latitude, longitude)


@pytest.mark.parametrize("north", ["n", "N", "North", " N", "N\0", "n\0\0"])
def test_letters_as_cameras_write_them(north: str) -> None:
    assert near(found(exif(north=north)), 52.52, 13.41)


@pytest.mark.parametrize(
    "latitude",
    [
        (52, 31.2, 0),
        (52, 31.2),
        (52.52,),
        52.52,
        (rational(5252, 100), 0, 0),
        (52, rational(312, 10)),
    ],
)
def test_degrees_with_and_without_minutes_and_seconds(latitude: Any) -> None:
    assert near(found(exif(latitude=latitude)), 52.52, 13.41)


@pytest.mark.parametrize(
    "changes",
    [
        {"north": None},
        {"east": None},
        {"latitude": None},
        {"longitude": None},
        {"north": ""},
        {"north": "E"},
        {"north": "\0"},
        {"latitude": (91, 0, 0)},
        {"latitude": (90, 0, 1)},
        {"longitude": (180, 0, 1)},
        {"latitude": (52, 61, 0)},
        {"latitude": (52, 0, 61)},
        {"latitude": (52, 31, 12, 0)},
        {"latitude": (rational(52, 0), 31, 12)},
        {"latitude": (52, 31, rational(0, 0))},
        {"latitude": (rational(0, 0), rational(0, 0), rational(0, 0))},
        {"latitude": (0, 0, 0), "longitude": (0, 0, 0)},
        {"latitude": (0, 0, 0), "longitude": (0, 0, 0), "north": "S", "east": "W"},
    ],
)
def test_what_is_no_position(changes: dict[str, Any]) -> None:
    assert found(exif(**changes)) is None


def test_the_edges_of_the_map() -> None:
    assert near(found(exif((90, 0, 0), (180, 0, 0))), 90, 180)
    assert near(found(exif((90, 0, 0), (180, 0, 0), "S", "W")), -90, -180)
    assert near(found(exif((0, 0, 0), (13, 24, 36))), 0, 13.41)  # the equator is no mistake


degrees = st.floats(0, 89.99)


@given(degrees, degrees, st.sampled_from("NS"), st.sampled_from("EW"))
def test_any_position_is_read_as_it_was_written(
    latitude: float, longitude: float, north: str, east: str
) -> None:
    def sexagesimal(value: float) -> tuple[Any, ...]:
        minutes, seconds = divmod(round(value * 3600 * 1000), 60_000)
        return (minutes // 60, minutes % 60, rational(seconds, 1000))

    read = found(exif(sexagesimal(latitude), sexagesimal(longitude), north, east))
    if round(latitude * 3_600_000) == round(longitude * 3_600_000) == 0:
        assert read is None
    else:
        assert near(read, latitude * (1 if north == "N" else -1), longitude * (1 if east == "E" else -1))


numbers = st.one_of(
    st.builds(rational, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.integers(-(2**31), 2**32 - 1),
    st.text(max_size=5),
    st.binary(max_size=5),
)


class Mere(dict[int, Any]):
    """EXIF data of any values, also those that cannot be written."""

    def get_ifd(self, tag: int) -> dict[int, Any]:
        return self


@given(st.dictionaries(st.integers(0, 5), st.one_of(numbers, st.lists(numbers, max_size=4).map(tuple))))
def test_any_values_give_a_position_or_none(values: dict[int, Any]) -> None:
    image = Image.new("RGB", (1, 1))
    image.getexif = lambda: Mere(values)  # type: ignore[method-assign, assignment, return-value]
    place = position(image)
    assert place is None or (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180)


@pytest.mark.filterwarnings("ignore::UserWarning")  # `decode` keeps what Pillow says of them off stderr
@settings(max_examples=300)
@given(st.data())
def test_damaged_bytes_give_a_position_or_none(data: st.DataObject) -> None:
    raw = bytearray(exif().tobytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    image = Image.new("RGB", (1, 1))
    image.info["exif"] = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    place = position(image)
    assert place is None or (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_damaged_block_costs_the_position_and_not_the_photo(tmp_path: Path, format_: str) -> None:
    content = saved(format_, exif())
    if format_ == "TIFF":
        pointer = struct.pack("<HHL", ExifTags.IFD.GPSInfo, 4, 1)
        start = content.index(pointer) + len(pointer)
        broken = content[:start] + b"\xf0\xff\xff\xff" + content[start + 4 :]
    else:
        start = content.index(b"II*\0" if b"II*\0" in content else b"MM\0*")
        broken = content[: start + 4] + b"\xff\xff\xff\xff" + content[start + 8 :]
    if format_ == "PNG":
        broken = _rechecked(broken)
    assert broken != content
    path = written(tmp_path, broken)
    seen = decode(DecodeJob(path, Kind.IMAGE, (VIEW,)), Limits())
    assert seen.position is None
    assert list(seen.arrays) == [VIEW]


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += length + 12
    return chunks


def _joined(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [
        struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))
        for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _rechecked(png: bytes) -> bytes:
    return _joined(_chunks(png))


@pytest.mark.parametrize("views", [(), (None,)])
@pytest.mark.parametrize("moves", [False, True])
def test_a_png_may_tell_it_behind_its_pixels(tmp_path: Path, views: tuple[None, ...], moves: bool) -> None:
    made = exif()
    made[0x0112] = 6  # orientation
    more = {"save_all": True, "append_images": [Image.new("RGB", (300, 200))]} if moves else {}
    chunks = _chunks(encoded(photo(), "PNG", exif=made.tobytes(), **more))
    (late,) = (chunk for chunk in chunks if chunk[0] == b"eXIf")
    chunks.remove(late)
    path = written(tmp_path, _joined([*chunks[:-1], late, chunks[-1]]))
    content = decode(DecodeJob(path, Kind.IMAGE, views), Limits())
    assert near(content.position, 52.52, 13.41)
    if views and not moves:
        assert content.arrays[None].shape == (300, 200, 3)  # it is upright, and the picture is whole
        upright = np.rot90(np.asarray(photo()), -1)
        assert content.arrays[None].data == upright.tobytes()


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_no_pixel_is_decoded_for_it(tmp_path: Path, format_: str) -> None:
    """For the pixels are not there."""
    content = saved(format_, exif())
    end = content.index(b"\xff\xda") if format_ == "JPEG" else Image.open(BytesIO(content)).tile[0].offset
    content = content[: end + 20]
    path = written(tmp_path, content)
    assert near(decode(DecodeJob(path, Kind.IMAGE, ()), Limits()).position, 52.52, 13.41)
    with pytest.raises(FileFailure):
        decode(DecodeJob(path, Kind.IMAGE), Limits())


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe1", saved("PNG", exif())[:20]])
def test_what_is_no_image_fails(sandbox: Sandbox, tmp_path: Path, content: bytes) -> None:
    future = sandbox.submit(DecodeJob(written(tmp_path, content), Kind.IMAGE, ()))
    with pytest.raises(FileFailure):
        future.result()


def test_an_error_of_the_disk_is_none_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (1, 1))

    def fail() -> Image.Exif:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(image, "getexif", fail)
    with pytest.raises(OSError, match=os.strerror(5)):
        position(image)
