"""Images that are damaged, cut off, or claim to be huge: an array or a FileFailure, and nothing else."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.image import decode_image
from recognize_cli.records import Reason
from tests.media.pictures import encoded, photo, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {},
    "JPEG progressive": {"progressive": True},
    "PNG": {},
    "GIF": {},
    "WEBP": {},
    "WEBP lossless": {"lossless": True},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "TIFF jpeg": {"compression": "jpeg"},
    "JPEG2000": {},
    "AVIF": {"speed": 10},
}
CUTS = 20
FLIPPED = 60
MAX_PIXELS = 2_000_000


@pytest.fixture(scope="module", params=FORMATS)
def content(request: pytest.FixtureRequest) -> bytes:
    """A small file of each format."""
    name: str = request.param
    return encoded(photo().resize((120, 80)), name.split()[0], **FORMATS[name])


def reason(path: str) -> Reason | None:
    """Why a file cannot be decoded; None for one that can."""
    try:
        picture = decode_image(path, min_side=80, max_pixels=MAX_PIXELS)
    except FileFailure as failure:
        return failure.reason
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return None


def test_a_cut_off_file_is_an_error_and_no_half_picture(tmp_path: Path, content: bytes) -> None:
    for cut in range(CUTS):
        length = len(content) * cut * 9 // 10 // CUTS
        assert reason(written(tmp_path, content[:length])) == Reason.DECODE, length


def test_a_file_cut_at_its_end_is_a_picture_or_an_error(tmp_path: Path, content: bytes) -> None:
    for missing in range(1, CUTS):
        assert reason(written(tmp_path, content[:-missing])) in {None, Reason.DECODE}


def test_flipped_bits_give_a_picture_or_an_error(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(len(content))
    for _ in range(FLIPPED):
        damaged = bytearray(content)
        for position in random.integers(0, len(damaged), random.integers(1, 9)):
            damaged[position] ^= 1 << random.integers(8)
        assert reason(written(tmp_path, bytes(damaged))) in {None, Reason.DECODE, Reason.TOO_LARGE}
    assert capsys.readouterr() == ("", "")


def test_noise_after_a_good_start_gives_a_picture_or_an_error(tmp_path: Path, content: bytes) -> None:
    random = np.random.default_rng(len(content))
    for start in (4, 16, 64, len(content) // 2):
        damaged = content[:start] + random.bytes(len(content) - start)
        assert reason(written(tmp_path, damaged)) in {None, Reason.DECODE, Reason.TOO_LARGE}


def test_a_png_with_a_wrong_checksum_is_an_error(tmp_path: Path) -> None:
    """Pillow alone shows such a file as a picture: it does not look at the checksum of the pixels."""
    content = encoded(Image.new("L", (9, 9)), "PNG")
    start = content.index(b"IDAT") + 4
    length = int.from_bytes(content[start - 8 : start - 4], "big")
    other = zlib.compress(zlib.decompress(content[start : start + length])[::-1] + b"\0")
    damaged = (
        content[: start - 8] + struct.pack(">I", len(other)) + b"IDAT" + other + content[start + length :]
    )
    with Image.open(BytesIO(damaged)) as image:
        image.load()
    assert reason(written(tmp_path, damaged)) == Reason.DECODE


def test_a_jpeg_whose_tail_is_zeros_is_an_error(tmp_path: Path) -> None:
    content = encoded(photo(), "JPEG")
    half = len(content) // 2
    assert reason(written(tmp_path, content[:half] + bytes(half))) == Reason.DECODE


def _png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"IDAT" + zlib.compress(bytes(99))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, rows, b"IEND")
    )


def _gif(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("P", (9, 9)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    frame = content.index(b",")
    content[frame + 5 : frame + 9] = struct.pack("<HH", width, height)
    return bytes(content)


def _bmp(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (9, 9)), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def _jpeg(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (9, 9)), "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def _tiff(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("L", (9, 9)), "TIFF", compression="tiff_lzw"))
    for tag, value in ((256, width), (257, height)):
        entry = content.index(struct.pack("<HHI", tag, 3, 1))
        content[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(content)


def _webp(width: int, height: int) -> bytes:
    extended = b"VP8X" + struct.pack("<IB3x", 10, 2)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    animation = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    body = b"WEBP" + extended + animation
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("make", "side"),
    [(_png, 100_000), (_png, 2**31 - 1), (_gif, 65_535), (_bmp, 100_000), (_jpeg, 65_500), (_tiff, 100_000)],
)
def test_a_small_file_that_claims_to_be_huge_is_too_large(
    tmp_path: Path, make: Callable[[int, int], bytes], side: int
) -> None:
    path = written(tmp_path, make(side, side))
    with pytest.raises(FileFailure) as caught:
        decode_image(path, min_side=292)
    assert caught.value.reason == Reason.TOO_LARGE
    assert caught.value.message.startswith(f"it has {side}×{side} pixels, more than the limit of ")


def test_a_webp_that_claims_to_be_huge_fails(tmp_path: Path) -> None:
    with pytest.raises(FileFailure) as caught:
        decode_image(written(tmp_path, _webp(16_383, 16_383)), min_side=292)
    assert caught.value.reason in {Reason.TOO_LARGE, Reason.DECODE}


@pytest.mark.parametrize("make", [_png, _gif, _bmp])
def test_an_image_without_pixels_is_damaged(tmp_path: Path, make: Callable[[int, int], bytes]) -> None:
    for size in ((0, 0), (0, 9), (9, 0)):
        assert reason(written(tmp_path, make(*size))) == Reason.DECODE
