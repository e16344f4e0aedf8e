"""What is made of clips for MoViNet base, and of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.actions.movinet_base import MovinetBase
from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class Answering:
    """A session that gives these logits, one row a call, and remembers what it was given."""

    inputs, outputs = ("image",), ("classifier_head",)

    def __init__(self, *rows: NDArray[Any]) -> None:
        self._rows = list(rows)
        self.seen: list[NDArray[Any]] = []
        self.closed = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.seen.append(feeds["image"])
        return {"classifier_head": self._rows.pop(0)}

    def close(self) -> None:
        self.closed = True


def row(*logits: float) -> NDArray[np.float32]:
    return np.array([logits], np.float32)


def test_clips_are_given_one_by_one_from_0_to_1() -> None:
    session = Answering(row(0, 0), row(0, 0))
    clips = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 4, 3), np.uint8)
    clips[0, 0, 0, 0] = 0, 128, 255
    MovinetBase(session, 5).classify(clips)
    assert [(each.shape, each.dtype) for each in session.seen] == [((1, 5, 4, 4, 3), np.float32)] * 2
    assert np.allclose(np.concatenate(session.seen), clips / 255)
    assert session.seen[0][0, 0, 0, 0].tolist() == pytest.approx([0, 128 / 255, 1])


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_clips_that_are_too_short_are_played_again(frames: int) -> None:
    session = Answering(row(0, 0))
    clips = np.arange(frames, dtype=np.uint8).reshape(1, frames, 1, 1, 1).repeat(3, 4)
    MovinetBase(session, 7).classify(clips)
    seen = np.rint(session.seen[0][0, :, 0, 0, 0] * 255).astype(int)
    assert seen.tolist() == [number % frames for number in range(7)]


def test_probabilities_are_the_softmax_of_each_row() -> None:
    session = Answering(row(1, 2, 3), row(1000, 0, -1000))
    found = MovinetBase(session, 1).classify(np.zeros((2, 1, 4, 4, 3), np.uint8))
    assert found.dtype == np.float32
    assert np.allclose(found, [[0.09003057, 0.24472847, 0.66524096], [1, 0, 0]])


@pytest.mark.parametrize(
    "answer", [row(0, np.nan), row(np.inf, 0), np.zeros((2, 2), np.float32), np.zeros(2, np.float32)]
)
def test_what_is_no_row_of_scores_is_an_error(answer: NDArray[Any]) -> None:
    with pytest.raises(EngineError, match="no scores came out"):
        MovinetBase(Answering(answer), 3).classify(np.zeros((1, 3, 4, 4, 3), np.uint8))


def test_it_closes_its_session() -> None:
    session = Answering()
    MovinetBase(session, 3).close()
    assert session.closed
