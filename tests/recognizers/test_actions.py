"""What becomes of the probabilities of a video's clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.errors import EngineError
from recognize_cli.recognizers.actions import TOP, ActionsRecognizer, combined
from recognize_cli.records import Batch, Clips, Decoded, Kind, View
from tests.support.records import media_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

VIEW = View(4, None, "bilinear", Clips(8, 5, 2.0))
LABELS = [f"action {number}" for number in range(20)]


class Colours:
    """A model whose probability of an action is how many pixels of a clip have its number."""

    def __init__(self) -> None:
        self.closed = 0

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        counts = [np.bincount(clip.ravel(), minlength=len(LABELS)) / clip.size for clip in clips]
        return np.asarray(counts, np.float32)

    def close(self) -> None:
        self.closed += 1


def recognizer(model: Colours | None = None) -> ActionsRecognizer:
    made = ActionsRecognizer(VIEW, LABELS, lambda: model or Colours(), model="made")
    made.load()
    return made


def video(*actions: int, frames: int = 5, name: str = "a.mp4") -> Decoded:
    """A clip for each action, all of it in that colour."""
    clips = np.stack([np.full((frames, 4, 4, 3), action, np.uint8) for action in actions])
    return Decoded(media_file(name, kind=Kind.VIDEO), {VIEW: clips})


def still() -> Decoded:
    return Decoded(media_file("a.gif"), {None: np.zeros((9, 9, 3), np.uint8)})


def test_a_video_gets_its_actions() -> None:
    [one, other] = recognizer().run(Batch("actions", (video(3), video(7, frames=1))))
    assert [(scores.top[0].name, scores.top[0].score) for scores in (one, other)] == [
        ("action 3", 1.0),
        ("action 7", 1.0),
    ]
    assert {len(scores.top) for scores in (one, other)} == {TOP}
    assert (one.recognizer, one.model) == ("actions", "made.1")
    assert (one.top[0].id, one.faces) == (None, None)


def test_what_stands_still_has_no_actions() -> None:
    [before, nothing, after] = recognizer().run(Batch("actions", (video(1), still(), video(2))))
    assert nothing.top == ()
    assert [scores.top[0].name for scores in (before, after)] == ["action 1", "action 2"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.9, 0.1]], [0.9, 0.1]),  # one clip decides
        ([[0.9, 0.1], [0.3, 0.7]], [0.6, 0.4]),
        ([[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8]], [0.6, 0.85]),  # the two best of each action
        ([[1, 0], *[[0, 1]] * 7], [0.5, 1]),  # seen in one clip of a film
    ],
)
def test_the_two_clips_that_show_an_action_best_decide(
    rows: list[list[float]], expected: list[float]
) -> None:
    np.testing.assert_allclose(combined(np.asarray(rows, np.float32)), expected, rtol=1e-6)
    np.testing.assert_allclose(combined(np.asarray(rows[::-1], np.float32)), expected, rtol=1e-6)


def test_a_film_shows_all_its_actions() -> None:
    [scores] = recognizer().run(Batch("actions", (video(1, 1, 2, 2, 3, 4, 5, 6),)))
    assert [(top.name, top.score) for top in scores.top[:4]] == [
        ("action 1", 1.0),
        ("action 2", 1.0),
        ("action 3", 0.5),
        ("action 4", 0.5),
    ]


def test_a_model_with_other_actions_is_a_failure() -> None:
    made = ActionsRecognizer(VIEW, LABELS[:3], Colours, model="made")
    made.load()
    with pytest.raises(EngineError, match=r"gave scores \(1, 20\) for 1 clips, 3 actions"):
        made.run(Batch("actions", (video(1),)))


def test_it_must_be_loaded_and_can_be_closed_and_loaded_again() -> None:
    model = Colours()
    made = ActionsRecognizer(VIEW, LABELS, lambda: model, model="made")
    made.close()
    with pytest.raises(RuntimeError):
        made.run(Batch("actions", (video(1),)))
    made.load()
    made.close()
    assert model.closed == 1
    made.load()
    assert made.run(Batch("actions", (video(1),)))
