"""What a decode worker is asked for, what limits it, and which function decodes which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recognize_cli.records import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.records import Position, View

DECODERS = {
    Kind.IMAGE: "recognize_cli.media.image:decode",
    Kind.AUDIO: "recognize_cli.media.audio:decode",
    Kind.VIDEO: "recognize_cli.media.video:decode",
}
"""Kind -> ``module:function`` of a `Decoder`, imported in the worker only."""


@dataclass(frozen=True)
class Limits:
    """What one file may cost.

    timeout: seconds of wall-clock time that its decoding may take, not counting the wait for a worker.
    memory_limit: bytes that a worker may map beyond what it has mapped when it is ready.
    max_pixels: pixels of an image, as its header states them.
    max_side: long side, in pixels, of the picture that comes back.
    max_resident: bytes of memory that a worker may hold in all, None for as many as it may map. The parent
        looks every few milliseconds, so it may be a little more for a moment.

    The defaults let a phone's 200-megapixel JPEG through, and 100 megapixels in any other format.
    """

    timeout: float = 60.0
    memory_limit: int = 2 << 30
    max_pixels: int = 250_000_000
    max_side: int = 1024
    max_resident: int | None = None


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """A file to decode, and the views that are wanted of it; None stands for the whole of it.

    ``min_side`` is the short side, in pixels, that is enough for the whole of an image; None for all that
    the limits allow.
    """

    path: str
    kind: Kind
    views: tuple[View | None, ...] = (None,)
    min_side: int | None = None


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """What a file holds, as `Decoded` has it, and the CPU seconds that the worker spent on it."""

    arrays: Mapping[View | None, NDArray[Any]]
    cpu_seconds: float = 0.0
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """An array without numpy: its bytes in C order, its shape, its type as numpy writes it."""

    data: bytes | memoryview
    shape: tuple[int, ...]
    dtype: str = "|u1"


@dataclass(frozen=True, slots=True)
class Content:
    """What a decoder found: an array for each view that the file has, and where a photo was taken."""

    arrays: Mapping[View | None, Raw]
    position: Position | None = None


Decoder = Callable[[DecodeJob, Limits], Content]
"""Decodes a file within the limits; raises FileFailure when it cannot."""
