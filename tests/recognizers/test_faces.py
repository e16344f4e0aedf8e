from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.errors import EngineError
from recognize_cli.recognizers.faces import FacesRecognizer
from recognize_cli.records import Batch, Box, Decoded, Detection, Kind, Pose
from tests.support.records import media_file

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OneFace:
    """Finds one face whose score is the first pixel, and none in a black picture."""

    def __init__(self) -> None:
        self.closed = False

    def analyse(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        value = int(pixels[0, 0, 0])
        if value == 13:
            raise EngineError(engine="made", problem="unlucky")
        vector = np.full(4, value, np.float32)
        face = Detection(Box(0, 0, 1, 1), value / 255, ((0.5, 0.5),) * 5, Pose(0, 0, 0), 0.5, vector)
        return (face,) if value else ()

    def close(self) -> None:
        self.closed = True


class Opener:
    """Opens a model, and counts how often."""

    def __init__(self) -> None:
        self.opened: list[OneFace] = []

    def __call__(self) -> OneFace:
        time.sleep(0.05)  # so that others ask meanwhile
        self.opened.append(OneFace())
        return self.opened[-1]


def picture(value: int, name: str = "a.jpg") -> Decoded:
    return Decoded(media_file(name), {None: np.full((8, 8, 3), value, np.uint8)})


def test_each_photo_gets_its_faces_and_no_class() -> None:
    recognizer = FacesRecognizer(Opener(), model="m")
    recognizer.load()
    inputs = (picture(255, "a.jpg"), picture(0, "b.jpg"), picture(51, "c.jpg"))
    results = recognizer.run(Batch("faces", inputs))
    assert [each.file.path for each in results] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [[face.score for face in each.faces or ()] for each in results] == [[1.0], [], [0.2]]
    for each in results:
        assert each.faces is not None  # it was looked for them, even where there are none
        assert each.top == ()
        assert (each.recognizer, each.model) == ("faces", recognizer.fingerprint)


def test_it_takes_whole_images() -> None:
    recognizer = FacesRecognizer(Opener(), model="m")
    assert (recognizer.name, recognizer.kinds, recognizer.view) == ("faces", {Kind.IMAGE}, None)


def test_another_model_has_another_fingerprint() -> None:
    first, second = (FacesRecognizer(Opener(), model=model).fingerprint for model in ("one", "two"))
    assert first != second
    assert first.startswith("one.")


def test_the_model_is_opened_once_whoever_asks_first_and_closed() -> None:
    opener = Opener()
    recognizer = FacesRecognizer(opener, model="m")
    assert not opener.opened
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            pool.submit(recognizer.load)
    (model,) = opener.opened
    recognizer.close()
    recognizer.close()
    assert model.closed
    recognizer.load()
    assert len(opener.opened) == 2


def test_to_run_before_loading_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="load"):
        FacesRecognizer(Opener(), model="m").run(Batch("faces", (picture(1),)))


def test_what_the_model_raises_is_passed_on() -> None:
    recognizer = FacesRecognizer(Opener(), model="m")
    recognizer.load()
    with pytest.raises(EngineError, match="unlucky"):
        recognizer.run(Batch("faces", (picture(13),)))
