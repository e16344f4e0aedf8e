"""SavedModels made by TensorFlow, which never comes into the process of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HAS_TENSORFLOW = find_spec("tensorflow") is not None and find_spec("tensorflow_hub") is not None
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")

_HEAD = """
import sys
import tensorflow as tf

class Made(tf.Module):
    pass

made = Made()
"""
_TAIL = """
made.serve = serve
tf.saved_model.save(made, sys.argv[1], signatures={"serving_default": serve})
"""

DOUBLE_AND_SUM = """
@tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
def serve(x):
    return {"double": 2 * x, "sum": tf.reduce_sum(x, 1)}
"""
"""Doubles and sums the rows of [N, 3]."""

FILTERS = """
made.first = tf.Variable(tf.random.stateless_normal([3, 3, 3, 3, 16], [1, 2], stddev=0.2))
made.second = tf.Variable(tf.random.stateless_normal([3, 3, 3, 16, 600], [3, 4], stddev=0.1))

@tf.function(input_signature=[tf.TensorSpec([None, None, None, None, 3], tf.float32, name="image")])
def serve(image):
    x = tf.nn.swish(tf.nn.conv3d(image, made.first, [1, 1, 2, 2, 1], "SAME"))
    x = tf.nn.conv3d(x, made.second, [1, 1, 4, 4, 1], "SAME")
    return {"classifier_head": tf.reduce_mean(x, [1, 2, 3])}
"""
"""Convolutions over space and time, with the signature of MoViNet."""

COLOURS = """
made.weights = tf.Variable(tf.concat([20 * tf.eye(3), tf.zeros([3, 597])], 1))

@tf.function(input_signature=[tf.TensorSpec([None, None, None, None, 3], tf.float32, name="image")])
def serve(image):
    return {"classifier_head": tf.reduce_mean(image, [1, 2, 3]) @ made.weights}
"""
"""Takes what is red for the first of 600 classes, green for the second, blue for the third."""

READS_A_FILE = """
@tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
def serve(x):
    return {"y": x + tf.strings.to_number(tf.io.read_file("/etc/hostname"))}
"""


def make_saved_model(folder: Path, body: str) -> Path:
    """Saves a model whose function ``serve`` the body defines, and returns its folder."""
    script = "\n".join((_HEAD, body, _TAIL))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder
