"""The full-size model for actions, from `recognize models fetch` to tags: a SavedModel with made weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from recognize_cli.models.convert import SAVED_MODEL_FILES
from recognize_cli.models.entries import Algorithm, GitSource
from recognize_cli.models.lockfile import load_lock
from tests.models.making import locked
from tests.models.web import Server, resuming
from tests.support.command import Recognize
from tests.support.saved_models import COLOURS, make_saved_model, needs_tensorflow

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_tensorflow

NAME = "movinet-a3"
COLOURS_OF = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}
CLASSES = {"red": "abseiling", "green": "acting in play", "blue": "adjusting glasses"}
OPTIONS = ("-r", "actions", "--no-video-objects", "--no-catalogue", "--offline")
TAGS = {"red": "Climbing", "green": "Theater"}


def film(path: Path, colour: tuple[int, int, int], seconds: int) -> None:
    """A video of one colour with some noise, five frames a second."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=5, width=96, height=64, pix_fmt="yuv420p")
        for _ in range(5 * seconds):
            picture = np.clip(np.array(colour) + rng.normal(0, 8, (64, 96, 3)), 0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode(None))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, seconds in {"red": 1, "green": 4, "blue": 60}.items():
        film(folder / f"{name}.mp4", COLOURS_OF[name], seconds)
    return folder


def publish(saved: Path, server: Server, lock: Path) -> None:
    """Serves a SavedModel from where the shipped lock file has it, and writes a lock file of its bytes."""
    entry = load_lock().entry(NAME)
    [source] = entry.sources
    assert isinstance(source, GitSource)
    contents = {path: (saved / path).read_bytes() for path in SAVED_MODEL_FILES}
    for path, data in contents.items():
        server.answers[f"/{source.repository}/{source.commit}/{source.root}/{path}"] = [resuming(data)]
    files = []
    for file in entry.files:
        made = locked(file.path, contents[file.path], Algorithm.GIT)
        size = f"<={file.size}" if file.at_most else made.size
        files.append(f"git:{made.digest} {size} {file.path}")
    text = Path(load_lock().path).read_text("utf-8")
    model = next(part for part in text.split("[[model]]") if f'name = "{NAME}"' in part)
    before, _, after = model.partition("files = [")
    lock.write_text(f"schema = 1\n[[model]]{before}files = {json.dumps(files)}{after.partition(']')[2]}")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recognize]:
    """A user who has fetched the model, with a lock file that names it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "home").mkdir()
    with Server() as server:
        publish(make_saved_model(folder / "saved", COLOURS), server, folder / "my.lock")
        variables = {"RECOGNIZE_GIT_MIRROR": server.url, "RECOGNIZE_LOCK": str(folder / "my.lock")}
        recognize = Recognize(folder / "home", folder / "store", variables)
        fetched = recognize("models", "fetch", NAME)
        assert fetched.code == 0, fetched.stderr
        assert [path.rpartition("/")[2] for path, _ in server.seen] == [
            path.rpartition("/")[2] for path in SAVED_MODEL_FILES
        ]
        yield recognize


def best(record: dict[str, Any]) -> tuple[str, float]:
    [(class_, score), *_] = record["scores"]["actions"]
    return class_, score


def test_from_the_network_to_tags(user: Recognize, videos: Path) -> None:
    ended = user("scan", videos, *OPTIONS, "--scores")
    assert ended.code == 0, ended.stderr
    assert "TF-" not in ended.stderr
    assert "tensorflow" not in ended.stderr.lower()
    for name, class_ in CLASSES.items():
        found, score = best(ended.files[f"{name}.mp4"])
        assert (found, score > 0.9) == (class_, True)
    for name, tag in TAGS.items():
        found_tags = {each["name"]: each["class"] for each in ended.files[f"{name}.mp4"]["tags"]}
        assert found_tags[tag] == CLASSES[name]


def test_it_is_verified_and_told_of(user: Recognize) -> None:
    assert user("models", "verify", NAME).code == 0
    listed = user("models", "list").stdout.decode()
    assert f"{NAME}  actions     native  <= " in listed
    [check] = [
        check
        for check in json.loads(user("doctor", "--format", "json").stdout)["checks"]
        if check["name"] == "actions"
    ]
    assert check["found"].startswith(f"{NAME} (native, tensorflow): a full-size model is installed")
    assert check["found"].endswith("installed and verified")


def test_portable_does_without_it(user: Recognize, videos: Path) -> None:
    ended = user("scan", videos, *OPTIONS, "--backend", "portable")
    assert ended.code == 7
    assert "models.lock has no portable model for it" in ended.stderr
