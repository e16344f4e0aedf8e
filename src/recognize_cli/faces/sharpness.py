"""How sharp a face is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.faces.boxes import Crop

_SIDE = 48
"""Faces are compared at this size in pixels, which nearly every face has that is worth to be looked at."""


def sharpness(pixels: NDArray[np.uint8], crop: Crop) -> float:
    """How much of the contrast of a face is fine detail: 0 for none, 8 at most.

    Good photos have 0.3 to 0.8; one blurred by a Gaussian of 3 % of the face's width has 0.1 to 0.25.

    It is the standard deviation of the Laplacian of the face in gray, divided by that of the gray itself,
    so that neither exposure nor contrast count; and the face is scaled to a fixed size before, so that its
    own does not. (The variance of the Laplacian tells sharp from blurred: Pech-Pacheco et al., "Diatom
    autofocusing in brightfield microscopy", ICPR 2000.)
    """
    face = Image.fromarray(np.ascontiguousarray(crop.of(pixels))).convert("L")
    gray = np.asarray(face.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), np.float64)
    contrast = gray.std()
    if contrast == 0:
        return 0.0
    inner = gray[1:-1, 1:-1]
    neighbours = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float((neighbours - 4 * inner).std() / contrast)
