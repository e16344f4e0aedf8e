"""Peak memory of scans of few and of many new photos: it must not grow with their number.

`--tiny` makes many affordable: hard links to some small pictures, which cost little more than the way of a
file through the stages and the catalogue.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import watching
from PIL import Image

if TYPE_CHECKING:
    from numpy.random import Generator

_DIFFERENT = 16
_TINY = (64, 48)


def main() -> None:
    """Scans both trees without a look at earlier results."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Other options are handed to `recognize scan`."
    )
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--tiny", action="store_true", help="hard links to a few small pictures")
    options, given = parser.parse_known_args()
    peaks = {}
    with tempfile.TemporaryDirectory() as temporary:
        for count in (options.few, options.many):
            tree = Path(temporary) / str(count)
            (link_tree if options.tiny else make_tree)(tree, count)
            output = ("--format", "jsonl", "-o", f"{temporary}/out.jsonl")
            catalogue = ("--catalogue", f"{tree}.catalogue")
            peaks[count] = watching.recognize("scan", str(tree), *output, *catalogue, *given).peak
    figures = {f"peak_memory_mb_{count}_photos": round(peak / 1e6) for count, peak in peaks.items()}
    ratio = peaks[options.many] / peaks[options.few]
    sys.stdout.write(json.dumps({**figures, "ratio": round(ratio, 3)}, indent=2) + "\n")


def make_tree(root: Path, count: int) -> None:
    """Different small photos, a hundred a directory."""
    noise = np.random.default_rng(5)
    for index in range(count):
        _picture(noise, (600, 400)).save(_place(root, index), quality=80)


def link_tree(root: Path, count: int) -> None:
    """So many names of a few pictures, a hundred a directory."""
    noise = np.random.default_rng(5)
    files = [_place(root, index) for index in range(count)]
    for index, file in enumerate(files):
        if index < _DIFFERENT:
            _picture(noise, _TINY).save(file, quality=80)
        else:
            os.link(files[index % _DIFFERENT], file)


def _picture(noise: Generator, size: tuple[int, int]) -> Image.Image:
    pixels = noise.integers(0, 256, (40, 60, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def _place(root: Path, index: int) -> Path:
    folder = root / f"{index // 100:04}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{index:06}.jpg"


if __name__ == "__main__":
    main()
