"""Real photos, from the wheel of scikit-image, and pictures made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

_DATA = Path(skimage.__file__).parent / "data"

CAT = _DATA / "chelsea.png"
COFFEE = _DATA / "coffee.png"
ROCKET = _DATA / "rocket.jpg"
ASTRONAUT = _DATA / "astronaut.png"


def put(photo: Path, target: Path) -> Path:
    """Copies a photo; as JPEG where the target's name says so."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if photo.suffix == target.suffix:
        shutil.copyfile(photo, target)
    else:
        with Image.open(photo) as image:
            image.convert("RGB").save(target, quality=92)
    return target


def make_many(folder: Path, count: int, *, side: int = 1600) -> list[Path]:
    """Different large JPEGs, slow enough to decode that a scan of them can be interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(CAT) as image:
        cat = np.asarray(image.convert("RGB").resize((side, side)), np.int16)
    noise = np.random.default_rng(3)
    made = []
    for index in range(count):
        grain = noise.normal(0, 20, (side, side, 1)).astype(np.int16)
        path = folder / f"{index:03}.jpg"
        Image.fromarray(np.clip(cat + grain, 0, 255).astype(np.uint8)).save(path, quality=95)
        made.append(path)
    return made
