"""EfficientNet-Lite2 in TensorFlow, with the weights of our ONNX file; `peer_tensorflow.py` runs it.

    python bench/tensorflow_objects.py MODE [--batch N] [--ratio N] [--threads N] < PATHS

`check` compares the logits with those of ONNX Runtime; `model` takes the time of the network alone,
`onnxruntime` that of the ONNX file; the others classify the photos, which standard input names one a
line: `predict` and `call` one by one with Pillow, `dataset` with tf.data. Prints JSON. Times do not
contain the imports and the first call, which compiles.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper
from PIL import Image

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.hardware import probe
from recognize_cli.models.convert import GRAPH
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

MODEL = "efficientnet-lite2"
SIDE, SHORT_SIDE = 260, 292
"""The square that the model sees, and the short side of the photo that it is cut from."""

_REPEATS = 32


def main() -> None:
    """Does one thing in one process, for TensorFlow's threads cannot be changed later."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("mode", choices=("check", "model", "onnxruntime", "predict", "call", "dataset"))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument(
        "--ratio", type=int, default=1, help="decode JPEGs at one part in so many of their size"
    )
    parser.add_argument("--threads", type=int, help="default: TensorFlow's own")
    options = parser.parse_args()
    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    graph = ensure(load_lock().entry(MODEL), Store()).graphs[GRAPH]
    files = sys.stdin.read().splitlines()
    sys.stdout.write(json.dumps(do(options, network(graph), files, graph)) + "\n")


def do(
    options: argparse.Namespace, model: keras.Model, files: Sequence[str], graph: Path
) -> dict[str, object]:
    """What a mode has to tell."""
    mode, batch = options.mode, options.batch
    any_batch = tf.TensorSpec((None, SIDE, SIDE, 3), tf.uint8)  # one graph for the last batch, too
    call = tf.function(model, input_signature=[any_batch])
    if mode == "check":
        return check(call, files, graph)
    if mode == "model":
        return alone(lambda images: call(images).numpy(), batch)
    if mode == "onnxruntime":
        session = OrtSession(graph, threads=options.threads or probe().cores)
        return alone(lambda images: session.run({session.inputs[0]: images}), batch)
    if mode == "dataset":
        return timed(partial(from_dataset, call, batch, options.ratio), files)
    one_by_one: dict[str, Classify] = {
        "predict": lambda images: model.predict(images, verbose=0),
        "call": lambda images: call(images).numpy(),
    }
    return timed(partial(in_a_loop, one_by_one[mode]), files)


def in_a_loop(classify: Classify, files: Sequence[str]) -> Iterator[int]:
    """The classes of photos, one by one, as anybody would write it."""
    for file in files:
        yield int(classify(square(file)[None])[0].argmax())


def square(file: str) -> NDArray[np.uint8]:
    """The middle of a photo, as the model is to see it."""
    with Image.open(file) as image:
        picture = image.convert("RGB")
    side = min(picture.size) * SIDE // SHORT_SIDE
    left, top = ((length - side) // 2 for length in picture.size)
    cut = picture.crop((left, top, left + side, top + side))
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def from_dataset(call: Any, batch: int, ratio: int, files: Sequence[str]) -> Iterator[int]:
    """The classes of photos with TensorFlow's own decoder, on all cores, and in batches.

    Nothing is left to AUTOTUNE: some hundred photos are too few for it, and its thread takes seconds to end.
    """
    paths = tf.data.Dataset.from_tensor_slices(list(files))
    dataset = paths.map(partial(decoded_square, ratio), probe().cores)
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    for images in dataset.batch(batch).prefetch(2).with_options(untuned):
        yield from call(images).numpy().argmax(axis=1).tolist()


@tf.function
def decoded_square(ratio: int, path: Any) -> Any:
    """As `square`, of a JPEG that is decoded at one part in ``ratio`` of its size."""
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, ratio=ratio)
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    side = tf.minimum(height, width) * SIDE // SHORT_SIDE
    cut = tf.image.crop_to_bounding_box(image, (height - side) // 2, (width - side) // 2, side, side)
    resized = tf.image.resize(cut, (SIDE, SIDE), "bicubic", antialias=True)
    return tf.ensure_shape(tf.saturate_cast(tf.round(resized), tf.uint8), (SIDE, SIDE, 3))


def timed(classify: Callable[[Sequence[str]], Iterator[int]], files: Sequence[str]) -> dict[str, object]:
    """Seconds for all photos, after one photo that does not count, and the first class of each."""
    list(classify(files[:1]))
    clock, cpu = time.perf_counter(), time.process_time()
    first = list(classify(files))
    return {
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        "first": first,
    }


def alone(call: Callable[[NDArray[np.uint8]], object], batch: int) -> dict[str, object]:
    """Seconds of the network for an image in batches of so many."""
    images = np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE, 3), np.uint8)
    call(images)
    count = max(3, _REPEATS // batch)
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        call(images)
    spent = time.perf_counter() - clock, time.process_time() - cpu
    return dict(zip(("seconds", "cpu_seconds"), (each / count / batch for each in spent), strict=True))


def check(call: Any, files: Sequence[str], graph: Path) -> dict[str, object]:
    """How far the logits of photos are from those of ONNX Runtime, and how large they are."""
    session = OrtSession(graph)
    squares = [square(file)[None] for file in files]
    ours = np.concatenate([session.run({session.inputs[0]: each})[session.outputs[0]] for each in squares])
    theirs = np.concatenate([call(each).numpy() for each in squares])
    return {
        "photos": len(files),
        "logits_differ_most": float(np.abs(ours - theirs).max()),
        "largest_logit": float(np.abs(ours).max()),
        "same_first_class": int((ours.argmax(1) == theirs.argmax(1)).sum()),
    }


def network(path: Path) -> keras.Model:
    """A Keras model of an ONNX file of ours (NCHW, SAME paddings), in NHWC."""
    graph = onnx.load(path).graph
    weights = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    images = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    values = {graph.input[0].name: images}
    for node in graph.node:
        given = [values[name] for name in node.input if name in values]
        constants = [weights[name] for name in node.input if name in weights]
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        values[node.output[0]] = _LAYERS[node.op_type](given, constants, attributes)
    return keras.Model(images, values[graph.output[0].name])


def _convolution(given: Sequence[Any], constants: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    [x], [weight, bias] = given, constants
    out, inside, kernel, _ = weight.shape
    stride, pads = attributes["strides"][0], attributes["pads"]
    if pads != list(same_pads(x.shape[1], kernel, stride)):
        raise ValueError(f"TensorFlow would pad otherwise than by {pads}")
    settings = {"kernel_size": kernel, "strides": stride, "padding": "same"}
    if attributes["group"] == 1:
        layer = keras.layers.Conv2D(out, **settings)
        kernels = weight.transpose(2, 3, 1, 0)
    else:
        layer = keras.layers.DepthwiseConv2D(depth_multiplier=out * inside // x.shape[3], **settings)
        kernels = weight.transpose(2, 3, 0, 1)
    y = layer(x)
    layer.set_weights([kernels, bias])
    return y


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's padding SAME of a square, as ONNX writes it: top, left, bottom, right."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total // 2, total - total // 2, total - total // 2


def _dense(given: Sequence[Any], constants: Sequence[Any], _: Mapping[str, Any]) -> Any:
    [x], [weight, bias] = given, constants
    layer = keras.layers.Dense(len(weight))
    y = layer(x)
    layer.set_weights([weight.T, bias])
    return y


_LAYERS: dict[str, Callable[[Sequence[Any], Sequence[Any], Mapping[str, Any]], Any]] = {
    "Add": lambda given, *_: keras.layers.Add()(given),
    "Cast": lambda given, *_: keras.ops.cast(given[0], "float32"),
    "Clip": lambda given, *_: keras.layers.ReLU(6.0)(given[0]),
    "Conv": _convolution,
    "Flatten": lambda given, *_: given[0],  # is flat
    "Gemm": _dense,
    "GlobalAveragePool": lambda given, *_: keras.layers.GlobalAveragePooling2D()(given[0]),
    "Mul": lambda given, constants, _: given[0] * float(constants[0]),
    "Sub": lambda given, constants, _: given[0] - float(constants[0]),
    "Transpose": lambda given, *_: given[0],  # NHWC is TensorFlow's own
}


if __name__ == "__main__":
    main()
