"""From a found face to the vector that tells whose it is, by face-api's descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.faces.alignment import upright_crop
from recognize_cli.faces.batches import in_batches
from recognize_cli.faces.landmarks68 import eyes_and_mouth
from recognize_cli.faces.resize import fit_square

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.faces.landmarks68 import FoundFace
    from recognize_cli.protocols import Session

_SIZE = 150


def describe(
    session: Session, pixels: NDArray[np.uint8], faces: Sequence[FoundFace]
) -> list[NDArray[np.float32] | None]:
    """A vector (128) for each face of a picture (H×W×3), None where its crop shows no pixel.

    Vectors have no certain length; those of one person are near by euclidean distance. The model takes
    N×150×150×3 float32, RGB, 0 to 255. Raises EngineError.
    """
    size = (pixels.shape[1], pixels.shape[0])
    crops = [
        upright_crop(eyes_and_mouth(face.points), (face.crop.width, face.crop.height), size) for face in faces
    ]
    squares = (fit_square(crop.of(pixels), _SIZE, centred=True) for crop in crops if crop)
    vectors = iter(in_batches(session, squares))
    return [next(vectors) if crop else None for crop in crops]
