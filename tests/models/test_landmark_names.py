"""The names of landmarks in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.models.landmark_names import LandmarkNames

if TYPE_CHECKING:
    from pathlib import Path


def test_names_are_read_as_they_were_written(tmp_path: Path) -> None:
    names = LandmarkNames.of({"asia": ["Ä", None, "ශ්\u200dරී"], "europe": ["Z", "Ä"]})
    names.write(tmp_path / "labels.json")
    read = LandmarkNames.read(tmp_path / "labels.json")
    assert read.names == names.names == ["Z", "Ä", "ශ්\u200dරී"]
    assert {key: each.tolist() for key, each in read.numbers.items()} == {
        "asia": [1, -1, 2],
        "europe": [0, 1],
    }
    assert all(each.dtype == np.int32 for each in read.numbers.values())
