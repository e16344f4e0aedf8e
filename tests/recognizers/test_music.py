"""What the model for music gets to hear, and what becomes of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.errors import EngineError
from recognize_cli.recognizers.music import FRAMES, TOP, MusicRecognizer, prepare
from recognize_cli.records import Batch, Decoded, Kind
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PATCH = 48_000
LABELS = [f"tag {number}" for number in range(50)]


class Loudness:
    """A session whose first probability is how full of sound a patch is, the second 0.1, all others 0."""

    inputs = ("mel",)
    outputs = ("probabilities",)

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.closed = 0

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        mel = feeds["mel"]
        assert mel.dtype == np.float32
        assert mel.shape[1:] == (FRAMES, 96)
        self.batches.append(len(mel))
        rows = np.zeros((len(mel), 50), np.float32)
        rows[:, 0] = mel.mean(axis=(1, 2))
        rows[:, 1] = 0.1
        return {"probabilities": rows}

    def close(self) -> None:
        self.closed += 1


def recognizer(session: Loudness | None = None) -> MusicRecognizer:
    made = MusicRecognizer(LABELS, lambda: session or Loudness(), model="made")
    made.load()
    return made


def sound(*amplitudes: float, name: str = "a.mp3") -> Decoded:
    """Patches of one tone."""
    tone = np.sin(2 * np.pi * 440 * np.arange(PATCH) / 16_000)
    patches = np.stack([amplitude * tone for amplitude in amplitudes]).astype(np.float32)
    return Decoded(media_file(name, kind=Kind.AUDIO), {None: patches})


def test_patches_are_cut_as_in_the_original() -> None:
    """Its batch_data: the spectrogram of all sound, then so many frames each, and the rest is dropped."""
    librosa = pytest.importorskip("librosa")
    patches = np.random.default_rng(0).normal(0, 0.1, (5, PATCH)).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=patches.ravel(), sr=16_000, hop_length=256, n_fft=512, n_mels=96
    ).T
    bels = np.log10(10_000 * power.astype(np.float16).astype(np.float32) + 1)
    expected = [bels[start : start + 187] for start in range(0, len(bels) - 187 + 1, 187)]
    difference = np.abs(prepare(patches) - np.stack(expected))
    assert difference.max() < 1e-3  # a step of float16
    assert (difference < 1e-5).mean() > 0.99  # which few values are so near to


@pytest.mark.parametrize("count", [1, 2, 40])
def test_there_are_as_many_patches_as_in_the_sound(count: int) -> None:
    prepared = prepare(np.zeros((count, PATCH), np.float32))
    assert prepared.shape == (count, FRAMES, 96)
    assert prepared.dtype == np.float32
    assert not prepared.any()


def test_a_loud_sound_overflows_nothing() -> None:
    assert prepare(sound(4.0).patches).max() > 7
    assert np.isfinite(prepare(sound(1e6).patches)).all()


def test_a_file_gets_the_means_over_its_patches() -> None:
    made = recognizer()
    [loud, quiet, both] = made.run(Batch("music", (sound(1), sound(0), sound(1, 1, 0, 0))))
    assert [top.name for top in loud.top[:2]] == ["tag 0", "tag 1"]
    assert [top.name for top in quiet.top[:2]] == ["tag 1", "tag 0"]
    assert both.top[0].score == pytest.approx(loud.top[0].score / 2, rel=0.02)
    assert {len(scores.top) for scores in (loud, quiet, both)} == {TOP}
    assert loud.top[0].id is None
    assert loud.faces is None


def test_a_long_file_goes_through_the_model_piece_by_piece() -> None:
    session = Loudness()
    recognizer(session).run(Batch("music", (sound(*[1] * 10),)))
    assert session.batches == [1] * 10


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_what_is_no_sound_is_a_failure_and_no_result(value: float) -> None:
    with pytest.raises(EngineError, match=r"no probabilities came out for a\.mp3"):
        recognizer().run(
            Batch("music", (Decoded(sound(1).file, {None: np.full((1, PATCH), value, np.float32)}),))
        )


def test_it_must_be_loaded_and_can_be_closed_and_loaded_again() -> None:
    session = Loudness()
    made = MusicRecognizer(LABELS, lambda: session, model="made")
    made.close()
    with pytest.raises(RuntimeError):
        made.run(Batch("music", (sound(1),)))
    made.load()
    made.close()
    assert session.closed == 1
    made.load()
    assert made.run(Batch("music", (sound(1),)))
