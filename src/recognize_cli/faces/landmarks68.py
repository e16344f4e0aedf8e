"""The 68 points of the iBUG 300-W annotation, found by face-api's model.

0 to 16 are the jaw, 17 to 26 the brows, 27 to 35 the nose, 36 to 41 and 42 to 47 the eyes, 48 to 67 the
mouth. "Left" is left in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.faces.batches import in_batches
from recognize_cli.faces.boxes import crop_within
from recognize_cli.faces.resize import fit_square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.faces.boxes import Crop
    from recognize_cli.protocols import Session

_SIZE = 112
_LEFT_EYE, _RIGHT_EYE, _MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
_NOSE_TIP, _LEFT_CORNER, _RIGHT_CORNER = 30, 48, 54


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face as it was found, in pixels of the picture.

    ``box`` (left, top, right, bottom) may reach over the picture's edges, ``crop`` is what it shows of it;
    ``points`` are the 68 landmarks (68×2).
    """

    box: NDArray[np.float64]
    score: float
    crop: Crop
    points: NDArray[np.float64]


def find_landmarks(
    session: Session, pixels: NDArray[np.uint8], boxes: NDArray[np.float64], scores: NDArray[np.floating]
) -> list[FoundFace]:
    """The landmarks of the faces in these boxes (n×4, pixels) of a picture (H×W×3), in order.

    Faces that have no whole pixel, or for which the model gives no finite points, are left out. Raises
    EngineError.
    """
    height, width = pixels.shape[:2]
    found: list[tuple[NDArray[np.float64], float, Crop]] = []
    for box, score in zip(boxes, scores, strict=True):
        left, top, right, bottom = box.tolist()
        crop = crop_within(left, top, right - left, bottom - top, (width, height))
        if crop is not None:
            found.append((box, float(score), crop))
    squares = (fit_square(crop.of(pixels), _SIZE, centred=True) for _, _, crop in found)
    outputs = in_batches(session, squares)
    faces = [
        FoundFace(box, score, crop, _in_picture(output.reshape(68, 2), box, crop))
        for (box, score, crop), output in zip(found, outputs, strict=True)
    ]
    return [face for face in faces if np.isfinite(face.points).all()]


def _in_picture(points: NDArray[np.float32], box: NDArray[np.float64], crop: Crop) -> NDArray[np.float64]:
    """Points in fractions of the padded square as pixels of the picture.

    As face-api: by the box as it was, not by the whole pixels that were cut from it.
    """
    size = np.array([crop.width, crop.height], np.float64)
    padding = (size.max() - size) / 2
    return np.asarray(points.astype(np.float64) * size.max() - padding + box[:2])


def five_points(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The centres of the eyes, the tip of the nose and the corners of the mouth (5×2) of 68 points."""
    left, right = points[_LEFT_EYE].mean(axis=0), points[_RIGHT_EYE].mean(axis=0)
    return np.array([left, right, points[_NOSE_TIP], points[_LEFT_CORNER], points[_RIGHT_CORNER]], np.float64)


def eyes_and_mouth(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The centres of the left eye, the right eye and the mouth (3×2) of 68 points."""
    return np.array([points[part].mean(axis=0) for part in (_LEFT_EYE, _RIGHT_EYE, _MOUTH)], np.float64)
