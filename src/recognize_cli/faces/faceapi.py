"""The faces of a picture as @vladmandic/face-api finds and describes them, by its three models.

`detectAllFaces().withFaceLandmarks().withFaceDescriptors()` of version 1.7.15: a detector on the whole
picture, 68 landmarks in the box of each face, and a descriptor of the square that the landmarks mark out. A
face that cannot be described (no whole pixel of its box or of that square lies in the picture) is none;
face-api itself would give it the descriptor of another face.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.faces.descriptor import describe
from recognize_cli.faces.detection import detection
from recognize_cli.faces.landmarks68 import find_landmarks, five_points
from recognize_cli.faces.ssd import find_faces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.protocols import Session
    from recognize_cli.records import Detection


class FaceApi:
    """Finds and describes faces by three sessions; implements `FaceModel`.

    Embeddings (128 numbers) are those of face-api, not of length 1.
    """

    def __init__(
        self, detector: Session, landmarks: Session, descriptor: Session, *, min_score: float = 0.5
    ) -> None:
        """Faces with a score of ``min_score`` or less are none."""
        self._detector = detector
        self._landmarks = landmarks
        self._descriptor = descriptor
        self._min_score = min_score

    def analyse(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """The faces of an upright image (H×W×3 RGB), the surest first, at most 100; raises EngineError."""
        boxes, scores = find_faces(self._detector, pixels, min_score=self._min_score)
        faces = find_landmarks(self._landmarks, pixels, boxes, scores)
        vectors = describe(self._descriptor, pixels, faces)
        detections = (
            detection(pixels, face.box, face.score, five_points(face.points), vector)
            for face, vector in zip(faces, vectors, strict=True)
            if vector is not None
        )
        return tuple(each for each in detections if each is not None)

    def close(self) -> None:
        """Gives the models' memory back."""
        for session in (self._detector, self._landmarks, self._descriptor):
            session.close()
