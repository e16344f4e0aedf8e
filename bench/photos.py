"""Made photos for the benchmarks: real pictures, enlarged to 12 megapixels, with sensor-like noise."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

SIZE = (4000, 3000)
_PICTURES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "camera.png")
_QUALITIES = (80, 88, 92)


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
