"""Sounds for tests, and the media files that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16_000
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}


def tone(seconds: float, rate: int = RATE, *, hertz: float = 440, amplitude: float = 0.5) -> NDArray[Any]:
    """A sine, float32."""
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def clock(seconds: float, rate: int = RATE) -> NDArray[Any]:
    """A sine that tells the time: at second t it is at 300 + t Hz, and `heard_at` reads it."""
    moments = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (300 * moments + moments**2 / 2))).astype(np.float32)


def pitch(samples: NDArray[Any]) -> float:
    """The strongest frequency of samples at `RATE`, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(spectrum.argmax() * RATE / (8 * len(samples)))


def heard_at(patch: NDArray[Any]) -> float:
    """When, in the `clock`, the first second of a patch begins."""
    return pitch(patch[:RATE]) - 300 - 0.5


def decibels(samples: NDArray[Any]) -> float:
    """How loud a sine is, against one of the amplitude 0.5."""
    return float(20 * np.log10(np.sqrt((samples.astype(float) ** 2).mean()) * np.sqrt(2) / 0.5))


def written(
    path: Path,
    sound: NDArray[Any],
    rate: int = RATE,
    codec: str = "pcm_s16le",
    *,
    container: str | None = None,
    muxer: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
    bit_rate: int | None = None,
) -> str:
    """The path of a file that holds a sound: its samples, or channels × samples.

    ``muxer`` and ``encoder`` are options of FFmpeg's.
    """
    channels = np.atleast_2d(sound)
    layout = LAYOUTS[len(channels)]
    with av.open(str(path), "w", format=container, options=muxer or {}) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout, options=encoder or {})
        if bit_rate:
            stream.bit_rate = bit_rate
        for start in range(0, channels.shape[1], rate):
            block = np.ascontiguousarray(channels[:, start : start + rate])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return str(path)


FORMATS: dict[str, dict[str, Any]] = {
    "a.mp3": {"codec": "libmp3lame"},
    "a.m4a": {"codec": "aac", "container": "ipod"},
    "alac.m4a": {"codec": "alac", "container": "ipod"},
    "a.aac": {"codec": "aac", "container": "adts"},
    "a.ogg": {"codec": "vorbis", "encoder": {"strict": "experimental"}},
    "a.opus": {"codec": "libopus", "container": "ogg"},
    "a.flac": {"codec": "flac"},
    "a.wav": {"codec": "pcm_s16le"},
    "u8.wav": {"codec": "pcm_u8"},
    "24.wav": {"codec": "pcm_s24le"},
    "f32.wav": {"codec": "pcm_f32le"},
    "f64.wav": {"codec": "pcm_f64le"},
    "a.wma": {"codec": "wmav2", "container": "asf", "bit_rate": 128_000},
    "a.aiff": {"codec": "pcm_s16be"},
    "a.au": {"codec": "pcm_s16be"},
    "a.ac3": {"codec": "ac3"},
    "a.mka": {"codec": "libopus"},
}
"""A file of each format, as `written` is told to make it. All can hold two channels at 48 kHz."""
