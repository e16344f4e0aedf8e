"""musicnn as ONNX, against NumPy with made weights, against NumPy and TensorFlow with the real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.media.audio import decode_audio
from recognize_cli.models.convert.musicnn import convert
from recognize_cli.models.convert.tf_checkpoint import load_checkpoint
from recognize_cli.models.entries import Algorithm, LockedFile
from recognize_cli.models.gather import Gathering
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.origins.order import Mirrors
from recognize_cli.recognizers.music import prepare
from tests.models.convert.musicnn_reference import made_weights, probabilities
from tests.models.convert.tf_bundles import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MUSIC = Path(__file__).parents[4] / "shared" / "data" / "music"


def converted(folder: Path, files: Mapping[str, Path]) -> Path:
    convert(files, folder, side=None)
    return folder / "model.onnx"


def run(model: Path, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [output] = session.run(["probabilities"], {"mel": mel})
    return np.asarray(output)


def largest_difference(model: Path, weights: Mapping[str, NDArray[Any]], mel: NDArray[np.float32]) -> float:
    expected = np.stack([probabilities(patch, weights) for patch in mel])
    assert expected.std() > 0.05
    return float(np.abs(run(model, mel) - expected).max())


def noise(patches: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(0, 5, (patches, 187, 96)).astype(np.float32)


def test_equals_the_network_in_plain_numpy(tmp_path: Path) -> None:
    weights = made_weights()
    assert largest_difference(converted(tmp_path, written(tmp_path, weights)), weights, noise(2)) < 1e-5


def test_takes_batches_of_patches_and_gives_probabilities(tmp_path: Path) -> None:
    model = onnx.load(converted(tmp_path, written(tmp_path, made_weights())))
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"mel": ["N", 187, 96], "probabilities": ["N", 50]}


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    first = converted(tmp_path, written(tmp_path, made_weights())).read_bytes()
    assert converted(tmp_path, written(tmp_path, made_weights())).read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"conv2d/kernel": None}, "it has no tensor 'conv2d/kernel'"),
        ({"batch_normalization_10/beta": None}, "it has no tensor 'batch_normalization_10/beta'"),
        ({"conv2d_8/bias": np.zeros(3, np.float32)}, "it has the tensor 'conv2d_8/bias', which musicnn does"),
        ({"dense_1/bias": np.zeros(49, np.float32)}, r"dense_1/bias is float32 \(49,\), not float32 \(50,\)"),
        ({"dense_1/bias": np.zeros(50)}, r"dense_1/bias is float64 \(50,\), not float32 \(50,\)"),
        ({"dense/bias": np.full(200, np.nan, np.float32)}, "dense/bias has values that are not finite"),
        (
            {"batch_normalization/moving_variance": np.full(1, -1, np.float32)},
            "batch_normalization/moving_variance has a negative variance",
        ),
    ],
)
def test_refuses_other_weights(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    weights = {name: array for name, array in {**made_weights(), **changes}.items() if array is not None}
    with pytest.raises(ConversionFailed, match=problem):
        converted(tmp_path, written(tmp_path, weights))
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("names", [(), (".index",), (".index", "a.index", ".data-00000-of-00001")])
def test_refuses_other_files(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ConversionFailed, match=r"musicnn: one file \..* is expected, not [02]"):
        convert({name: tmp_path / name for name in names}, tmp_path, side=None)


# --- the real weights --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the checkpoint, from the package registry."""
    folder = tmp_path_factory.mktemp("checkpoint")
    entry = load_lock().entry("musicnn-msd")
    return Gathering(entry, folder, lambda *_: None, Mirrors()).from_sources()


@pytest.mark.model
def test_equals_the_network_in_plain_numpy_with_the_real_weights(
    real_checkpoint: dict[str, Path], tmp_path: Path, record_testsuite_property: Any
) -> None:
    weights = load_checkpoint(*real_checkpoint.values())
    sound = np.random.default_rng(0).normal(0, 0.2, (2, 48_000)).cumsum(axis=1).astype(np.float32)
    tones = [np.sin(np.arange(48_000) * 2 * np.pi * hertz / 16_000) for hertz in (220, 554, 831)]
    mel = prepare(np.stack([sound[0] / np.abs(sound[0]).max(), np.mean(tones, axis=0)]))
    difference = largest_difference(converted(tmp_path, real_checkpoint), weights, mel)
    record_testsuite_property("largest difference of a probability", difference)
    assert difference < 1e-5


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not MUSIC.is_dir(), reason="../shared is not here")
@pytest.mark.filterwarnings("ignore")
def test_equals_the_original_in_tensorflow(
    real_checkpoint: dict[str, Path], tmp_path: Path, record_testsuite_property: Any
) -> None:
    """The package's own graph and weights, on librosa's spectrograms prepared as the package does it."""
    tf = pytest.importorskip("tensorflow").compat.v1
    librosa = pytest.importorskip("librosa")
    model = converted(tmp_path, real_checkpoint)
    with tf.Graph().as_default(), tf.Session() as session:
        mel, training, probabilities = _original(tf, session, tmp_path, real_checkpoint)
        for_patches, for_files = [], []
        for path in sorted(MUSIC.glob("*.[awmo]*")):
            sound = decode_audio(str(path))
            power = librosa.feature.melspectrogram(
                y=sound.ravel(), sr=16_000, hop_length=256, n_fft=512, n_mels=96
            ).T
            bels = np.log10(10_000 * power.astype(np.float16).astype(np.float32) + 1)
            patches = np.stack([bels[start : start + 187] for start in range(0, len(bels) - 186, 187)])
            expected = session.run(probabilities, {mel: patches, training: False})
            difference = run(model, prepare(sound)) - expected
            for_patches.append(np.abs(difference).max())
            for_files.append(np.abs(difference.mean(axis=0)).max())
    assert len(for_files) == 11
    record_testsuite_property("largest difference for a patch", float(max(for_patches)))
    record_testsuite_property("largest difference for a file", float(max(for_files)))
    assert max(for_files) < 1e-4


def _original(tf: Any, session: Any, folder: Path, files: Mapping[str, Path]) -> tuple[Any, Any, Any]:
    """Puts the package's graph, without what trained it, and its weights into a session."""
    meta = LockedFile(
        ".meta",
        1185287,
        Algorithm.SHA256,
        "046dc0f4f95374c3fc435a1c6619f6d1b9c82794ea2d2ef0a362a59630b5b1ec",
    )
    entry = replace(load_lock().entry("musicnn-msd"), files=(meta,))
    [path] = Gathering(entry, folder, lambda *_: None, Mirrors()).from_sources().values()
    whole = tf.MetaGraphDef.FromString(path.read_bytes()).graph_def
    graph = tf.graph_util.extract_sub_graph(whole, ["model/dense_1/BiasAdd"])
    for node in graph.node:
        node.attr.pop("_output_shapes", None)  # today's TensorFlow infers other ones
        node.attr.pop("_class", None)
    tf.import_graph_def(graph, name="")
    weights, inputs = load_checkpoint(*files.values()), {}
    for operation in tf.get_default_graph().get_operations():
        if operation.type == "VariableV2":
            session.run(tf.assign(operation.outputs[0], weights[operation.name]))
        elif operation.type == "Placeholder":
            inputs[operation.outputs[0].dtype] = operation.outputs[0]
    logits = tf.get_default_graph().get_tensor_by_name("model/dense_1/BiasAdd:0")
    return inputs[tf.float32], inputs[tf.bool], tf.nn.sigmoid(logits)
