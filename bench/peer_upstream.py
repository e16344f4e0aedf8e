"""Objects and faces together, against the faces alone of Recognize for Nextcloud, on the same photos.

    pip install scikit-image
    python bench/peer_upstream.py --faces FOLDER

Whole `recognize scan -r objects -r faces` of 12-megapixel JPEGs that show one to three people each take
turns with what Recognize does for faces where it has no native TensorFlow (whose npm package gets its
library from a server of its own), under node: Jimp reads a JPEG, face-api (SSD MobileNet, landmarks,
descriptors) finds and describes faces on TensorFlow.js' WASM backend, with its defaults
(`upstream_faces.cjs`). npm installs what that takes. WASM has one thread there; so that all cores are
used, as many processes as there are cores share the photos (`process_a_core`), which Recognize itself
does not do (`one_process`).

Recognize gets the photos as previews of 1024 pixels, which Nextcloud makes. They are made before, and
cost it nothing here; what it takes Pillow to decode a photo in full, shrink and save it is told apart
(`preview_cpu_ms`). Times of scans are from the photos of 12 megapixels. All leave out the start, except
in `whole_command`: the loading of node's models, and what a scan of a single photo takes. What it takes
node to look at some photos themselves is told, too (`whole_photo`).

FOLDER holds square portraits, as LFW has them; without it all faces are the same. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import peers
import portraits
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faces import node

from recognize_cli.hardware import probe

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = Path(__file__).with_name("upstream_faces.cjs")
_JIMP = "jimp@0.22.12"
_PREVIEW = (1024, 1024)
_PORTRAITS = 24
_WHOLE_PHOTOS = 3


@dataclass(frozen=True)
class Seen(peers.Round):
    """How many faces were found, and the CPU seconds of the reading."""

    faces: int
    reading: float = 0.0


def main() -> None:
    """Makes the photos and measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=Path, metavar="FOLDER", help="square portraits, *.jpg")
    parser.add_argument("--photos", type=int, default=72, help="how many 12-megapixel JPEGs")
    parser.add_argument("--folder", type=Path, help="where to keep them (default: a temporary folder)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    faces = sorted(options.faces.glob("*.jpg")) if options.faces else []
    modules = install()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.folder or Path(temporary)
        photos = portraits.make(root / "photos", options.photos, faces[:: max(1, len(faces) // _PORTRAITS)])
        figures = measure(root, photos, modules, options.rounds)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def install() -> str:
    """Installs face-api and Jimp, unless they are; gives the folders of node's modules."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise SystemExit("needs node and npm")
    face_api = node.install()
    jimp = face_api.with_name("jimp")
    if not (jimp / "node_modules" / "jimp").exists():
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
            "--prefix",
        ]
        subprocess.run([*command, str(jimp), _JIMP], check=True, stdout=subprocess.DEVNULL)
    return os.pathsep.join(str(each / "node_modules") for each in (face_api, jimp))


def measure(root: Path, photos: Sequence[Path], modules: str, rounds: int) -> dict[str, object]:
    """All figures of one run."""
    setting = peers.setting("onnxruntime", "pillow")
    (root / "previews").mkdir(exist_ok=True)
    started = time.process_time()
    previews = [preview(photo, root / "previews" / photo.name) for photo in photos]
    previewing = (time.process_time() - started) / len(photos)
    taken = peers.in_turns(
        rounds,
        {
            "scan": partial(_scan, root / "photos", photos[0]),
            "process_a_core": partial(upstream, modules, previews, probe().cores),
            "one_process": partial(upstream, modules, previews, 1),
        },
    )
    whole = upstream(modules, photos[:_WHOLE_PHOTOS], 1)
    return {
        **setting,
        "node": subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "photos": len(photos),
        "photo_ms": {name: _milliseconds(each, len(photos)) for name, each in taken.items()},
        "faces": {name: each[0].faces for name, each in taken.items()},
        "preview_cpu_ms": round(previewing * 1e3, 1),
        "whole_photo": _milliseconds([whole], _WHOLE_PHOTOS),
        **{
            f"times_faster_than_{name}": _ratios(taken["scan"], taken[name], previewing * len(photos))
            for name in ("process_a_core", "one_process")
        },
    }


def preview(photo: Path, target: Path) -> Path:
    """Decodes a photo in full, shrinks and saves it; gives ``target``."""
    with Image.open(photo) as image:
        image.load()  # or `thumbnail` would decode less
        image.thumbnail(_PREVIEW, Image.Resampling.BILINEAR)
        image.save(target, quality=80)
    return target


def upstream(modules: str, pictures: Sequence[Path], processes: int) -> Seen:
    """What Recognize takes for the pictures with so many processes, which are done when the last one is."""
    shares = [pictures[index::processes] for index in range(processes)]
    started = time.perf_counter()
    with ThreadPoolExecutor(processes) as pool:
        costs = list(pool.map(partial(_share, modules), shares))
    elapsed = time.perf_counter() - started
    told = [json.loads(cost.output) for cost in costs]
    if any(each["backend"] != "wasm" for each in told):
        raise SystemExit("TensorFlow.js runs in another backend than WASM")
    return Seen(
        max(each["seconds"] for each in told),
        sum(each["cpu_seconds"] for each in told),
        elapsed,
        sum(len(scores) for each in told for scores in each["scores"]),
        sum(each["reading_cpu_seconds"] for each in told),
    )


def _share(modules: str, pictures: Sequence[Path]) -> peers.Cost:
    return peers.run(["node", str(_PROGRAM)], "\n".join(map(str, pictures)), NODE_PATH=modules)


def _scan(folder: Path, first: Path) -> Seen:
    times, records = peers.scan_without_start(folder, first, "-r", "objects", "-r", "faces")
    return Seen(*times, sum(len(each["faces"]) for each in records))


def _milliseconds(rounds: Sequence[Seen], count: int) -> dict[str, float]:
    reading = peers.median_ms([each.reading for each in rounds], count)
    found = peers.milliseconds(rounds, count)
    return {**found, "of_which_reading_cpu": reading} if reading else found


def _ratios(ours: Sequence[Seen], theirs: Sequence[Seen], previewing: float) -> dict[str, float]:
    """How many times as long Recognize takes; ``previewing`` are the CPU seconds of all previews."""
    cpu = [each.cpu_seconds for each in ours]
    with_previews = peers.times_faster([each.cpu_seconds + previewing for each in theirs], cpu)
    return {**peers.ratios(ours, theirs), "cpu_with_previews": with_previews}


if __name__ == "__main__":
    main()
