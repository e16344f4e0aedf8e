"""Where faces are, by YuNet (OpenCV's model zoo, version 2023mar).

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023; decoded as OpenCV's
`FaceDetectorYN` does. The graph takes ``input``, float32 [1, 3, H, W], BGR, 0 to 255, both sides multiples
of 32. For each of the strides 8, 16 and 32 it puts out, a row for each cell of that grid in reading order,
two probabilities whose geometric mean is the score (``cls``, ``obj``) and a box (``bbox``: offset of its
centre from the cell, logarithm of its size, both in strides). Its landmarks (``kps``) are not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from recognize_cli.faces.boxes import suppress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recognize_cli.protocols import Session

_STRIDES = (8, 16, 32)
_LONG_SIDE = 640
"""Larger pictures are shrunk to this: a face of 3 % of it still has the pixels that the model needs."""

_MAX_OVERLAP = 0.3
_LIMIT = 500
_LARGEST_EXPONENT = 10.0  # of a box's size in strides: far larger than any picture


class Found(NamedTuple):
    """Faces in pixels of a picture, the surest first.

    ``boxes`` are left, top, right, bottom (n×4), ``scores`` 0 to 1 (n), both float64.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]


class YuNet:
    """Finds faces of about 10 pixels and more (after shrinking) in a picture."""

    def __init__(self, session: Session, *, min_score: float = 0.5) -> None:
        self._session = session
        self._min_score = min_score

    def find(self, pixels: NDArray[np.uint8]) -> Found:
        """The faces in an upright picture (H×W×3 RGB); raises EngineError."""
        picture, scale = _shrunk(pixels)
        outputs = self._session.run({self._session.inputs[0]: picture})
        columns, rows = picture.shape[3], picture.shape[2]
        parts = [_decoded(outputs, stride, (columns, rows), self._min_score) for stride in _STRIDES]
        boxes, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        best = suppress(boxes, scores, min_score=self._min_score, max_overlap=_MAX_OVERLAP, limit=_LIMIT)
        return Found(boxes[best] / np.tile(scale, 2), scores[best])

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()


def _shrunk(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The picture as the graph takes it, black to the right and below, and its scale (x, y)."""
    height, width = pixels.shape[:2]
    factor = min(1.0, _LONG_SIDE / max(height, width))
    small = max(1, round(width * factor)), max(1, round(height * factor))
    if small != (width, height):
        pixels = np.asarray(Image.fromarray(pixels).resize(small, Image.Resampling.BILINEAR))
    step = _STRIDES[-1]
    picture = np.zeros((1, 3, -(-small[1] // step) * step, -(-small[0] // step) * step), np.float32)
    picture[0, :, : small[1], : small[0]] = pixels[:, :, ::-1].transpose(2, 0, 1)
    return picture, np.array([small[0] / width, small[1] / height])


def _decoded(
    outputs: Mapping[str, NDArray[np.float32]], stride: int, size: tuple[int, int], min_score: float
) -> Found:
    """The faces above the score that one grid tells of, in pixels of the shrunk picture."""
    classes, objects = (outputs[f"{name}_{stride}"].reshape(-1).clip(0, 1) for name in ("cls", "obj"))
    scores = np.sqrt(classes.astype(np.float64) * objects)
    sure = np.flatnonzero(scores > min_score)
    columns = size[0] // stride
    cells = np.stack([sure % columns, sure // columns], axis=1).astype(np.float64)
    box = outputs[f"bbox_{stride}"].reshape(-1, 4)[sure]
    centres = (cells + box[:, :2]) * stride
    halves = np.exp(box[:, 2:].astype(np.float64).clip(max=_LARGEST_EXPONENT)) * (stride / 2)
    return Found(np.concatenate([centres - halves, centres + halves], axis=1), scores[sure])
