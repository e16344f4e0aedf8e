"""Which faces are good enough to found a person, and what is wrong with the others.

Nothing is thrown away for it: a face that fails can still join a person, and other limits take effect without
looking at any picture again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from recognize_cli.catalogue.people_api import FaceTable, KnownFace


@dataclass(frozen=True, slots=True)
class Gates:
    """The limits of a good face; size, roll and yaw as the Nextcloud app Recognize has them.

    min_score: the least score of its detector, 0 to 1.
    min_size: the least greater side of its box, as a fraction of the picture.
    max_roll, max_yaw: how far it may be turned either way, in degrees.
    min_sharpness: the least `recognize_cli.faces.sharpness.sharpness`.
    """

    min_score: float = 0.85
    min_size: float = 0.03
    max_roll: float = 30.0
    max_yaw: float = 50.0
    min_sharpness: float = 0.25

    def core(self, table: FaceTable) -> NDArray[np.bool_]:
        """Which faces of a table pass every gate: bool (n)."""
        failed = self._failed(table.scores, table.sizes, table.rolls, table.yaws, table.sharpness)
        return np.asarray(~np.any(list(failed.values()), axis=0))

    def flags(self, face: KnownFace) -> tuple[str, ...]:
        """What is wrong with one face: of "unsure", "small", "turned" and "blurred", in this order."""
        size = max(face.box.width, face.box.height)
        failed = self._failed(face.score, size, face.pose.roll, face.pose.yaw, face.sharpness)
        return tuple(name for name, fails in failed.items() if fails)

    def _failed(
        self, scores: ArrayLike, sizes: ArrayLike, rolls: ArrayLike, yaws: ArrayLike, sharpness: ArrayLike
    ) -> dict[str, NDArray[np.bool_]]:
        """Which faces fail which gate. What is not a number fails."""
        upright = np.abs(rolls) <= self.max_roll
        facing = np.abs(yaws) <= self.max_yaw
        return {
            "unsure": ~(np.asarray(scores) >= self.min_score),
            "small": ~(np.asarray(sizes) >= self.min_size),
            "turned": ~(upright & facing),
            "blurred": ~(np.asarray(sharpness) >= self.min_sharpness),
        }
