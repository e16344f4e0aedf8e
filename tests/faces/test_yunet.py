"""YuNet's grids to boxes, and back: what was put in a picture is found where it was put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.faces.yunet import YuNet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_STRIDES = (8, 16, 32)


class Grids:
    """A session that has seen these faces: boxes by their edges, in pixels of its input."""

    inputs = ("input",)
    outputs = tuple(f"{name}_{stride}" for name in ("cls", "obj", "bbox") for stride in _STRIDES)

    def __init__(self, boxes: NDArray[np.float64], scores: list[float]) -> None:
        self.boxes, self.scores = boxes, scores
        self.seen: NDArray[np.float32] | None = None

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs of a network that is sure of nothing else."""
        self.seen = feeds["input"]
        height, width = self.seen.shape[2:]
        outputs = {}
        for stride in _STRIDES:
            cells = (height // stride) * (width // stride)
            for name, count in {"cls": 1, "obj": 1, "bbox": 4}.items():
                outputs[f"{name}_{stride}"] = np.zeros((1, cells, count), np.float32)
        for number, box in enumerate(self.boxes):
            self._put(outputs, _STRIDES[number % 3], box, self.scores[number])
        return outputs

    def _put(
        self, outputs: dict[str, NDArray[Any]], stride: int, box: NDArray[np.float64], score: float
    ) -> None:
        assert self.seen is not None
        columns = self.seen.shape[3] // stride
        centre = (box[:2] + box[2:]) / 2
        cell = np.floor(centre / stride)
        at = int(cell[1]) * columns + int(cell[0])
        outputs[f"cls_{stride}"][0, at] = score
        outputs[f"obj_{stride}"][0, at] = score
        outputs[f"bbox_{stride}"][0, at, :2] = centre / stride - cell
        outputs[f"bbox_{stride}"][0, at, 2:] = np.log((box[2:] - box[:2]) / stride)

    def close(self) -> None: ...


def test_faces_are_found_where_they_are() -> None:
    boxes = np.array([[10.0, 20, 50, 70], [200, 40, 260, 130], [100, 100, 140, 150]])
    found = YuNet(Grids(boxes, [0.7, 0.9, 0.8])).find(np.zeros((200, 300, 3), np.uint8))
    order = [1, 2, 0]
    assert found.boxes == pytest.approx(boxes[order], abs=1e-3)
    assert found.scores == pytest.approx([0.9, 0.8, 0.7])


def test_a_large_picture_is_shrunk_and_its_faces_are_given_in_its_own_pixels() -> None:
    session = Grids(np.array([[64.0, 64, 128, 160]]), [0.9])
    found = YuNet(session).find(np.zeros((960, 1280, 3), np.uint8))
    assert session.seen is not None
    assert session.seen.shape == (1, 3, 480, 640)
    assert found.boxes == pytest.approx(np.array([[128.0, 128, 256, 320]]), abs=1e-2)


@given(st.integers(1, 700), st.integers(1, 700))
def test_any_size_is_taken_as_blue_green_red_in_whole_cells(width: int, height: int) -> None:
    session = Grids(np.zeros((0, 4)), [])
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = (10, 20, 30)
    found = YuNet(session).find(pixels)
    assert len(found.boxes) == len(found.scores) == 0
    seen = session.seen
    assert seen is not None
    assert seen.shape[2] % 32 == seen.shape[3] % 32 == 0
    assert max(seen.shape[2:]) <= 640
    assert seen[0, :, 0, 0].tolist() == [30, 20, 10]


def test_of_faces_that_overlap_only_the_surest_stays() -> None:
    boxes = np.array([[10.0, 10, 60, 60], [12, 12, 62, 62]])
    found = YuNet(Grids(boxes, [0.8, 0.9])).find(np.zeros((96, 96, 3), np.uint8))
    assert found.boxes == pytest.approx(boxes[[1]], abs=1e-3)


def test_what_is_unsure_is_no_face() -> None:
    session = Grids(np.array([[10.0, 10, 60, 60]]), [0.6])
    assert len(YuNet(session, min_score=0.7).find(np.zeros((96, 96, 3), np.uint8)).scores) == 0
