"""The names of landmarks as they are stored beside the graphs: each name once, and of each class its number.

Several classes bear one name, so half a million classes take little memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

NAMELESS = -1
"""The number of a class without a name."""


@dataclass(frozen=True, slots=True)
class LandmarkNames:
    """All names, and by continent the number of the name of each class (int32, `NAMELESS` for none)."""

    names: Sequence[str]
    numbers: Mapping[str, NDArray[np.int32]]

    @classmethod
    def of(cls, classes: Mapping[str, Sequence[str | None]]) -> Self:
        """From the name of each class, by continent; None for a class without a name."""
        names = sorted({name for each in classes.values() for name in each if name is not None})
        number: dict[str | None, int] = {name: index for index, name in enumerate(names)}
        number[None] = NAMELESS
        return cls(
            names,
            {
                continent: np.array([number[name] for name in each], np.int32)
                for continent, each in classes.items()
            },
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote, which the store has verified; raises OSError."""
        content = json.loads(path.read_bytes())
        numbers = {key: np.array(each, np.int32) for key, each in content["numbers"].items()}
        return cls(content["names"], numbers)

    def write(self, path: Path) -> None:
        """Writes a JSON file; the same names give the same bytes. Raises OSError."""
        numbers = {continent: each.tolist() for continent, each in self.numbers.items()}
        content = {"names": list(self.names), "numbers": numbers}
        path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), "utf-8")
