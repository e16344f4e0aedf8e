"""Made photos for the benchmarks: real pictures, enlarged to 12 megapixels, with sensor-like noise."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import skimage
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (4000, 3000)
_PICTURES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "camera.png")
_QUALITIES = (80, 88, 92)


def run(
    measure: Callable[[Path, list[Path], int], dict[str, object]], description: str | None, count: int
) -> None:
    """A benchmark's command line: makes ``count`` photos, measures with them, prints JSON.

    ``measure`` gets their folder, the files, and how many scans to take the median of.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--photos", type=int, default=count, help="how many 12-megapixel JPEGs")
    parser.add_argument("--folder", type=Path, help="where to keep them (default: a temporary folder)")
    parser.add_argument("--runs", type=int, default=3, help="scans to take the median of")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "photos"
        files = make(folder, options.photos)
        sys.stdout.write(json.dumps(measure(folder, files, options.runs), indent=2) + "\n")


def make(folder: Path, count: int) -> list[Path]:
    """Writes ``count`` JPEGs of 12 megapixels, 1 to 4 MB; the same content recurs every 18 files."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = list(_originals(folder))
    photos = [folder / f"{index // 100:03}" / f"photo{index:05}.jpg" for index in range(count)]
    for index, photo in enumerate(photos):
        photo.parent.mkdir(exist_ok=True)
        if not photo.exists():
            shutil.copyfile(originals[index % len(originals)], photo)
    return photos


def _originals(folder: Path) -> list[Path]:
    noise = np.random.default_rng(7)
    data = Path(skimage.__file__).parent / "data"
    sources = [data / name for name in _PICTURES if (data / name).exists()]
    written = []
    for source in sources:
        with Image.open(source) as image:
            large = np.asarray(image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS), np.int16)
        for quality in _QUALITIES:
            target = folder.parent / f"{source.stem}-{quality}.jpg"
            if not target.exists():
                grain = noise.normal(0, 3, large.shape[:2]).astype(np.int16)[:, :, None]
                Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(target, quality=quality)
            written.append(target)
    return written
