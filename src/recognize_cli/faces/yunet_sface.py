"""The default way to find and describe faces: YuNet, 68 landmarks, alignment by five of them, SFace.

SFace: Zhong, Deng, Hu, Zhao, Li, Wen, "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face
Recognition", IEEE TIP 30 (2021); fed as OpenCV's `FaceRecognizerSF` feeds it. The landmarks are those of
face-api's network: YuNet's own stay nearly upright when a head leans, and what SFace then sees leans too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from recognize_cli.faces.alignment import ARCFACE_POINTS, ARCFACE_SIZE, similarity, warp
from recognize_cli.faces.batches import in_batches
from recognize_cli.faces.detection import detection
from recognize_cli.faces.landmarks68 import find_landmarks, five_points
from recognize_cli.faces.yunet import YuNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.protocols import Session
    from recognize_cli.records import Detection

_TINY = 1e-12


class YunetSface:
    """Finds and describes faces by three sessions; implements `FaceModel`.

    Embeddings (128 numbers) have length 1; those of one person are near by euclidean distance.
    """

    def __init__(
        self, detector: Session, landmarks: Session, descriptor: Session, *, min_score: float = 0.5
    ) -> None:
        """Faces with a score of ``min_score`` or less are none."""
        self._detector = YuNet(detector, min_score=min_score)
        self._landmarks = landmarks
        self._descriptor = descriptor

    def analyse(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """The faces of an upright image (H×W×3 RGB), the surest first; raises EngineError.

        One that lies outside of the image, or whose landmarks fall together, is none.
        """
        boxes, scores = self._detector.find(pixels)
        if not len(boxes):
            return ()
        picture = Image.fromarray(pixels)
        found = []
        for box, score in zip(boxes, scores, strict=True):
            points = self._points(pixels, box)
            chip = None if points is None else _chip(picture, points)
            if points is not None and chip is not None:
                found.append((box, float(score), points, chip))
        vectors = in_batches(self._descriptor, (chip for *_, chip in found))
        detections = (
            detection(pixels, box, score, points, vector / max(float(np.linalg.norm(vector)), _TINY))
            for (box, score, points, _), vector in zip(found, vectors, strict=True)
        )
        return tuple(each for each in detections if each is not None)

    def close(self) -> None:
        """Gives the models' memory back."""
        self._detector.close()
        self._landmarks.close()
        self._descriptor.close()

    def _points(self, pixels: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Five landmarks (5×2, pixels) of the face in a box, None where that shows nothing."""
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() / 2
        square = np.concatenate([centre - half, centre + half])
        faces = find_landmarks(self._landmarks, pixels, square[None], np.ones(1))
        return five_points(faces[0].points) if faces else None


def _chip(picture: Image.Image, points: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """The face with these five points (5×2), upright and in the middle, as the descriptor takes it."""
    matrix = similarity(points, ARCFACE_POINTS)
    chip = None if matrix is None else warp(picture, matrix, ARCFACE_SIZE)
    return None if chip is None else chip.transpose(2, 0, 1).astype(np.float32)
