"""The networks of face-api as ONNX, against NumPy with made weights and with the real ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.convert.face_api import convert
from recognize_cli.models.fetch import ensure
from recognize_cli.models.gather import Gathering
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.origins.order import Mirrors
from recognize_cli.models.store import Store
from tests.models.convert.face_networks import FILES, LEFTOVERS, NETWORKS, SIDES, Maker, stored_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Output = dict[str, NDArray[Any]]

SHAPES = {
    "detector": {"boxes": ["N", 5118, 4], "scores": ["N", 5118]},
    "landmarks": {"landmarks": ["N", 136]},
    "descriptor": {"descriptor": ["N", 128]},
}


def picture(network: str) -> NDArray[np.float32]:
    """Noise with a flat corner."""
    side = SIDES[network]
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3)).astype(np.float32)
    pixels[: side // 2, : side // 3] = 255
    return pixels


@dataclass(frozen=True)
class Made:
    """A folder with made files of all networks, and what each network gives for its picture."""

    folder: Path
    expected: dict[str, Output]

    def files(self, folder: Path, **changed: bytes) -> dict[str, Path]:
        """The files in another folder, some with other bytes."""
        for path in self.folder.iterdir():
            if path.name in changed:
                (folder / path.name).write_bytes(changed[path.name])
            else:
                (folder / path.name).symlink_to(path)
        return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, expected = tmp_path_factory.mktemp("made"), {}
    for seed, (network, evaluate) in enumerate(NETWORKS.items()):
        maker = Maker(seed)
        expected[network] = evaluate(picture(network).astype(np.float64), maker)
        if network == "detector":
            for name in LEFTOVERS:
                maker.add(name, np.arange(3.0))
        for name, data in maker.files(network).items():
            (folder / name).write_bytes(data)
    return Made(folder, expected)


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(path: Path, images: NDArray[np.float32]) -> Output:
    opened = session(path)
    names = [output.name for output in opened.get_outputs()]
    return dict(zip(names, opened.run(None, {"image": images}), strict=True))


@pytest.mark.parametrize("network", NETWORKS)
def test_equals_the_network_in_plain_numpy(tmp_path: Path, made: Made, network: str) -> None:
    convert(made.files(tmp_path), tmp_path, side=None)
    image = picture(network)
    found = run(tmp_path / f"{network}.onnx", np.stack([image[::-1], image]))
    assert found.keys() == made.expected[network].keys()
    for name, values in made.expected[network].items():
        assert values.std() > 0.05, "the made weights tell nothing"
        assert np.abs(found[name][1] - values).max() < 1e-4 * np.abs(values).max()
        assert not np.allclose(found[name][0], values, atol=0.01)


def test_inputs_and_outputs(tmp_path: Path, made: Made) -> None:
    convert(made.files(tmp_path), tmp_path, side=None)
    assert {path.stem for path in tmp_path.glob("*.onnx")} == set(CONVERTERS["face-api"].graphs)
    for network, side in SIDES.items():
        opened = session(tmp_path / f"{network}.onnx")
        [image] = opened.get_inputs()
        assert (image.name, image.type, image.shape) == ("image", "tensor(float)", ["N", side, side, 3])
        assert {output.name: output.shape for output in opened.get_outputs()} == SHAPES[network]
        assert {output.type for output in opened.get_outputs()} == {"tensor(float)"}


def test_the_same_weights_give_the_same_bytes(tmp_path: Path, made: Made) -> None:
    files = made.files(tmp_path)
    results = []
    for _ in range(2):
        convert(files, tmp_path, side=None)
        results.append([path.read_bytes() for path in sorted(tmp_path.glob("*.onnx"))])
    assert results[0] == results[1]


def _edited(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def edit(manifest: bytes) -> bytes:
        groups = json.loads(manifest)
        change(groups[0])
        return json.dumps(groups).encode()

    return edit


def _renamed(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda manifest: manifest.replace(f'"{old}"'.encode(), f'"{new}"'.encode())


def _reshaped(name: str, shape: list[int]) -> Callable[[bytes], bytes]:
    def change(group: dict[str, Any]) -> None:
        [entry] = (each for each in group["weights"] if each["name"] == name)
        entry["shape"] = shape

    return _edited(change)


def _twice(group: dict[str, Any]) -> None:
    group["weights"].append(group["weights"][0])


def _whole_numbers(group: dict[str, Any]) -> None:
    [entry] = (each for each in group["weights"] if each["name"] == "fc/bias")
    entry["dtype"] = "int32"


def _negative(group: dict[str, Any]) -> None:
    [entry] = (
        each
        for each in group["weights"]
        if each["name"].endswith("Conv2d_3_depthwise/BatchNorm/moving_variance")
    )
    entry["quantization"]["min"] = -1


def _endless(group: dict[str, Any]) -> None:
    next(each for each in group["weights"] if "quantization" in each)["quantization"]["scale"] = 1e308


@pytest.mark.parametrize(
    ("network", "edit", "problem"),
    [
        ("detector", lambda _: b"", "is not valid JSON"),
        ("detector", lambda _: b"{}", "weightsManifest is not a list"),
        ("detector", lambda _: b"[]", "it has no tensor 'MobilenetV1/Conv2d_0_pointwise/weights'"),
        ("landmarks", _edited(_twice), "'dense0/conv0/filters' is in the manifest twice"),
        ("landmarks", _edited(_whole_numbers), r"fc/bias is int64 \(136,\), not float32 \(136,\)"),
        ("landmarks", _edited(_endless), "range"),
        ("landmarks", _renamed("dense3/conv2/bias", "dense9"), "it has no tensor 'dense3/conv2/bias'"),
        (
            "landmarks",
            _reshaped("fc/weights", [136, 256]),
            r"fc/weights is float32 \(136, 256\), not float32 \(256",
        ),
        ("landmarks", _renamed("face_landmark_68_model.bin", "../x.bin"), "outside the model's folder"),
        ("landmarks", _renamed("face_landmark_68_model.bin", "x.bin"), "the shard x.bin cannot be read"),
        ("descriptor", _renamed("fc", "fc0"), "it has no tensor 'fc'"),
        (
            "descriptor",
            _reshaped("conv64_down/conv1/conv/filters", [3, 3, 64, 32]),
            r"not float32 \(3, 3, 32, 64\)",
        ),
        ("detector", _edited(_negative), "moving_variance has a negative variance"),
        ("detector", _renamed(LEFTOVERS[0], "odd"), "it has the tensor 'odd', which the detector does not"),
    ],
)
def test_refuses_other_manifests(
    tmp_path: Path,
    made: Made,
    network: str,
    edit: Callable[[bytes], bytes],
    problem: str,
) -> None:
    name = f"{FILES[network]}-weights_manifest.json"
    manifest = (made.folder / name).read_bytes()
    changed = edit(manifest)
    assert changed != manifest
    with pytest.raises(ConversionFailed, match=problem) as caught:
        convert(made.files(tmp_path, **{name: changed}), tmp_path, side=None)
    assert name in str(caught.value)


@pytest.mark.parametrize("network", NETWORKS)
def test_refuses_bytes_that_are_cut_off_or_too_many(tmp_path: Path, made: Made, network: str) -> None:
    name = f"{FILES[network]}.bin"
    whole = (made.folder / name).read_bytes()
    for number, data in enumerate((whole[:-1], whole + b"\0", b"")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(ConversionFailed, match="but the manifest describes"):
            convert(made.files(folder, **{name: data}), folder, side=None)


def test_refuses_values_that_are_not_numbers(tmp_path: Path, made: Made) -> None:
    name = f"{FILES['landmarks']}.bin"
    data = np.full(4, np.nan, np.float32).tobytes() + (made.folder / name).read_bytes()[16:]
    with pytest.raises(ConversionFailed, match="dense0/conv0/filters has values that are not finite"):
        convert(made.files(tmp_path, **{name: data}), tmp_path, side=None)


@pytest.mark.parametrize("network", NETWORKS)
def test_names_the_file_that_is_missing(tmp_path: Path, made: Made, network: str) -> None:
    files = made.files(tmp_path)
    name = f"{FILES[network]}-weights_manifest.json"
    del files[name]
    with pytest.raises(ConversionFailed, match=f"no {name} is among its files"):
        convert(files, tmp_path, side=None)


# --- the real weights --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the model, from the package registry."""
    folder = tmp_path_factory.mktemp("package")
    entry = load_lock().entry("face-api")
    return next(iter(Gathering(entry, folder, lambda *_: None, Mirrors()).from_sources().values())).parent


@pytest.mark.model
@pytest.mark.parametrize("network", NETWORKS)
def test_the_real_network_equals_the_one_in_numpy(
    model_store: Path, package: Path, network: str, record_testsuite_property: Any
) -> None:
    weights, used = stored_weights(package, network), []

    def ask(name: str, *shape: int) -> NDArray[np.float64]:
        used.append(name)
        assert weights[name].shape == shape
        return weights[name]

    model = ensure(load_lock().entry("face-api"), Store(model_store))
    image = picture(network)
    expected = NETWORKS[network](image.astype(np.float64), ask)
    found = run(model.graphs[network], image[None])
    for name, values in expected.items():
        difference = float(np.abs(found[name][0] - values).max())
        record_testsuite_property(f"largest difference of {name}", difference)
        assert difference < 1e-4 * np.abs(values).max()
    assert len(used) == len(set(used))
    unused = set(weights) - set(used)
    assert len(unused) == (17 if network == "detector" else 0)
    assert all(weights[name].size <= 3 for name in unused)
