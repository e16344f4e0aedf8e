"""Made photos with people: portraits on real pictures, 12 megapixels, with sensor-like noise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import skimage
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = (4000, 3000)
_PICTURES = Path(skimage.__file__).parent / "data"
_BACKGROUNDS = ("coffee.png", "rocket.jpg", "chelsea.png", "motorcycle_left.png")
_ASTRONAUT = (110, 0, 360, 250)
_DISTINCT = 12
_PEOPLE = (1, 2, 3)
"""How many are in the first photo, the second, the third; then again."""


def make(folder: Path, count: int, faces: Sequence[Path] = ()) -> list[Path]:
    """Writes ``count`` JPEGs of 12 megapixels that show one to three of the faces each.

    ``faces`` are square portraits; without any, all are of scikit-image's astronaut. The same content recurs
    every 12 files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    portraits = [_opened(face) for face in faces] or [_opened(_PICTURES / "astronaut.png").crop(_ASTRONAUT)]
    originals = [_written(folder.parent, index, portraits) for index in range(min(count, _DISTINCT))]
    photos = [folder / f"people{index:04}.jpg" for index in range(count)]
    for index, photo in enumerate(photos):
        if not photo.exists():
            shutil.copyfile(originals[index % len(originals)], photo)
    return photos


def _written(folder: Path, index: int, portraits: Sequence[Image.Image]) -> Path:
    target = folder / f"people-original{index}.jpg"
    background = _opened(_PICTURES / _BACKGROUNDS[index % len(_BACKGROUNDS)])
    photo = background.resize(SIZE, Image.Resampling.LANCZOS)
    first = sum(_PEOPLE[number % len(_PEOPLE)] for number in range(index))
    for place in range(_PEOPLE[index % len(_PEOPLE)]):
        portrait = portraits[(first + place) % len(portraits)]
        side = 1200 - 100 * (index % 5)
        where = (50 + 1300 * place, 200 + 400 * ((index + place) % 4))
        photo.paste(portrait.resize((side, side), Image.Resampling.LANCZOS), where)
    noise = np.random.default_rng(index).normal(0, 3, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    grainy = np.clip(np.asarray(photo, np.int16) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(grainy).save(target, quality=86)
    return target


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
