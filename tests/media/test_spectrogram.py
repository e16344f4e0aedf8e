"""The mel spectrogram against librosa, whose definition it follows."""

from __future__ import annotations

import numpy as np
import pytest

from recognize_cli.media.spectrogram import BANDS, HOP, RATE, WINDOW, mel_filters, mel_spectrogram


def chirp(samples: int) -> np.ndarray:
    """From 20 Hz to 7.9 kHz, getting louder, with some noise."""
    moments = np.linspace(0, 1, samples)
    phase = np.cumsum(2 * np.pi * (20 + 7_880 * moments) / RATE)
    noise = np.random.default_rng(0).normal(0, 0.01, samples)
    return np.asarray(moments * np.sin(phase) + noise, np.float32)


def test_the_filters_are_librosas() -> None:
    filters = pytest.importorskip("librosa").filters
    expected = filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS)
    assert mel_filters().shape == expected.shape
    assert np.abs(mel_filters() - expected).max() < 1e-7


@pytest.mark.parametrize("samples", [512, 5_000, 48_000, 300_001])
def test_the_spectrogram_is_librosas(samples: int) -> None:
    feature = pytest.importorskip("librosa").feature
    sound = chirp(samples)
    expected = feature.melspectrogram(y=sound, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS).T
    found = mel_spectrogram(sound)
    assert found.dtype == np.float32
    assert found.shape == expected.shape == (1 + samples // HOP, BANDS)
    assert np.abs(found - expected).max() <= 1e-4 * max(1, expected.max() / 100)
    assert np.abs(np.log10(10_000 * found + 1) - np.log10(10_000 * expected + 1)).max() < 1e-4


@pytest.mark.parametrize("hertz", [100, 440, 1_000, 3_000, 7_000])
def test_a_tone_is_in_the_band_of_its_frequency(hertz: int) -> None:
    sound = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)
    loudest = set(mel_spectrogram(sound)[2:-2].argmax(axis=1).tolist())
    [band] = loudest
    reach = np.flatnonzero(mel_filters()[band]) * RATE / WINDOW
    assert reach.min() - RATE / WINDOW <= hertz <= reach.max() + RATE / WINDOW


def test_silence_has_no_power() -> None:
    assert not mel_spectrogram(np.zeros(48_000, np.float32)).any()
