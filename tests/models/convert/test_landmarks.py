"""Landmark classifiers of six continents: their graphs and the names of their classes."""

from __future__ import annotations

import json
import logging
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import CONTINENTS
from recognize_cli.models.convert.landmark_lists import read_list
from recognize_cli.models.convert.landmarks import convert
from recognize_cli.models.landmark_names import NAMELESS, LandmarkNames
from tests.models.convert.tfjs import runtime
from tests.models.convert.tfjs.evaluator import evaluate
from tests.models.convert.tfjs.made import Made
from tests.support.landmarks import (
    CLASSES,
    LONG_NAME,
    SIDE,
    UPSTREAM,
    Repository,
    real_repository,
    small_repository,
    view_of,
)
from tests.support.photos import ASTRONAUT, CAT, COFFEE, ROCKET

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)


def convert_all(repository: Repository, folder: Path) -> None:
    folder.mkdir()
    convert({path: repository.folder / path for path in repository.files}, folder, side=None)


def scores(graph: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    [output] = session.run(None, {"pixels": pictures})
    return np.asarray(output)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return small_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def converted(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted") / "model"
    convert_all(repository, folder)
    return folder


@pytest.fixture
def own(repository: Repository, tmp_path: Path) -> Repository:
    """A copy to damage."""
    return Repository(shutil.copytree(repository.folder, tmp_path / "own"))


@pytest.fixture(scope="module")
def photos() -> NDArray[np.uint8]:
    return np.stack([view_of(photo) for photo in (CAT, COFFEE, ROCKET, ASTRONAUT)])


def test_a_graph_a_continent_and_all_names(converted: Path) -> None:
    assert {path.name for path in converted.iterdir()} == {
        "labels.json",
        *(f"{name}.onnx" for name in CONTINENTS),
    }
    for continent, classes in CLASSES.items():
        model = onnx.load(converted / f"{continent}.onnx")
        onnx.checker.check_model(model, full_check=True)
        shapes = [
            [axis.dim_param or axis.dim_value for axis in port.type.tensor_type.shape.dim]
            for port in (*model.graph.input, *model.graph.output)
        ]
        assert shapes[0] == ["batch", SIDE, SIDE, 3]
        assert shapes[1][1:] == [classes]


def test_pixels_are_divided_by_255_within_the_graph(
    repository: Repository, converted: Path, photos: NDArray[np.uint8]
) -> None:
    for continent in CONTINENTS:
        folder = repository.folder / "models" / f"landmarks_{continent}"
        model = json.loads((folder / "model.json").read_text())
        [expected] = evaluate(model, weights_in(folder, model), {"images": photos / 255})
        assert np.abs(expected[0] - expected[1]).max() > 0.1
        np.testing.assert_allclose(scores(converted / f"{continent}.onnx", photos), expected, atol=1e-5)


def weights_in(folder: Path, model: dict[str, Any]) -> dict[str, NDArray[Any]]:
    [group] = model["weightsManifest"]
    content = b"".join((folder / path).read_bytes() for path in group["paths"])
    weights, offset = {}, 0
    for entry in group["weights"]:
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(content, entry["dtype"], count, offset)
        weights[entry["name"]] = values.reshape(entry["shape"])
        offset += values.nbytes
    return weights


@pytest.mark.model
def test_the_outputs_are_those_of_tensorflow_js(
    repository: Repository, converted: Path, photos: NDArray[np.uint8], tensorflow_js: Path
) -> None:
    assert differences(repository, converted, photos, tensorflow_js) < 1e-5


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not UPSTREAM.is_dir(), reason="../shared is absent")
@pytest.mark.skipif(os.environ.get("RECOGNIZE_SLOW_TESTS") != "1", reason="RECOGNIZE_SLOW_TESTS is not 1")
def test_the_outputs_of_the_real_topologies_are_those_of_tensorflow_js(
    tmp_path: Path, photos: NDArray[np.uint8], tensorflow_js: Path
) -> None:
    try:
        real = real_repository(tmp_path / "repository")
        convert_all(real, tmp_path / "model")
        assert differences(real, tmp_path / "model", photos, tensorflow_js) < 1e-4
    finally:
        shutil.rmtree(tmp_path)  # half a gigabyte


def differences(
    repository: Repository, converted: Path, photos: NDArray[np.uint8], tensorflow_js: Path
) -> float:
    """The largest one of all classes of all continents on all photos."""
    found = []
    for continent in CONTINENTS:
        folder = repository.folder / "models" / f"landmarks_{continent}"
        [expected] = runtime.evaluate(tensorflow_js, folder, (photos / 255).astype(np.float32))
        assert np.abs(expected[0] - expected[1]).max() > 0.1
        found.append(float(np.abs(scores(converted / f"{continent}.onnx", photos) - expected).max()))
        log.info("%s: largest difference to TensorFlow.js %.1e", continent, found[-1])
    return max(found)


def test_names_are_kept_once_and_cleaned(converted: Path) -> None:
    names = LandmarkNames.read(converted / "labels.json")
    assert {continent: len(numbers) for continent, numbers in names.numbers.items()} == CLASSES
    assert len(set(names.names)) == len(names.names)

    def name(continent: str, index: int) -> str | None:
        number = names.numbers[continent][index]
        return None if number == NAMELESS else names.names[number]

    assert [name("europe", index) for index in (0, 1, 3, 9)] == [
        "europe sight 0",
        "europe sight 0",
        "Chelsea",
        "Chelsea",
    ]
    assert [name("asia", index) for index in (5, 6)] == [LONG_NAME, None]


def test_the_same_files_give_the_same_bytes(repository: Repository, converted: Path, tmp_path: Path) -> None:
    convert_all(repository, tmp_path / "again")
    for path in converted.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", ["models/landmarks_asia/model.json", "src/landmarks/asia.json"])
def test_a_file_that_the_lock_does_not_have(own: Repository, tmp_path: Path, path: str) -> None:
    (own.folder / path).unlink()
    with pytest.raises(ConversionFailed, match=f"no {path} is among their files"):
        convert_all(own, tmp_path / "out")


def network(own: Repository, made: Made, *outputs: str) -> None:
    made.save(own.folder / "models" / "landmarks_africa", *outputs)


def test_a_network_with_two_outputs(own: Repository, tmp_path: Path) -> None:
    made = Made()
    image = made.placeholder((-1, SIDE, SIDE, 3))
    network(own, made, made.add("Relu", image), made.add("Abs", image))
    with pytest.raises(ConversionFailed, match="one input and one output"):
        convert_all(own, tmp_path / "out")


@pytest.mark.parametrize("shape", [(-1, 320, 320, 3), (-1, SIDE, SIDE, 1), (-1, SIDE, SIDE)])
def test_a_network_for_other_pictures(own: Repository, tmp_path: Path, shape: tuple[int, ...]) -> None:
    made = Made()
    mean = made.add("Mean", made.placeholder(shape), made.const(np.array([1], np.int32)))
    if len(shape) == 4:
        mean = made.add("Mean", mean, made.const(np.array([1], np.int32)))
    network(own, made, mean)
    with pytest.raises(ConversionFailed, match=r"cannot be an image of side 321|is no batch of RGB images"):
        convert_all(own, tmp_path / "out")


def test_a_network_that_gives_pictures(own: Repository, tmp_path: Path) -> None:
    made = Made()
    network(own, made, made.add("Relu", made.placeholder((-1, SIDE, SIDE, 3))))
    with pytest.raises(ConversionFailed, match="one number for each of a fixed number of classes"):
        convert_all(own, tmp_path / "out")


@pytest.mark.parametrize("name", ["pixels", "pixels/floats", "pixels/factor", "scores"])
def test_a_network_with_names_that_we_use(own: Repository, tmp_path: Path, name: str) -> None:
    made = Made()
    image = made.add("Relu", made.placeholder((-1, SIDE, SIDE, 3)), name=name)
    mean = made.add("Mean", image, made.const(np.array([1, 2], np.int32)))
    network(own, made, made.add("Abs", mean))
    with pytest.raises(ConversionFailed, match="its names clash with ours"):
        convert_all(own, tmp_path / "out")


LISTS = {
    "no JSON": ("{", "is not valid JSON"),
    "a list": ("[]", "the top level is not an object"),
    "no names": ("{}", "name is not an object"),
    "names in a list": ('{"name": ["a", "b"]}', "name is not an object"),
    "too few": ('{"name": {"0": "a"}}', "names 1 classes, and the model has 2"),
    "too many": ('{"name": {"0": "a", "1": "b", "2": "c"}}', "names 3 classes"),
    "another number": ('{"name": {"0": "a", "01": "b"}}', "has no class 1"),
    "a number": ('{"name": {"0": "a", "1": 1}}', "class 1 is not a text"),
    "a map": ('{"name": {"0": {}, "1": "b"}}', "class 0 is not a text"),
    "very long": (json.dumps({"name": {"0": "a" * 1001, "1": "b"}}), "at most 1000 characters"),
    "nothing": ('{"name": {"0": "", "1": "b"}}', "class 0 cannot be shown"),
    "blanks": ('{"name": {"0": " \\u200b ", "1": "b"}}', "class 0 cannot be shown"),
    "a control": ('{"name": {"0": "a\\u001b[2J", "1": "b"}}', "class 0 cannot be shown"),
    "half a character": ('{"name": {"0": "a", "1": "\\ud800"}}', "class 1 cannot be shown"),
    "not UTF-8": (b'{"name": {"0": "\xff", "1": "b"}}', "is not valid JSON"),
    "deep": ("[" * 100_000, "is not valid JSON"),
}


@pytest.mark.parametrize(("content", "problem"), LISTS.values(), ids=LISTS)
def test_a_list_that_is_none(tmp_path: Path, content: str | bytes, problem: str) -> None:
    path = tmp_path / "asia.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConversionFailed, match=problem) as caught:
        read_list(path, 2)
    assert str(path) in str(caught.value)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="cannot be read"):
        read_list(tmp_path / "none.json", 2)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Eiffel Tower", "Eiffel Tower"),
        ("  Notre \u200b\t Dame\u200e ", "Notre Dame"),
        ("A\u0300 la mer", "À la mer"),
        ("නි\u200dව\u200c", "නි\u200dව"),
        ("\ufeffسی\u200cوسه پل", "سی\u200cوسه پل"),
        (None, None),
    ],
)
def test_a_name_loses_what_cannot_be_seen(tmp_path: Path, written: str | None, name: str | None) -> None:
    path = tmp_path / "asia.json"
    path.write_text(json.dumps({"name": {"0": written}}))
    assert read_list(path, 1) == [name]


@given(st.dictionaries(st.sampled_from("0123"), st.none() | st.text() | st.integers() | st.lists(st.none())))
def test_any_list_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, listed: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"name": listed}))
    try:
        names = read_list(path, len(listed))
    except ConversionFailed:
        return
    assert len(names) == len(listed)
    assert all(name is None or name == name.strip() for name in names)
    assert all(name is None or name for name in names)
