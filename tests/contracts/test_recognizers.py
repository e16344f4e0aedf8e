"""What every recognizer promises: the real ones with their real models, and the fake of other tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from recognize_cli.cli.building import build
from recognize_cli.models.fetch import fetch
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import NOTHING, Batch, Decoded, Kind, Position
from tests.support.landmarks import small_repository
from tests.support.photos import ASTRONAUT, CAT, COFFEE
from tests.support.recognizers import Shades
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Scores


def decoded(photo: Path) -> Decoded:
    with Image.open(photo) as image:
        return Decoded(media_file(photo.name), {None: np.asarray(image.convert("RGB"))})


def noise(patches: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.1, (patches, 48_000)).astype(np.float32)


def chord(patches: int) -> NDArray[np.float32]:
    moments = np.arange(patches * 48_000) / 16_000
    tones = [np.sin(2 * np.pi * hertz * moments) for hertz in (220, 277, 330)]
    return (np.mean(tones, axis=0) / 2).astype(np.float32).reshape(patches, 48_000)


def seen(scores: Scores) -> tuple[object, ...]:
    if scores.faces is None:
        return tuple(top.name for top in scores.top)
    return tuple(face.box for face in scores.faces)


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelEntry, Store]:
    """Landmark models with made weights, and where they are installed."""
    folder = tmp_path_factory.mktemp("landmarks")
    repository = small_repository(folder / "repository")
    (folder / "models.lock").write_text(repository.lock())
    entry, store = load_lock(folder / "models.lock").entry("landmarks"), Store(folder / "store")
    fetch(entry, store, directory=repository.folder)
    return entry, store


class RecognizerContract:
    """Subclasses give the fixture `recognizer`."""

    @pytest.fixture
    def inputs(self) -> tuple[Decoded, Decoded]:
        return decoded(CAT), decoded(COFFEE)

    @pytest.fixture
    def shapes(self) -> list[Decoded]:
        """Inputs as small and as long as they come."""
        sides = ((1, 1), (1, 1024), (1024, 1), (3, 2), (292, 293))
        arrays = [np.full((height, width, 3), 99, np.uint8) for height, width in sides]
        return [Decoded(media_file(), {None: array}) for array in arrays]

    def run(self, recognizer: Recognizer, *inputs: Decoded) -> list[tuple[object, ...]]:
        """The classes that it sees in each input, or the boxes of the faces."""
        recognizer.load()
        return [seen(scores) for scores in recognizer.run(Batch(recognizer.name, inputs))]

    def test_scores_are_in_the_order_of_the_inputs(
        self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]
    ) -> None:
        recognizer.load()
        results = recognizer.run(Batch(recognizer.name, inputs))
        assert [each.file for each in results] == [each.file for each in inputs]
        for each in results:
            assert each.recognizer == recognizer.name
            assert each.model == recognizer.fingerprint
            probabilities = [top.score for top in each.top]
            assert probabilities == sorted(probabilities, reverse=True)
            assert all(0 <= probability <= 1 for probability in probabilities)

    def test_a_batch_gives_what_single_inputs_give(
        self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]
    ) -> None:
        first, second = inputs
        together = self.run(recognizer, first, second, first)
        alone = [*self.run(recognizer, first), *self.run(recognizer, second)]
        assert [names[:3] for names in together] == [names[:3] for names in (alone[0], alone[1], alone[0])]

    def test_threads_do_not_disturb_each_other(
        self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]
    ) -> None:
        expected = [self.run(recognizer, photo) for photo in inputs]
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda index: self.run(recognizer, inputs[index % 2]), range(16)))
        assert results == [expected[index % 2] for index in range(16)]

    def test_loading_twice_is_loading_once(
        self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]
    ) -> None:
        recognizer.load()
        recognizer.load()
        assert len(self.run(recognizer, inputs[0])) == 1

    def test_the_size_it_needs_is_one_that_decoders_can_give(self, recognizer: Recognizer) -> None:
        if recognizer.view is not None:
            assert 1 <= recognizer.view.size <= recognizer.view.min_side <= 1024

    def test_any_shape_that_a_decoder_gives_is_taken(
        self, recognizer: Recognizer, shapes: list[Decoded]
    ) -> None:
        recognizer.load()
        for shape in shapes:
            (result,) = recognizer.run(Batch(recognizer.name, (shape,)))
            assert result.top or result.faces is not None


class TestShades(RecognizerContract):
    @pytest.fixture
    def recognizer(self) -> Recognizer:
        return Shades()


@pytest.mark.model
class TestObjects(RecognizerContract):
    @pytest.fixture
    def recognizer(self, model_store: Path) -> Iterator[Recognizer]:
        (entry,) = (each for each in load_lock().defaults() if each.recognizer == "objects")
        recognizer = build(entry.recognizer, entry, Store(model_store))
        yield recognizer
        recognizer.close()


@pytest.mark.model
class TestFaces(RecognizerContract):
    @pytest.fixture
    def inputs(self) -> tuple[Decoded, Decoded]:
        return decoded(ASTRONAUT), decoded(COFFEE)

    @pytest.fixture
    def recognizer(self, model_store: Path) -> Iterator[Recognizer]:
        (entry,) = (each for each in load_lock().defaults() if each.recognizer == "faces")
        recognizer = build(entry.recognizer, entry, Store(model_store))
        yield recognizer
        recognizer.close()

    def test_a_face_is_seen_where_there_is_one(
        self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]
    ) -> None:
        face, coffee = self.run(recognizer, *inputs)
        assert (len(face), len(coffee)) == (1, 0)


@pytest.mark.model
class TestMusic(RecognizerContract):
    @pytest.fixture
    def inputs(self) -> tuple[Decoded, Decoded]:
        return (
            Decoded(media_file("noise.flac", kind=Kind.AUDIO), {None: noise(5)}),
            Decoded(media_file("chord.flac", kind=Kind.AUDIO), {None: chord(3)}),
        )

    @pytest.fixture
    def shapes(self) -> list[Decoded]:
        file = media_file("a.flac", kind=Kind.AUDIO)
        return [Decoded(file, {None: patches}) for patches in (chord(1), noise(40), np.zeros_like(chord(2)))]

    @pytest.fixture
    def recognizer(self, model_store: Path) -> Iterator[Recognizer]:
        (entry,) = (each for each in load_lock().defaults() if each.recognizer == "music")
        recognizer = build(entry.recognizer, entry, Store(model_store))
        yield recognizer
        recognizer.close()


class TestLandmarks(RecognizerContract):
    """With made weights, so that it needs no network."""

    @pytest.fixture
    def recognizer(self, landmarks: tuple[ModelEntry, Store]) -> Iterator[Recognizer]:
        entry, store = landmarks
        recognizer = build(entry.recognizer, entry, store)
        yield recognizer
        recognizer.close()

    def test_it_can_be_loaded_again(self, recognizer: Recognizer, inputs: tuple[Decoded, Decoded]) -> None:
        before = self.run(recognizer, *inputs)
        recognizer.close()
        assert self.run(recognizer, *inputs) == before
        assert before[0][0] == "Chelsea"


class TestPlaces(RecognizerContract):
    @pytest.fixture
    def inputs(self) -> tuple[Decoded, Decoded]:
        return (
            Decoded(media_file("gate.jpg"), {}, position=Position(52.5163, 13.3777)),
            Decoded(media_file("opera.jpg"), {}, position=Position(-33.8568, 151.2153)),
        )

    @pytest.fixture
    def recognizer(self) -> Iterator[Recognizer]:
        recognizer = build("places", None, Store())
        yield recognizer
        recognizer.close()

    def test_the_size_it_needs_is_one_that_decoders_can_give(self, recognizer: Recognizer) -> None:
        assert recognizer.view == NOTHING

    def test_any_shape_that_a_decoder_gives_is_taken(
        self, recognizer: Recognizer, shapes: list[Decoded]
    ) -> None:
        """And tells nothing of where it was taken."""
        assert self.run(recognizer, *shapes) == [()] * len(shapes)


def moving(speed: int, frames: int, clips: int = 1) -> NDArray[np.uint8]:
    """Stripes that move to the right, so many pixels a frame."""
    time, column = np.ogrid[:frames, :172]
    stripes = 127.5 + 127.5 * np.sin((column - speed * time) / 9)
    frame = np.broadcast_to(stripes[:, None, :, None], (frames, 172, 172, 3))
    return np.stack([frame.astype(np.uint8)] * clips)


@pytest.mark.model
class TestActions(RecognizerContract):
    @pytest.fixture
    def recognizer(self, model_store: Path) -> Iterator[Recognizer]:
        (entry,) = (each for each in load_lock().defaults() if each.recognizer == "actions")
        if not Store(model_store).installed(entry):
            pytest.skip("needs ../shared: no package registry has the model")
        recognizer = build(entry.recognizer, entry, Store(model_store))
        yield recognizer
        recognizer.close()

    @pytest.fixture
    def inputs(self, recognizer: Recognizer) -> tuple[Decoded, Decoded]:
        file = media_file("a.mp4", kind=Kind.VIDEO)
        slow, fast = moving(3, 12), moving(40, 12, clips=2)
        return Decoded(file, {recognizer.view: slow}), Decoded(file, {recognizer.view: fast})

    @pytest.fixture
    def shapes(self, recognizer: Recognizer) -> list[Decoded]:
        """A clip is as short as one frame, and there are as many as the view says."""
        file = media_file("a.mp4", kind=Kind.VIDEO)
        arrays = (moving(1, 1), moving(1, 2), moving(9, 30, clips=2), np.zeros_like(moving(1, 3)))
        return [Decoded(file, {recognizer.view: array}) for array in arrays]

    def test_a_picture_that_stands_still_has_no_actions(self, recognizer: Recognizer) -> None:
        assert self.run(recognizer, decoded(CAT)) == [()]
