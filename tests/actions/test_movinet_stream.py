"""What MoViNet gets to see of a clip, and how well it knows the actions in real ones."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.actions.movinet_stream import FRAMES, MovinetStream
from recognize_cli.engines.onnx import OrtSession
from recognize_cli.errors import EngineError
from recognize_cli.labels import load_labels
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.media.video import decode
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.movinet_tflite import convert
from recognize_cli.models.entries import Video
from recognize_cli.models.lockfile import load_lock
from recognize_cli.recognizers.actions import combined
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHARED = Path(__file__).parents[3] / "shared"
VIDEOS = SHARED / "data" / "video"
MODEL = SHARED / "models" / "movinet-a0-stream" / "movinet_int8.tflite"
ICE = "carving_ice.mp4"


class Noting:
    """A session that notes what it sees; its probabilities are the brightness at the left, and the rest."""

    inputs = ("frames",)
    outputs = ("probabilities",)

    def __init__(self, factor: float = 1) -> None:
        self.clips: list[NDArray[np.uint8]] = []
        self.closed = 0
        self._factor = factor

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        clip = feeds["frames"]
        self.clips.append(clip)
        left = clip[:, :, 0].mean() / 255 * self._factor
        return {"probabilities": np.array([[left, 1 - left]], np.float32)}

    def close(self) -> None:
        self.closed += 1


def clips(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*shape, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("frames", "times"), [(1, FRAMES), (5, 3), (FRAMES - 1, 2), (FRAMES, 1), (FRAMES + 1, 1), (40, 1)]
)
def test_a_short_clip_is_played_again_and_each_also_mirrored(frames: int, times: int) -> None:
    session, given = Noting(), clips(1, frames)
    MovinetStream(session).classify(given)
    as_it_is, mirrored = session.clips
    np.testing.assert_array_equal(as_it_is, np.concatenate([given[0]] * times))
    np.testing.assert_array_equal(mirrored, as_it_is[:, :, ::-1])


def test_a_clip_gets_the_mean_of_both_views() -> None:
    clip = np.zeros((1, FRAMES, 4, 4, 3), np.uint8)
    clip[:, :, :, 0] = 255
    clip[:, :, :, -1] = 51
    np.testing.assert_allclose(MovinetStream(Noting()).classify(clip), [[0.6, 0.4]], atol=1e-6)


def test_clips_do_not_mix() -> None:
    given = clips(3, 20)
    together = MovinetStream(Noting()).classify(given)
    alone = [MovinetStream(Noting()).classify(each[None])[0] for each in given]
    np.testing.assert_array_equal(together, alone)
    assert together.dtype == np.float32


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_no_probabilities_are_a_failure(factor: float) -> None:
    with pytest.raises(EngineError, match="no probabilities came out"):
        MovinetStream(Noting(factor)).classify(clips(1, 3))


def test_it_is_closed_with_its_session() -> None:
    session = Noting()
    MovinetStream(session).close()
    assert session.closed == 1


@pytest.mark.shared
@pytest.mark.skipif(not (VIDEOS.exists() and MODEL.exists()), reason="../shared is not here")
def test_real_actions_are_known(tmp_path: Path) -> None:
    """Of 30 short clips the first class is right for 20, and one of the first five for 25."""
    convert({MODEL.name: MODEL}, tmp_path, side=172)
    model = MovinetStream(OrtSession(graph_file(tmp_path)))
    labels = [label.name for label in load_labels("kinetics600")]
    ranks: dict[str, int] = {}
    for row in csv.DictReader((VIDEOS / "labels.csv").read_text("utf-8").splitlines()):
        right = set(row["kinetics600_equivalents"].split("|")) - {""}
        if right:
            probabilities = combined(model.classify(seen_clips(VIDEOS / row["file"])))
            order = [labels[index] for index in (-probabilities).argsort()]
            ranks[row["file"]] = min(map(order.index, right))
            if row["file"] == ICE:
                assert probabilities[labels.index("carving ice")] > 0.95
    assert ranks.pop(ICE) == 0
    assert len(ranks) == 30
    assert sum(rank == 0 for rank in ranks.values()) >= 18
    assert sum(rank < 5 for rank in ranks.values()) >= 24


def seen_clips(path: Path) -> NDArray[np.uint8]:
    task = load_lock().entry("movinet-a0-stream").task
    assert isinstance(task, Video)
    raw = decode(DecodeJob(str(path), Kind.VIDEO, (task.view,)), Limits()).arrays[task.view]
    return np.frombuffer(raw.data, raw.dtype).reshape(raw.shape)
