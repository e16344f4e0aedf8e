"""Where to cut a face from a picture so that the same features always lie at the same place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from recognize_cli.faces.boxes import crop_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.faces.boxes import Crop

ARCFACE_SIZE = 112
ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace models want eyes, nose and corners of the mouth in a square of `ARCFACE_SIZE` pixels.

From InsightFace's `utils/face_align.py`.
"""

_EYES_TO_MOUTH = 0.45  # of the side of the square, as dlib has it
_CENTRE = (0.5, 0.43)

_TOGETHER = 1e-9  # the sum of squared distances from their centre, of points that are one


def upright_crop(
    eyes_and_mouth: NDArray[np.floating], face_size: tuple[int, int], picture_size: tuple[int, int]
) -> Crop | None:
    """The square that face-api describes a face by, not rotated; None where it shows no pixel.

    ``eyes_and_mouth`` are the centres (3×2) of the left eye, the right one and the mouth; sizes are (width,
    height), ``face_size`` that of the box in which the landmarks were found: as `FaceLandmarks.alignDlib`
    does, it limits the square, too.
    """
    if not np.isfinite(eyes_and_mouth).all():
        return None
    left_eye, right_eye, mouth = eyes_and_mouth.astype(np.float64)
    to_mouth = (np.hypot(*(mouth - left_eye)) + np.hypot(*(mouth - right_eye))) / 2
    side = math.floor(to_mouth / _EYES_TO_MOUTH)
    x, y = eyes_and_mouth.mean(axis=0, dtype=np.float64)
    left, top = (math.floor(max(0.0, at - part * side)) for at, part in zip((x, y), _CENTRE, strict=True))
    return crop_within(left, top, min(side, face_size[0] + left), min(side, face_size[1] + top), picture_size)


def similarity(points: NDArray[np.floating], template: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """The rotation, scale and shift (2×3) that bring points (n×2) nearest to a template (n×2).

    Never mirrored. Least squares, after Umeyama, "Least-squares estimation of transformation parameters
    between two point patterns", IEEE PAMI 13 (1991); in the plane it is one complex division. None where
    the points fall together, or are not finite.
    """
    if not np.isfinite(points).all():
        return None
    centre, goal = points.mean(axis=0, dtype=np.float64), template.mean(axis=0, dtype=np.float64)
    here, there = ((each - middle) @ (1, 1j) for each, middle in ((points, centre), (template, goal)))
    spread = np.vdot(here, here).real
    if spread < _TOGETHER:
        return None
    factor = np.vdot(here, there) / spread
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, goal - turn @ centre])


def warp(picture: Image.Image, matrix: NDArray[np.floating], size: int) -> NDArray[np.uint8] | None:
    """A picture as a matrix (2×3) moves its points, cut to the first ``size`` pixels each way (size×size×3).

    Bilinear, black where there is no picture. Points at whole numbers are the centres of pixels. What comes
    out smaller by half or more is averaged before, so that fine detail does not turn into noise. None where
    the matrix cannot be undone.
    """
    area = abs(np.linalg.det(matrix[:, :2]))
    if area < 1e-12:
        return None
    shrink = min(int(area**-0.5), *picture.size)
    if shrink > 1:
        picture = picture.reduce(shrink)
        corner = matrix @ ((shrink - 1) / 2, (shrink - 1) / 2, 1)  # where the first of the averages lies
        matrix = np.column_stack([matrix[:, :2] * shrink, corner])
    back = np.linalg.inv(matrix[:, :2])
    shift = -back @ matrix[:, 2]
    shift += 0.5 - back.sum(axis=1) / 2  # Pillow counts from the corner of a pixel
    coefficients = tuple(np.column_stack([back, shift]).ravel().tolist())
    moved = picture.transform(
        (size, size), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=0
    )
    return np.asarray(moved)
