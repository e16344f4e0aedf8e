"""EfficientNet-Lite as ONNX, against NumPy with made weights and against PyTorch with the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.efficientnet_lite import convert
from recognize_cli.models.convert.torch_pickle import load_state_dict
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from tests.models.convert.checkpoints import checkpoint
from tests.models.convert.lite_reference import SIDE, logits, made_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "photos"


def converted(folder: Path, weights: dict[str, NDArray[Any]], side: int | None = SIDE) -> Path:
    path = folder / "weights.pth"
    path.write_bytes(checkpoint(weights))
    convert({"weights.pth": path}, folder, side=side)
    return folder / "model.onnx"


def run(model: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [output] = session.run(["logits"], {"images": images})
    return np.asarray(output)


def test_equals_the_network_in_plain_numpy(tmp_path: Path) -> None:
    weights = made_weights()
    images = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    images[1, :100] = 255
    found = run(converted(tmp_path, weights), images)
    expected = np.stack([logits(image, weights) for image in images])
    assert expected.std() > 0.1
    assert np.abs(found - expected).max() < 1e-4


def test_takes_batches_of_pixels_and_gives_logits(tmp_path: Path) -> None:
    model = onnx.load(converted(tmp_path, made_weights()))
    [images], [output] = model.graph.input, model.graph.output
    assert images.name == "images"
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_param or dim.dim_value for dim in images.type.tensor_type.shape.dim] == [
        "N",
        SIDE,
        SIDE,
        3,
    ]
    assert output.name == "logits"
    assert [dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim] == ["N", 1000]


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    first = converted(tmp_path, made_weights()).read_bytes()
    assert converted(tmp_path, made_weights()).read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"_conv_stem.weight": None}, "it has no tensor '_conv_stem.weight'"),
        ({"_blocks.3._bn1.running_var": None}, r"it has no tensor '_blocks\.3\._bn1\.running_var'"),
        (
            {"_blocks.16._bn1.bias": np.zeros(3, np.float32)},
            "it has the tensor '_blocks.16._bn1.bias', which",
        ),
        ({"_fc.bias": np.zeros(999, np.float32)}, r"_fc\.bias is float32 \(999,\), not float32 \(1000,\)"),
        ({"_fc.bias": np.zeros(1000, np.int64)}, r"_fc\.bias is int64 \(1000,\), not float32 \(1000,\)"),
        ({"_fc.bias": np.full(1000, np.nan, np.float32)}, "_fc.bias has values that are not finite"),
        ({"_bn0.running_var": np.full(32, -1, np.float32)}, "_bn0.running_var has a negative variance"),
    ],
)
def test_refuses_other_weights(tmp_path: Path, changes: dict[str, NDArray[Any] | None], problem: str) -> None:
    weights = {**made_weights(), **changes}
    with pytest.raises(ConversionFailed, match=problem):
        converted(tmp_path, {name: array for name, array in weights.items() if array is not None})
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("side", [None, 0, 223, 260])
def test_refuses_the_wrong_side(tmp_path: Path, side: int | None) -> None:
    with pytest.raises(ConversionFailed):
        converted(tmp_path, made_weights(), side)


def test_refuses_several_files(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="one file of weights is expected, not 2"):
        convert({"a": tmp_path, "b": tmp_path}, tmp_path, side=SIDE)


# --- the real weights --------------------------------------------------------------------------


@pytest.mark.model
def test_reads_all_of_the_real_checkpoint(lite2_checkpoint: Path) -> None:
    weights = load_state_dict(lite2_checkpoint)
    assert len(weights) == 386
    assert sum(not array.flags.c_contiguous for array in weights.values()) == 65


@pytest.mark.model
def test_equals_pytorch_on_noise(lite2_checkpoint: Path, model_store: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (3, 260, 260, 3), np.uint8)
    assert _largest_difference(lite2_checkpoint, model_store, images) < 1e-4


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not PHOTOS.exists(), reason="../shared is not here")
def test_equals_pytorch_on_photos(
    lite2_checkpoint: Path, model_store: Path, record_testsuite_property: Any
) -> None:
    photos = sorted(PHOTOS.glob("*.JPEG"))[::5]
    assert len(photos) == 20
    images = [np.asarray(Image.open(path).convert("RGB").resize((260, 260))) for path in photos]
    difference = _largest_difference(lite2_checkpoint, model_store, images)
    record_testsuite_property("largest logit difference", difference)
    assert difference < 1e-4


def _largest_difference(weights: Path, model_store: Path, images: Iterable[NDArray[np.uint8]]) -> float:
    """The largest |Δlogit| between our graph and the PyTorch port, with the same pixels."""
    torch = pytest.importorskip("torch")
    port = pytest.importorskip("efficientnet_lite_pytorch")
    network = port.EfficientNet.from_pretrained("efficientnet-lite2", weights_path=str(weights)).eval()
    model = Store(model_store).open_model(load_lock().entry("efficientnet-lite2")).graphs["model"]
    differences = []
    for image in images:
        floats = ((image.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        with torch.no_grad():
            expected = network(torch.from_numpy(floats.copy())).numpy()
        found = run(model, image[None])
        assert found.argmax() == expected.argmax()
        differences.append(float(np.abs(found - expected).max()))
    return max(differences)
