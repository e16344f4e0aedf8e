"""Where the faces of a picture are, by face-api's SSD MobileNet v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.faces.boxes import suppress
from recognize_cli.faces.resize import fit_square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.protocols import Session

_SIZE = 512
_MAX_OVERLAP = 0.5
_MOST_FACES = 100


def find_faces(
    session: Session, pixels: NDArray[np.uint8], *, min_score: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Boxes (n×4, pixels) of the faces in a picture (H×W×3) and their scores (n), the best first.

    At most 100, with scores above ``min_score``. A box may reach a little over the picture's edges. The
    model takes ``image`` (1×512×512×3 float32, RGB, 0 to 255) and gives ``boxes`` (1×m×4: top, left,
    bottom, right as parts of that square) and ``scores`` (1×m). Raises EngineError.
    """
    square = fit_square(pixels, _SIZE, centred=False)
    outputs = session.run({session.inputs[0]: square[None]})
    boxes, scores = outputs["boxes"][0], outputs["scores"][0]
    best = suppress(boxes, scores, min_score=min_score, max_overlap=_MAX_OVERLAP, limit=_MOST_FACES)
    return _in_pixels(boxes[best], pixels.shape[1], pixels.shape[0]), scores[best]


def _in_pixels(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float64]:
    """Boxes (n×4: top, left, bottom, right as parts of the square) as left, top, right, bottom in pixels.

    face-api takes the picture's share of the square in whole pixels of the square; so a box may reach a
    little over the picture's edge.
    """
    within = boxes[:, [1, 0, 3, 2]].astype(np.float64)
    within[:, :2] = within[:, :2].clip(min=0)
    within[:, 2:] = within[:, 2:].clip(max=1)
    size = np.array([width, height])
    shown = np.floor(size * (_SIZE / size.max()) + 0.5).clip(min=1)
    return np.asarray(within * np.tile(size * (_SIZE / shown), 2))
