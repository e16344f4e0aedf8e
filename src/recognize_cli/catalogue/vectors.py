"""How embeddings of faces are written: little-endian float16, half the size for no loss that grouping sees.

Halves carry 11 bits: the distance of two unit vectors moves by less than 0.001. NumPy is imported when
there is a vector, and only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BYTES_A_NUMBER = 2


def encode_vector(vector: NDArray[np.float32]) -> bytes | None:
    """The bytes of a vector column.

    None for a vector that is empty, or with a number that is not finite or too large for a half (65504). No
    model of faces that works gives such a one, and it has no distance to any other: its face is stored
    without a vector, and never grouped.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        halves = np.asarray(vector).astype("<f2")
    return halves.tobytes() if halves.size and bool(np.isfinite(halves).all()) else None


def decode_vectors(columns: Sequence[bytes], dimensions: int) -> NDArray[np.float16]:
    """Vectors (n×dimensions) from their columns; raises ValueError where one has another length."""
    import numpy as np

    if any(len(column) != dimensions * BYTES_A_NUMBER for column in columns):
        raise ValueError("vectors of one model have different lengths")
    return np.frombuffer(b"".join(columns), dtype="<f2").reshape(len(columns), dimensions)
