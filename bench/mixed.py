"""Peak memory of a default scan of everything: photos, some of them huge, songs and videos."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import photos
import watching
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HUGE = (8000, 6000)
_EVERY_SECONDS = 0.05
_RATE = 44_100
_SONG_SECONDS = 180
_FILM = (1920, 1080)
_FILM_SECONDS = 10
_FRAMES = 25  # a second
_CORES = ("--jobs", "2", "--threads", "2")


def main() -> None:
    """Scans the tree some times without a look at earlier results; prints the highest peak."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Other options are handed to `recognize scan`."
    )
    parser.add_argument("--photos", type=int, default=60, help="12-megapixel JPEGs")
    parser.add_argument(
        "--others", type=int, default=6, help="songs, videos, and pictures of 48 megapixels each"
    )
    parser.add_argument("--folder", type=Path, help="where to keep the tree (default: a temporary folder)")
    parser.add_argument("--runs", type=int, default=3)
    options, given = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "mixed"
        make_tree(folder, options.photos, options.others)
        output = ("--format", "jsonl", "-o", f"{temporary}/out.jsonl", "--no-catalogue")
        scan = ("scan", str(folder), *output, *_CORES, *given)
        costs = [watching.recognize(*scan, every=_EVERY_SECONDS) for _ in range(options.runs)]
    costs.sort(key=lambda each: each.peak)
    figures = {
        "peaks_mb": [_mb(each.peak) for each in costs],
        "at_the_highest": _held(costs[-1].holders, folder),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def _held(holders: tuple[watching.Holder, ...], folder: Path) -> dict[str, object]:
    program, *decoders = holders
    return {
        "program_mb": _mb(program.held),
        "decoders": [
            {
                "mb": _mb(each.held),
                "file": next((path for path in each.files if path.startswith(str(folder))), None),
            }
            for each in decoders
        ],
    }


def _mb(count: float) -> int:
    return round(count / 1e6)


def make_tree(root: Path, small: int, others: int) -> None:
    """Photos, and among them as many songs, videos and huge pictures of some formats as ``others`` says."""
    photos.make(root, small)
    folders = sorted(each for each in root.iterdir() if each.is_dir())
    scene = np.asarray(Image.open(next(root.rglob("*.jpg"))).convert("RGB"))
    for index in range(others):
        folder = folders[index % len(folders)]
        for target, write in (
            (folder / f"song{index}.mp3", _song),
            (folder / f"film{index}.mp4", _film),
            (folder / f"huge{index}.{('jpg', 'png')[index % 2]}", _huge),
        ):
            if not target.exists():
                write(target, scene, index)


def _huge(path: Path, scene: NDArray[np.uint8], index: int) -> None:
    """A PNG or a JPEG; every other JPEG is progressive, so that it must be held as a whole to be decoded."""
    picture = Image.fromarray(scene).resize(HUGE)
    picture.save(
        path, **({"compress_level": 1} if path.suffix == ".png" else {"progressive": index % 4 == 2})
    )


def _song(path: Path, _scene: NDArray[np.uint8], index: int) -> None:
    """A chord that wavers, in noise."""
    noise = np.random.default_rng(index)
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("libmp3lame", rate=_RATE, layout="stereo")
        for second in range(_SONG_SECONDS):
            moments = second + np.arange(_RATE) / _RATE
            chord = sum(np.sin(2 * np.pi * note * moments) for note in (220, 277 + second % 7, 330))
            sound = 4000 * (chord + noise.normal(0, 1, (2, _RATE)))
            frame = av.AudioFrame.from_ndarray(sound.clip(-32768, 32767).astype(np.int16), "s16p", "stereo")
            frame.sample_rate, frame.pts = _RATE, second * _RATE
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _film(path: Path, scene: NDArray[np.uint8], index: int) -> None:
    """A camera that moves over a photo."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("libx264", rate=_FRAMES, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *_FILM, "yuv420p"
        for shown in _pan(scene, _FILM_SECONDS * _FRAMES, index):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
        file.mux(stream.encode(None))


def _pan(scene: NDArray[np.uint8], count: int, start: int) -> Iterator[NDArray[np.uint8]]:
    width, height = _FILM
    for step in range(count):
        left, top = 100 * start + 2 * step, 2 * step
        yield np.ascontiguousarray(scene[top : top + height, left : left + width])


if __name__ == "__main__":
    main()
