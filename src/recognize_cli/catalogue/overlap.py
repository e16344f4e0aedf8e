"""Which boxes of two looks at one picture are about the same place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.records import Box

_SAME: Final = 0.5


def overlap(a: Box, b: Box) -> float:
    """The common area of two boxes over that of both together, 0 to 1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (a.width * a.height + b.width * b.height - common)


def same_places(old: Sequence[Box], new: Sequence[Box]) -> dict[int, int]:
    """Pairs boxes that overlap by half or more, each with one other at most, the best pair first.

    Gives the index of an old box by that of the new one.
    """
    pairs = (
        (overlap(before, now), earlier, later)
        for earlier, before in enumerate(old)
        for later, now in enumerate(new)
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, earlier, later in sorted((p for p in pairs if p[0] >= _SAME), key=lambda p: (-p[0], *p[1:])):
        if earlier not in taken and later not in found:
            found[later] = earlier
            taken.add(earlier)
    return found
