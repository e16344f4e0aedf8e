"""Small pictures of faces, cut from their photos; a photo is decoded once, however many faces are in it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.jobs import DecodeJob
from recognize_cli.naming import raw
from recognize_cli.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.catalogue.people_api import KnownFace
    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.records import Box

SIDE: Final = 128
MAX_PHOTO_SIDE: Final = 2048
"""The long side, in pixels, of a decoded photo: a face 3 % as wide still has 60 pixels."""

NAME: Final = re.compile(r"\d{1,19}-[0-9a-f]{12}\.jpg", re.ASCII)
"""What the names of thumbnails look like, and of no other file in the folder."""

_RECIPE = b"1"  # to be raised whenever the same face would get another picture
_QUALITY = 80
_MARGIN = 1.6  # how much larger than the longer side of the box the picture is
_GRAY = 128


def name(face: KnownFace) -> str:
    """The file name of a face's thumbnail; another one whenever its photo or box changes."""
    box = face.box
    digest = hashlib.blake2b(digest_size=6)
    for part in (_RECIPE, raw(face.file.source), raw(face.file.path), raw(face.file.version)):
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(repr((box.x, box.y, box.width, box.height)).encode())
    return f"{face.id}-{digest.hexdigest()}.jpg"


@dataclass(frozen=True, slots=True)
class Cut:
    """A thumbnail: of which face, and its JPEG bytes."""

    face: KnownFace
    jpeg: bytes


def cut(
    faces: Iterable[KnownFace],
    local_path: Callable[[KnownFace], str],
    submit: Callable[[DecodeJob], Future[DecodeResult]],
    *,
    look_ahead: int,
) -> Iterator[list[Cut] | Skipped]:
    """For each photo the thumbnails of its faces, or why it cannot be read, as they finish.

    At most `look_ahead` photos are decoded at a time.
    """
    pending: dict[Future[DecodeResult], list[KnownFace]] = {}
    done: SimpleQueue[Future[DecodeResult]] = SimpleQueue()
    place = sorted(faces, key=_photo)
    for _, group in groupby(place, key=_photo):
        if len(pending) >= look_ahead:
            yield _settle(done.get(), pending)
        of_photo = list(group)
        job = DecodeJob(local_path(of_photo[0]), of_photo[0].file.kind, min_side=_min_side(of_photo))
        future = submit(job)
        pending[future] = of_photo
        future.add_done_callback(done.put)
    while pending:
        yield _settle(done.get(), pending)


def crop(pixels: NDArray[Any], box: Box) -> bytes:
    """A JPEG of `SIDE`×`SIDE` pixels, the box in its middle, from an upright photo (H×W×3 uint8 RGB).

    What lies beyond the photo is gray: were the square moved inwards, another face could be in the middle.
    """
    height, width = pixels.shape[:2]
    (left, right), (top, bottom) = _span(box.x, box.width, width), _span(box.y, box.height, height)
    side = max(1, round(_MARGIN * max(right - left, bottom - top)))
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    square = np.full((side, side, 3), _GRAY, np.uint8)
    part = pixels[max(y, 0) : y + side, max(x, 0) : x + side]
    square[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]] = part
    picture = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue()


def _span(start: float, length: float, size: int) -> tuple[float, float]:
    """Where a part begins and ends, in pixels; within the photo, and at least a pixel long."""
    first = min(max(start * size, 0.0), size - 1)
    return first, min(max((start + length) * size, first + 1), size)


def _photo(face: KnownFace) -> tuple[str, str]:
    return face.file.source, face.file.path


def _min_side(faces: Iterable[KnownFace]) -> int:
    """The short side of a photo, in pixels, from which on all its faces are large enough."""
    smallest = min(max(face.box.width, face.box.height) for face in faces)
    return (
        MAX_PHOTO_SIDE if smallest * MAX_PHOTO_SIDE * _MARGIN <= SIDE else round(SIDE / (_MARGIN * smallest))
    )


def _settle(
    future: Future[DecodeResult], pending: dict[Future[DecodeResult], list[KnownFace]]
) -> list[Cut] | Skipped:
    faces = pending.pop(future)
    try:
        pixels = future.result().arrays[None]
    except FileFailure as failure:
        return Skipped(faces[0].file, failure.reason, failure.message)
    return [Cut(face, crop(pixels, face.box)) for face in faces]
