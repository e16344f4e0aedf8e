"""@vladmandic/face-api itself, under node: the yardstick of the tests, and of the benchmark.

Needs no test framework.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_PACKAGES = [
    "@vladmandic/face-api@1.7.15",
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
]
_NPM = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"]
_PROGRAM = Path(__file__).with_name("face_api.cjs")


class Unavailable(Exception):
    """There is no node here, or npm cannot install what it is to run."""


def install() -> Path:
    """The folder in which face-api is installed, which outlives a test run; raises Unavailable."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise Unavailable("needs node and npm")
    named = os.environ.get("RECOGNIZE_TEST_MODELS")
    folder = (Path(named) if named else Path.home() / ".cache" / "recognize-tests") / "face-api"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "complete").exists():
            result = subprocess.run(
                [*_NPM, str(folder), *_PACKAGES], capture_output=True, text=True, timeout=600
            )
            if result.returncode != 0:
                raise Unavailable(f"npm cannot install face-api: {result.stderr[-300:]}")
            (folder / "complete").touch()
    return folder


def analyse(
    installed: Path, pictures: Sequence[NDArray[np.uint8]], min_score: float = 0.5
) -> list[dict[str, Any]]:
    """What face-api finds in each picture (H×W×3), and the milliseconds of CPU time that it took.

    The keys are those that face_api.cjs writes.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sizes = [{"width": each.shape[1], "height": each.shape[0]} for each in pictures]
        (folder / "pictures.json").write_text(json.dumps(sizes))
        for number, picture in enumerate(pictures):
            (folder / f"{number}.rgb").write_bytes(picture.tobytes())
        subprocess.run(
            ["node", str(_PROGRAM), str(folder), str(min_score)],
            env={**os.environ, "NODE_PATH": str(installed / "node_modules")},
            check=True,
            capture_output=True,
            timeout=900,
        )
        results = json.loads((folder / "results.json").read_text())
    assert results["backend"] == "wasm"
    return list(results["results"])
