"""Media to measure with, made on the spot: they cost what those of people cost, and show nothing.

Photos have 12 megapixels and 1 to 4 MB, songs half a minute, films ten seconds in 720p.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

COUNTS = {Kind.IMAGE: 3, Kind.AUDIO: 2, Kind.VIDEO: 1}
"""How many files are made of a kind."""

PHOTO = (4000, 3000)
_QUALITIES = (80, 86, 90)
_SHAPES = 60

SONG_SECONDS = 30
_SOUND_RATE = 44_100

FILM = (1280, 720)
FILM_SECONDS = 10
_FILM_RATE = 25


def make(kind: Kind, folder: Path) -> None:
    """Writes `COUNTS` files of a kind into a folder; the same ones every time."""
    import numpy as np

    maker = {Kind.IMAGE: _photo, Kind.AUDIO: _song, Kind.VIDEO: _film}[kind]
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(COUNTS[kind]):
        maker(folder, index, np.random.default_rng(index))


def _photo(folder: Path, index: int, random: Generator) -> None:
    """Soft colours, shapes with edges, and the grain of a sensor."""
    import numpy as np
    from PIL import Image

    picture = np.asarray(_scene(PHOTO, random)).astype(np.int16)
    height, width = picture.shape[:2]
    tile = random.normal(0, 4, (height // 4, width // 4, 1)).astype(np.int16)
    grainy = np.clip(picture + np.tile(tile, (4, 4, 1)), 0, 255).astype(np.uint8)
    quality = _QUALITIES[index % len(_QUALITIES)]
    Image.fromarray(grainy).save(folder / f"photo{index}.jpg", quality=quality)


def _scene(size: tuple[int, int], random: Generator) -> Any:
    """A picture of Pillow's, of a size in pixels."""
    import numpy as np
    from PIL import Image, ImageDraw

    width, height = size
    soft = random.integers(0, 256, (12, 16, 3), np.uint8)
    picture = Image.fromarray(soft).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for shape in range(_SHAPES):
        left, top = int(random.integers(width)), int(random.integers(height))
        box = (
            left,
            top,
            left + int(random.integers(20, width // 4)),
            top + int(random.integers(20, height // 4)),
        )
        colour = tuple(int(each) for each in random.integers(0, 256, 3))
        (draw.ellipse if shape % 2 else draw.rectangle)(box, fill=colour)
    return picture


def _song(folder: Path, index: int, random: Generator) -> None:
    """Chords over a noisy beat, in stereo."""
    import av
    import numpy as np

    codec, extension = ("libmp3lame", "mp3") if "libmp3lame" in av.codecs_available else ("flac", "flac")
    sound = _sound(random)
    with av.open(str(folder / f"song{index}.{extension}"), "w") as file:
        stream: Any = file.add_stream(codec, rate=_SOUND_RATE, layout="stereo")
        for start in range(0, sound.shape[1], _SOUND_RATE):
            block = np.ascontiguousarray(sound[:, start : start + _SOUND_RATE])
            frame = av.AudioFrame.from_ndarray(block, format="s16p", layout="stereo")
            frame.sample_rate, frame.pts = _SOUND_RATE, start
            for converted in _fitting(frame, stream):
                file.mux(stream.encode(converted))
        file.mux(stream.encode(None))


def _fitting(frame: Any, stream: Any) -> Iterator[Any]:
    """A frame of sound in the format that an encoder takes."""
    import av

    if stream.format.name == frame.format.name:
        yield frame
        return
    yield from av.AudioResampler(stream.format.name, "stereo", _SOUND_RATE).resample(frame)


def _sound(random: Generator) -> NDArray[np.int16]:
    """Samples [2, N]."""
    import numpy as np

    moments = np.arange(SONG_SECONDS * _SOUND_RATE) / _SOUND_RATE
    notes = 220 * 2 ** (random.integers(0, 24, 3) / 12)
    chord = sum(np.sin(2 * math.pi * note * moments) for note in notes) / len(notes)
    beat = random.normal(0, 1, len(moments)) * np.exp(-8 * (moments % 0.5))
    left, right = 0.4 * chord + 0.1 * beat, 0.3 * chord + 0.15 * beat
    return (np.stack([left, right]).clip(-1, 1) * 32_767).astype(np.int16)


def _film(folder: Path, index: int, random: Generator) -> None:
    """A camera that moves over a scene."""
    import av
    import numpy as np

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    width, height = FILM
    scene = np.asarray(_scene((width + 320, height + 240), random))
    with av.open(str(folder / f"film{index}.mp4"), "w") as file:
        options = {"preset": "ultrafast"} if codec == "libx264" else {}
        stream: Any = file.add_stream(codec, rate=_FILM_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(FILM_SECONDS * _FILM_RATE):
            left, top = int(160 + 150 * math.sin(number / 40)), int(120 + 110 * math.cos(number / 55))
            shown = np.ascontiguousarray(scene[top : top + height, left : left + width])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
        file.mux(stream.encode(None))
