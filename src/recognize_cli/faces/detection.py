"""The record of a face, from what a detector and a descriptor say of it in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.faces.boxes import crop_within
from recognize_cli.faces.pose import head_pose
from recognize_cli.faces.sharpness import sharpness
from recognize_cli.records import Box, Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray


def detection(
    pixels: NDArray[np.uint8],
    box: NDArray[np.float64],
    score: float,
    points: NDArray[np.float64],
    vector: NDArray[np.float32],
) -> Detection | None:
    """The record of a face in an image (H×W×3); what lies outside of the image is cut off.

    ``box`` is left, top, right, bottom and ``points`` five landmarks (5×2), in pixels. None where the box
    shows no pixel of the image, or the vector has a number that is not finite.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = box.tolist()
    crop = crop_within(left, top, right - left, bottom - top, (width, height))
    if crop is None or not np.isfinite(vector).all():
        return None
    left, top, right, bottom = (box / (width, height, width, height)).clip(0, 1).tolist()
    return Detection(
        Box(left, top, right - left, bottom - top),
        score,
        tuple((x, y) for x, y in (points / (width, height)).clip(0, 1).tolist()),
        head_pose(points),
        sharpness(pixels, crop),
        vector,
    )
