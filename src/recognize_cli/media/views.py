"""Square pictures for models, cut and scaled from whole ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from recognize_cli.records import View


def render(picture: Image.Image, view: View) -> Image.Image:
    """What a view shows of an upright RGB picture, `view.size` pixels square."""
    resample = Image.Resampling[view.resample.upper()]
    return picture.resize((view.size, view.size), resample, box=_box(picture.size, view))


def _box(size: tuple[int, int], view: View) -> tuple[int, int, int, int]:
    """The part of a picture (width, height) that a view shows: left, top, right, bottom.

    Whole pixels, and the odd one to the right and below, as the EfficientNet reference crops.
    """
    width, height = size
    if view.short_side is None:
        return 0, 0, width, height
    side = max(1, min(size) * view.size // view.short_side)
    left, top = (width - side + 1) // 2, (height - side + 1) // 2
    return left, top, left + side, top + side
