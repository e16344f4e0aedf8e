"""Image files to upright RGB arrays of modest size, by Pillow.

Only the formats in `_formats` are ever tried, by content and not by name; those of Pillow's
that start other programs (EPS, PDF) are out of reach. Colour profiles are ignored: the models
were trained on pixels whose profiles were ignored too, and a profile is one more hostile input.
"""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError

from recognize_cli.errors import FileFailure
from recognize_cli.media import pixels
from recognize_cli.media.animation import clips
from recognize_cli.media.exif import position
from recognize_cli.media.jobs import Content, Limits, Raw
from recognize_cli.media.kinds import AVIF_BRANDS, HEIF_BRANDS, brands
from recognize_cli.media.opening import ERRNOS_OF_DAMAGE, opened
from recognize_cli.media.views import render
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.media.jobs import DecodeJob
    from recognize_cli.records import View

_PLUGINS = {  # in the order in which they are tried
    "JPEG": "PIL.JpegImagePlugin",  # MPO too: its first picture
    "PNG": "PIL.PngImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "DIB": "PIL.BmpImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "JPEG2000": "PIL.Jpeg2KImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
}
_MAX_PNG_TEXT = 16 << 20  # bytes; Pillow's 1 MiB is less than some editors write
_MANY_PIXELS = 20_000_000
_NEARLY = 0.88
"""So much of the largest size will do: 4000 pixels come as 1000 at a quarter of the size, and half of it,
which 1024 would take, costs twice as much."""
_PLAIN_TEXT = re.compile(r"\w+ [^<>'\"{}]*")
_SHARE_OF_TIME = 0.5  # of the limit, that the frames of an animation may take
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")


def decode(job: DecodeJob, limits: Limits) -> Content:
    """The `jobs.Decoder` of images; views with clips are made of those only that are animated."""
    deadline = time.monotonic() + limits.timeout * _SHARE_OF_TIME
    still = [view for view in job.views if view is None or view.clips is None]
    moving = [view for view in job.views if view is not None and view.clips is not None]
    whole = job.min_side or limits.max_side
    min_side = max((view.min_side if view else whole for view in still), default=1)
    arrays: dict[View | None, Raw] = {}
    with _header(job.path, limits.max_pixels) as image:
        where = position(image)
        if still:
            picture = _picture(image, min_side, limits.max_side)
            arrays.update({view: _raw(render(picture, view) if view else picture) for view in still})
        if moving:
            arrays.update(clips(image, moving, deadline))
    return Content(arrays, where)


def _raw(picture: Image.Image) -> Raw:
    return Raw(picture.tobytes(), (picture.height, picture.width, 3))


def decode_image(
    path: str, *, min_side: int, max_side: int = Limits.max_side, max_pixels: int = Limits.max_pixels
) -> NDArray[np.uint8]:
    """The first picture of an image file, H×W×3 RGB, upright by its EXIF orientation.

    The long side is at most `max_side`; pictures are never enlarged. A JPEG may come smaller:
    it is decoded at 1/8, 1/4 or 1/2 as long as its short side keeps `min_side` pixels, or nearly all
    that `max_side` allows. What is transparent becomes white. A damaged or cut-off file is an error,
    never half a picture.
    Not for several threads at once: it sets warning filters.

    Raises FileFailure: IO, DECODE, UNSUPPORTED, TOO_LARGE (before any pixel is decoded), MEMORY.
    """
    import numpy as np

    with _header(path, max_pixels) as image:
        return np.asarray(_picture(image, min_side, max_side))


@contextmanager
def _header(path: str, max_pixels: int) -> Iterator[Image.Image]:
    """An image of which only the header was read; what is done with it fails as `decode_image` says."""
    with _failures(), _no_warnings(), opened(path) as file:
        yield _identified(file, max_pixels)


def _picture(image: Image.Image, min_side: int, max_side: int) -> Image.Image:
    """See `decode_image`."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        need = _needed(image.size, min_side, max_side)
        image.draft(None, (need, need))
    with _failures(count=image.width * image.height):
        image.load()
    return pixels.upright_rgb(image, max_side)


def _needed(size: tuple[int, int], min_side: int, max_side: int) -> int:
    """The short side, in pixels, that a picture of this size must keep when it is decoded."""
    whole = min(pixels.within(size, max_side))
    return max(min_side if min_side < whole else math.ceil(whole * _NEARLY), 1)


@contextmanager
def _failures(count: int = 0) -> Iterator[None]:
    """Turns whatever a decoder raises into the FileFailure that says it.

    Pillow's plugins answer to malformed data with exceptions of any class, and some answer to a lack
    of memory as if the data were malformed: the message leaves both open for an image of many pixels.
    """
    try:
        yield
    except FileFailure:
        raise
    except MemoryError as error:
        raise FileFailure(Reason.MEMORY, "decoding it takes more memory than the limit allows") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in ERRNOS_OF_DAMAGE:
            raise FileFailure(Reason.IO, f"it cannot be read: {os.strerror(error.errno)}") from error
        doubt = f" (or its {count} pixels take more memory than the limit)" if count > _MANY_PIXELS else ""
        raise FileFailure(Reason.DECODE, f"the image is damaged{_detail(error)}{doubt}") from error


def _detail(error: Exception) -> str:
    """What a decoder says of the damage, where that is plain text and no Python value."""
    text = " ".join(str(error).split())
    plain = isinstance(error, (OSError, SyntaxError, ValueError)) and _PLAIN_TEXT.fullmatch(text)
    return f": {text[:160]}" if plain else ""


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keeps Pillow's remarks on odd metadata off stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _identified(file: BinaryIO, max_pixels: int) -> Image.Image:
    """The image with its header read and judged, and no pixel decoded."""
    try:
        image: Image.Image = Image.open(file, formats=_formats())
    except UnidentifiedImageError as error:
        file.seek(0)
        raise _unidentified(file.read(64)) from error
    width, height = image.size
    if width * height > max_pixels:
        problem = f"it has {width}×{height} pixels, more than the limit of {max_pixels}"
        raise FileFailure(Reason.TOO_LARGE, problem)
    if width < 1 or height < 1:
        raise FileFailure(Reason.DECODE, "the image is damaged: it has no pixels")
    if image.format == "PNG":  # loading skips the checksums, so it would show damage as a picture
        image.verify()
        image = Image.open(file, formats=("PNG",))
    return image


@cache
def _formats() -> tuple[str, ...]:
    """The formats that Pillow may try, with their plugins loaded and set as they suit us."""
    Image.MAX_IMAGE_PIXELS = None  # `_identified` has the limit
    PngImagePlugin.MAX_TEXT_CHUNK = _MAX_PNG_TEXT
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    for module in _PLUGINS.values():
        import_module(module)
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return tuple(_PLUGINS)
    register_heif_opener(thumbnails=False, decode_threads=1)
    return (*_PLUGINS, "HEIF")


def _unidentified(head: bytes) -> FileFailure:
    """Why no plugin took a file."""
    found = frozenset(brands(head))
    if found & AVIF_BRANDS:
        if not _can_read_avif():
            return FileFailure(Reason.UNSUPPORTED, "this Pillow cannot read AVIF; install a wheel of it")
    elif found & HEIF_BRANDS and "HEIF" not in _formats():
        return FileFailure(Reason.UNSUPPORTED, "HEIC and HEIF need an extra: install recognize-cli[heif]")
    elif head.startswith(_JPEG_XL):
        return FileFailure(Reason.UNSUPPORTED, "JPEG XL is not supported")
    return FileFailure(Reason.DECODE, "it is damaged, or not an image in a format that can be read")


def _can_read_avif() -> bool:
    from PIL import features

    return features.check_module("avif")
