"""Peak memory of scans of few and of many new photos: it must not grow with their number."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import watching
from PIL import Image


def main() -> None:
    """Scans both trees without a look at earlier results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=10_000)
    options = parser.parse_args()
    peaks = {}
    with tempfile.TemporaryDirectory() as temporary:
        for count in (options.few, options.many):
            tree = Path(temporary) / str(count)
            make_tree(tree, count)
            output = ("--format", "jsonl", "-o", f"{temporary}/out.jsonl")
            cost = watching.recognize("scan", str(tree), *output, "--catalogue", f"{tree}.catalogue")
            peaks[count] = cost.peak
    figures = {f"peak_memory_mb_{count}_photos": round(peak / 1e6) for count, peak in peaks.items()}
    ratio = peaks[options.many] / peaks[options.few]
    sys.stdout.write(json.dumps({**figures, "ratio": round(ratio, 3)}, indent=2) + "\n")


def make_tree(root: Path, count: int) -> None:
    """Different small photos, a hundred a directory."""
    noise = np.random.default_rng(5)
    for index in range(count):
        folder = root / f"{index // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = noise.integers(0, 256, (40, 60, 3), np.uint8)
        image = Image.fromarray(pixels).resize((600, 400), Image.Resampling.BICUBIC)
        image.save(folder / f"{index:06}.jpg", quality=80)


if __name__ == "__main__":
    main()
