"""Where a photo was taken, from its EXIF data (CIPA DC-008, section 4.6.6: attributes of GPS)."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from PIL import ExifTags, Image
from PIL.PngImagePlugin import ChunkStream, PngImageFile

from recognize_cli.media.opening import ERRNOS_OF_DAMAGE
from recognize_cli.records import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

PARSE_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What Pillow raises for damaged EXIF data."""

_TAGS = ExifTags.GPS
_SIXTIETHS = (1, 60, 3600)


def position(image: Image.Image) -> Position | None:
    """Where an image of which only the header was read was taken; no pixel is decoded for it.

    None where it does not say so: without coordinates or the letters for north, south, east and west, or with
    coordinates that are on no map. Damaged EXIF data counts as none, and so does the point 0° N 0° E, which
    cameras write that have not found out where they are. Raises OSError where the file cannot be read.
    """
    try:
        tags = _exif(image).get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(tags.get(_TAGS.GPSLatitude), tags.get(_TAGS.GPSLatitudeRef), "NS", 90)
        longitude = _degrees(tags.get(_TAGS.GPSLongitude), tags.get(_TAGS.GPSLongitudeRef), "EW", 180)
    except PARSE_ERRORS as error:
        if isinstance(error, OSError) and error.errno not in ERRNOS_OF_DAMAGE:
            raise
        return None
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return Position(latitude, longitude)


def _degrees(written: object, reference: object, letters: str, limit: int) -> float | None:
    """A coordinate: up to three numbers (degrees, minutes, seconds) and on which side of zero it is.

    Any of the numbers may have a fraction.
    """
    numbers = [float(number) for number in (written if isinstance(written, tuple) else (written,))]
    side = _letter(reference)
    if len(numbers) > len(_SIXTIETHS) or side not in letters or not _sound(numbers):
        return None
    degrees = sum(number / part for number, part in zip(numbers, _SIXTIETHS, strict=False))
    if degrees > limit:
        return None
    return -degrees if side == letters[1] else degrees


def _letter(reference: object) -> str:
    """The first letter of a reference, which may be text or bytes; a question mark where there is none."""
    text = reference.decode("latin-1") if isinstance(reference, bytes) else reference
    return (text.strip("\0 ")[:1].upper() if isinstance(text, str) else "") or "?"


def _sound(numbers: Sequence[float]) -> bool:
    """Whether none is negative or infinite, and the minutes and seconds are no more than sixty."""
    return all(0 <= number < math.inf for number in numbers) and all(number <= 60 for number in numbers[1:])


def _exif(image: Image.Image) -> Image.Exif:
    if not isinstance(image, PngImageFile):
        return image.getexif()
    exif = Image.Exif()  # for `PngImageFile.getexif` decodes the picture
    exif.load(image.info.get("exif") or _behind_pixels(image))
    return exif


def _behind_pixels(image: PngImageFile) -> bytes:
    """The EXIF data of a PNG that stand behind its pixels, where editors put them; empty if none do."""
    file = image.fp
    assert file is not None  # as long as nothing is decoded
    file.seek(image.tile[0].offset - 8)  # to the head of the chunk with the first pixels
    chunks = ChunkStream(file)
    while True:
        name, start, length = chunks.read()
        if name == b"eXIf":
            return file.read(length)
        if name == b"IEND":
            return b""
        file.seek(start + length + 4)  # the checksum
