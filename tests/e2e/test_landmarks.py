"""From `recognize models fetch landmarks` to tags with made weights, and against TensorFlow.js on these."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.media.image import decode
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.models.convert.landmark_lists import read_list
from recognize_cli.recognizers.landmarks import LandmarksRecognizer
from recognize_cli.records import Kind
from tests.models.convert.tfjs import runtime
from tests.models.web import Server, whole
from tests.support.command import Ended, Recognize
from tests.support.landmarks import (
    CLASSES,
    COMMIT,
    LONG_NAME,
    REPOSITORY,
    UPSTREAM,
    Repository,
    real_repository,
    small_repository,
)
from tests.support.photos import ASTRONAUT, CAT, COFFEE, ROCKET, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "photos"


@dataclass(frozen=True)
class Home:
    """A user with a lock file of landmark models, which a mirror of git hosts serves."""

    recognize: Recognize
    repository: Repository
    lock: Path
    server: Server

    def fetch(self, *options: str | Path) -> Ended:
        return self.recognize("models", "fetch", "landmarks", "--lock", self.lock, *options)

    def scan(self, folder: Path, *options: str) -> Ended:
        return self.recognize(
            "scan", folder, "-r", "landmarks", "--scores", "--offline", "--lock", self.lock, *options
        )


def home_in(folder: Path, repository: Repository, server: Server) -> Home:
    (folder / "home").mkdir()
    lock = folder / "my.lock"
    lock.write_text(repository.lock())
    repository.serve(server)
    recognize = Recognize(folder / "home", folder / "store", {"RECOGNIZE_GIT_MIRROR": server.url})
    return Home(recognize, repository, lock, server)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return small_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def home(tmp_path: Path, repository: Repository) -> Iterator[Home]:
    with Server() as server:
        yield home_in(tmp_path, repository, server)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name, photo in {"cat": CAT, "coffee": COFFEE, "astronaut": ASTRONAUT}.items():
        put(photo, folder / f"{name}.png")
    put(ROCKET, folder / "rocket.jpg")
    return folder


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Path]:
    """A folder for much, which is gone at once."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def tags(record: dict[str, Any]) -> dict[str, tuple[float, str]]:
    assert {tag["recognizer"] for tag in record["tags"]} <= {"landmarks"}
    return {tag["name"]: (tag["score"], tag["class"]) for tag in record["tags"]}


def test_from_the_network_to_tags(home: Home, photos: Path) -> None:
    fetched = home.fetch()
    assert fetched.code == 0, fetched.stderr
    assert len(home.server.seen) == len(home.repository.files)
    ended = home.scan(photos)
    assert ended.code == 0, ended.stderr
    found = {path: tags(record) for path, record in ended.files.items()}
    cut = LONG_NAME.encode()[:63].decode()  # the next character takes two bytes
    assert found == {
        "cat.png": {"Chelsea": (1.0, "Chelsea"), "Landmark": (1.0, "Chelsea")},
        "coffee.png": {cut: (1.0, LONG_NAME), "Landmark": (1.0, LONG_NAME)},
        "astronaut.png": {},
        "rocket.jpg": {},  # its class has no name
    }


def test_from_a_folder(home: Home, photos: Path) -> None:
    fetched = home.fetch("--from", home.repository.folder)
    assert fetched.code == 0, fetched.stderr
    assert home.server.seen == []
    assert "Chelsea" in tags(home.scan(photos).files["cat.png"])
    verified = home.recognize("models", "verify", "landmarks", "--lock", home.lock)
    assert verified.code == 0, verified.stderr
    shown = home.recognize("models", "path", "landmarks", "--lock", home.lock).stdout.decode().splitlines()
    assert [Path(line).name for line in shown] == [*(f"{name}.onnx" for name in CLASSES), "labels.json"]


def test_damaged_names_are_noticed(home: Home, photos: Path) -> None:
    assert home.fetch("--from", home.repository.folder).code == 0
    [labels] = (home.recognize.home.parent / "store").rglob("labels.json")
    labels.write_bytes(labels.read_bytes().replace(b"Chelsea", b"Chelsee"))
    ended = home.scan(photos)
    assert ended.code == 6
    assert f"{labels}" in ended.stderr
    assert "recognize models fetch landmarks" in ended.stderr


def test_a_repository_that_lies_is_found_out(home: Home) -> None:
    path = "src/landmarks/asia.json"
    data = (home.repository.folder / path).read_bytes()
    home.server.answers[f"/{REPOSITORY}/{COMMIT}/{path}"] = [whole(data.replace(b"sight", b"night"))]
    fetched = home.fetch()
    assert fetched.code == 6
    assert "src/landmarks/asia.json" in fetched.stderr
    assert home.recognize("models", "path", "landmarks", "--lock", home.lock).code == 6


@pytest.mark.model
def test_the_scores_are_those_of_tensorflow_js(home: Home, photos: Path, tensorflow_js: Path) -> None:
    assert home.fetch("--from", home.repository.folder).code == 0
    assert largest_difference(home, photos, tensorflow_js) < 1e-4


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not UPSTREAM.is_dir(), reason="../shared is absent")
@pytest.mark.skipif(os.environ.get("RECOGNIZE_SLOW_TESTS") != "1", reason="RECOGNIZE_SLOW_TESTS is not 1")
def test_the_scores_of_the_real_topologies_on_a_hundred_photos(roomy: Path, tensorflow_js: Path) -> None:
    with Server() as server:
        home = home_in(roomy, real_repository(roomy / "repository"), server)
        fetched = home.fetch()
        assert fetched.code == 0, fetched.stderr
        assert largest_difference(home, PHOTOS, tensorflow_js) < 1e-4


def largest_difference(home: Home, photos: Path, tensorflow_js: Path) -> float:
    """Between the scores of a scan and those of TensorFlow.js for the same names and pixels, at the most."""
    ended = home.scan(photos, "--no-catalogue")
    assert ended.code == 0, ended.stderr
    pictures = {path: seen_by_the_scan(photos / path) for path in ended.files}
    expected = with_tensorflow_js(home.repository, np.stack(list(pictures.values())), tensorflow_js)
    found = []
    for record, best in zip(ended.files.values(), expected, strict=True):
        scores = record["scores"]["landmarks"]
        assert len(scores) == 10 or len(scores) == len(best)
        found += [abs(score - best[name]) for name, score in scores]
        assert scores[0][1] == pytest.approx(max(best.values()), abs=1e-4)
    log.info("%d photos: largest difference to TensorFlow.js %.1e", len(pictures), max(found))
    return max(found)


def seen_by_the_scan(photo: Path) -> NDArray[np.uint8]:
    view = LandmarksRecognizer.view
    raw = decode(DecodeJob(str(photo), Kind.IMAGE, (view,)), Limits()).arrays[view]
    return np.frombuffer(raw.data, np.uint8).reshape(raw.shape)


def with_tensorflow_js(
    repository: Repository, pictures: NDArray[np.uint8], tensorflow_js: Path
) -> list[dict[str, float]]:
    """The best score of each name, for each picture."""
    best: list[dict[str, float]] = [{} for _ in pictures]
    images = (pictures / 255).astype(np.float32)
    for continent in CLASSES:
        folder = repository.folder / "models" / f"landmarks_{continent}"
        [scores] = runtime.evaluate(tensorflow_js, folder, images)
        names = read_list(repository.folder / "src" / "landmarks" / f"{continent}.json", scores.shape[1])
        for known, row in zip(best, scores, strict=True):
            for name, score in zip(names, row, strict=True):
                if name is not None:
                    known[name] = max(float(score), known.get(name, 0.0))
    return best
