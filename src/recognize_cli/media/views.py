"""Square pictures for models, cut and scaled from whole ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from PIL import Image

    from recognize_cli.records import Decoded, View


def seen(decoded: Decoded, view: View) -> NDArray[Any] | None:
    """What a view shows of a file: as it came from the decoder, or else made from the whole image.

    None where the file has nothing to show, as a picture that stands still has no clips.
    """
    if view in decoded.arrays or view.clips is not None or None not in decoded.arrays:
        return decoded.arrays.get(view)
    import numpy as np
    from PIL import Image

    return np.asarray(render(Image.fromarray(decoded.pixels), view))


def render(picture: Image.Image, view: View) -> Image.Image:
    """What a view shows of an upright RGB picture, `view.size` pixels square."""
    from PIL.Image import Resampling

    resample = Resampling[view.resample.upper()]
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
