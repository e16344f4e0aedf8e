"""EXIF data with a position, as cameras write them and as they should not."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

BERLIN = {"latitude": (52, 31, 12.0), "longitude": (13, 24, 36.0)}
"""52.52° N 13.41° E"""


def exif(
    latitude: Any = BERLIN["latitude"],
    longitude: Any = BERLIN["longitude"],
    north: Any = "N",
    east: Any = "E",
) -> Image.Exif:
    """EXIF data whose tags have these values; None leaves one out."""
    tags = ExifTags.GPS
    values = {
        tags.GPSLatitudeRef: north,
        tags.GPSLatitude: latitude,
        tags.GPSLongitudeRef: east,
        tags.GPSLongitude: longitude,
    }
    made = Image.Exif()
    made.get_ifd(ExifTags.IFD.GPSInfo).update(
        {int(tag): value for tag, value in values.items() if value is not None}
    )
    return made


def rational(numerator: int, denominator: int) -> IFDRational:
    """A fraction, which may have a denominator of zero."""
    return IFDRational(numerator, denominator)
