"""InsightFace's detectors (SCRFD) and descriptors (ArcFace), run by its own package.

Only the two classes that run a model file are used. The package can download models, and is never asked to.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from recognize_cli.engines import NO_TELEMETRY, first_line, open_session, runtime_errors, turns
from recognize_cli.errors import EngineError
from recognize_cli.faces.alignment import ARCFACE_POINTS, ARCFACE_SIZE, similarity, warp
from recognize_cli.faces.detection import detection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.records import Detection

ENGINE = "insightface"

_MOST_FACES = 100
_LONGEST = 64
"""How many times the short side the long one may be: longer pictures the package shrinks to nothing."""

_TINY = 1e-12


class InsightFace:
    """Finds and describes faces; implements `FaceModel`. Embeddings (512 numbers) have length 1."""

    def __init__(
        self,
        detector: Path,
        descriptor: Path,
        threads: int = 1,
        *,
        min_score: float = 0.5,
        gpu: int | None = None,
    ) -> None:
        """Loads an SCRFD detector with landmarks and an ArcFace descriptor, both ONNX files.

        ``threads`` are those inside one run of a model; faces with a score below ``min_score`` are none.
        ``gpu`` is the number of an NVIDIA GPU; without it they run on the CPU. Raises EngineError.
        """
        os.environ.update(NO_TELEMETRY)
        try:
            from insightface.model_zoo.arcface_onnx import ArcFaceONNX
            from insightface.model_zoo.scrfd import SCRFD
        except ImportError as error:
            remedy = "install it with `pip install 'recognize-cli[insightface]'`"
            raise EngineError(engine=ENGINE, problem=f"it cannot be imported ({error}); {remedy}") from error
        self._min_score = min_score
        self._failures = _failures()
        self._turns = turns(gpu)
        try:
            # Else it would make one more session of the detector for each size of its input.
            shared = {"static_shape_sessions": False}
            self._detector = SCRFD(str(detector), open_session(detector, threads, gpu), **shared)
            self._descriptor = ArcFaceONNX(str(descriptor), open_session(descriptor, threads, gpu))
        except self._failures as error:
            problem = f"cannot load {detector} and {descriptor}: {first_line(error)}"
            raise EngineError(engine=ENGINE, problem=problem) from error
        if not self._detector.use_kps or tuple(self._descriptor.input_size) != (ARCFACE_SIZE, ARCFACE_SIZE):
            problem = f"{detector} is no SCRFD with landmarks, or {descriptor} no ArcFace of 112 pixels"
            raise EngineError(engine=ENGINE, problem=problem)

    def analyse(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """The faces of an upright image (H×W×3 RGB), the surest first, at most 100; raises EngineError.

        One whose landmarks fall together or whose box lies outside of the image is none.
        """
        picture = Image.fromarray(pixels)
        boxes, points = self._call(self._detector.detect, _for_detector(pixels), det_thresh=self._min_score)
        found = (each[:_MOST_FACES].astype(np.float64) for each in (boxes, points))
        faces = (
            detection(pixels, box[:4], float(box[4]), five, vector)
            for box, five in zip(*found, strict=True)
            if (vector := self._embedding(picture, five)) is not None
        )
        return tuple(face for face in faces if face is not None)

    def close(self) -> None:
        """Gives the models' memory back."""
        del self._detector, self._descriptor

    def _embedding(self, picture: Image.Image, points: NDArray[np.float64]) -> NDArray[np.float32] | None:
        """The descriptor of the face with these five points (5×2), None where they fall together."""
        matrix = similarity(points, ARCFACE_POINTS)
        face = None if matrix is None else warp(picture, matrix, ARCFACE_SIZE)
        if face is None:
            return None
        vector = self._call(self._descriptor.get_feat, face[:, :, ::-1]).reshape(-1)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), _TINY), np.float32)

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What a function of the package returns; raises EngineError."""
        try:
            with self._turns:
                return function(*arguments, **options)
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=first_line(error)) from error


def _for_detector(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image as OpenCV has it, blue first, and with black to the right or below if it is a mere line."""
    height, width = pixels.shape[:2]
    lacking = max(0, -(-width // _LONGEST) - height), max(0, -(-height // _LONGEST) - width)
    return np.pad(pixels[:, :, ::-1], ((0, lacking[0]), (0, lacking[1]), (0, 0)))


def _failures() -> tuple[type[Exception], ...]:
    """What the package, OpenCV, ONNX and ONNX Runtime raise for a model or a picture that they cannot use."""
    import cv2
    from google.protobuf.message import DecodeError

    builtin = (AssertionError, LookupError, OSError, TypeError)
    return (*runtime_errors(), cv2.error, DecodeError, *builtin)
