"""@tensorflow/tfjs itself, in node: the second yardstick."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

VERSION = "4.22.0"
_PACKAGES = ["core", "converter", "backend-wasm", "backend-cpu"]
_NPM = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"]

_PROGRAM = """
const fs = require("fs"), path = require("path");
const tf = require("@tensorflow/tfjs-core");
const { loadGraphModel } = require("@tensorflow/tfjs-converter");
require("@tensorflow/tfjs-backend-cpu");
const wasm = require("@tensorflow/tfjs-backend-wasm");

async function main([folder, shape, backend]) {
  wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + "/");
  await tf.setBackend(backend);
  await tf.ready();
  const model = JSON.parse(fs.readFileSync(path.join(folder, "model.json")));
  const shards = model.weightsManifest.flatMap((group) => group.paths);
  const weightData = shards.map((name) => {
    const bytes = fs.readFileSync(path.join(folder, name));
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  });
  const artifacts = {
    ...model,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData,
  };
  const network = await loadGraphModel({ load: async () => artifacts });
  const pixels = fs.readFileSync(path.join(folder, "input.bin"));
  const values = new Float32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  const input = tf.tensor(values, JSON.parse(shape));
  const results = [await network.executeAsync(input)].flat();
  for (const [number, result] of results.entries()) {
    const floats = Float32Array.from(await result.data());
    fs.writeFileSync(path.join(folder, `output-${number}.bin`), Buffer.from(floats.buffer));
  }
  const shapes = results.map((result) => result.shape);
  fs.writeFileSync(path.join(folder, "outputs.json"), JSON.stringify({ shapes, backend: tf.getBackend() }));
}

main(process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
"""


def install(folder: Path) -> Path:
    """Installs TensorFlow.js into a folder once; skips the test where there is no node or no network."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    with FileLock(folder / "lock"):
        if not (folder / "complete").exists():
            packages = [f"@tensorflow/tfjs-{name}@{VERSION}" for name in _PACKAGES]
            result = subprocess.run(
                [*_NPM, str(folder), *packages], capture_output=True, text=True, timeout=300
            )
            if result.returncode != 0:
                pytest.skip(f"npm cannot install TensorFlow.js: {result.stderr[-300:]}")
            (folder / "complete").touch()
        (folder / "evaluate.cjs").write_text(_PROGRAM)
    return folder


def evaluate(
    installed: Path, model: Path, images: NDArray[np.float32], backend: str = "wasm"
) -> list[NDArray[np.float32]]:
    """The outputs of the model in a folder, which holds model.json and the shards."""
    (model / "input.bin").write_bytes(images.tobytes())
    program = ["node", str(installed / "evaluate.cjs"), str(model), json.dumps(images.shape), backend]
    result = subprocess.run(program, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    described = json.loads((model / "outputs.json").read_text())
    assert described["backend"] == backend
    return [
        np.fromfile(model / f"output-{number}.bin", np.float32).reshape(shape)
        for number, shape in enumerate(described["shapes"])
    ]
