"""Mel spectrograms by librosa's definition, in plain NumPy.

librosa itself brings the compiler numba: 200 MB on disk, and many seconds at the first spectrogram. That the
two are equal is tested.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000
"""Samples a second."""

WINDOW, HOP, BANDS = 512, 256, 96
"""Samples that a frame sees, samples from one frame to the next, and bands of a frame."""

_FRAMES_AT_ONCE = 256
_HZ_A_MEL = 200 / 3  # up to 1000 Hz
_LINEAR_END = 1000.0
_LOG_STEP = np.log(6.4) / 27  # a mel above that


def mel_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The power in each band over time, float32 [1 + samples // HOP, BANDS].

    Frame i is centred on sample i · HOP; beyond the ends is silence. That is
    ``librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS).T``.
    """
    padded = np.pad(samples.astype(np.float32, copy=False), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    filters, hann = mel_filters().T, _hann()
    spectrogram = np.empty((len(frames), BANDS), np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        block = slice(start, start + _FRAMES_AT_ONCE)
        spectrum = np.fft.rfft(frames[block] * hann, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        spectrogram[block] = power.astype(np.float32, copy=False) @ filters
    return spectrogram


@cache
def mel_filters() -> NDArray[np.float32]:
    """What each band takes of each frequency of a frame's spectrum, float32 [BANDS, WINDOW / 2 + 1].

    Triangles over Slaney's mel scale from 0 to half of the rate, each of area 1: ``librosa.filters.mel``.
    """
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    corners = _hertz(np.linspace(0, _mels(RATE / 2), BANDS + 2))
    rising = (frequencies - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequencies) / np.diff(corners)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (corners[2:] - corners[:-2]))[:, None], np.float32)


def _mels(hertz: float) -> float:
    """Slaney's scale, for frequencies of at least 1000 Hz."""
    return float(_LINEAR_END / _HZ_A_MEL + np.log(hertz / _LINEAR_END) / _LOG_STEP)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way back, for all mels from 0 on."""
    linear = mels * _HZ_A_MEL
    logarithmic = _LINEAR_END * np.exp(_LOG_STEP * (mels - _LINEAR_END / _HZ_A_MEL))
    return np.where(linear < _LINEAR_END, linear, logarithmic)


@cache
def _hann() -> NDArray[np.float32]:
    turns = 2 * np.pi * np.arange(WINDOW) / WINDOW
    return np.asarray((1 - np.cos(turns)) / 2, np.float32)
