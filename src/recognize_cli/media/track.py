"""One audio track of a media file, by FFmpeg: any span of it as mono samples at one rate.

Damage is stepped over, as players do: it costs the packet that it is in.
"""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.error import FFmpegError

from recognize_cli.errors import FileFailure
from recognize_cli.media.container import demuxed, require_decoder
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.packet import Packet
    from numpy.typing import NDArray

RATE = 16_000
"""Samples a second of what `Track.read` gives."""

_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,caf,dsf,dts,dtshd,eac3,flac,iff,matroska,mlp,mov,mp3,mpc,mpc8,"
    "ogg,rm,shn,sox,tak,tta,truehd,voc,w64,wav,wv"
)
_WITHOUT_DURATION = frozenset(("aac", "ac3", "dts", "eac3", "mlp", "mp3", "truehd"))
"""Formats that are bare packets: FFmpeg makes their duration up from the bit rate that they begin with."""
_ENCRYPTED = frozenset(("aavd", "drmi", "drms", "enca"))
_RATES = range(1_000, 768_000 + 1)
_PREROLL = 0.25  # seconds that a decoder may need before what it gives is right again
_MAX_PACKETS = 2_000_000  # read in search of one span, or of the end: 14 hours of MP3
_LOUDEST = 4.0  # decoders of lossy formats go beyond full scale; 12 dB is no music any more


class Track:
    """The audio track that players would play.

    `damaged` and `sound` count the packets that could not be decoded and those that could.
    """

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._container = container
        self._stream = stream
        self._untouched = True
        self._unit = float(stream.time_base or 1)
        self._begin = (stream.start_time or 0) * self._unit
        self.damaged = self.sound = 0

    @classmethod
    @contextmanager
    def of(cls, file: BinaryIO) -> Iterator[Self]:
        """The best track of an open file; raises FFmpegError, and FileFailure: DECODE, UNSUPPORTED."""
        with demuxed(file, _FORMATS) as container:
            stream = container.streams.best("audio")
            if not isinstance(stream, AudioStream):
                raise FileFailure(Reason.DECODE, "there is no sound in it")
            require_decoder(stream, _ENCRYPTED)
            stream.codec_context.thread_count = 1
            yield cls(container, stream)

    @property
    def stated(self) -> float | None:
        """Its length in seconds as the file states it, None where it does not."""
        if self._container.format.name in _WITHOUT_DURATION:
            return None
        if self._stream.duration is not None:
            return self._stream.duration * self._unit
        return None if self._container.duration is None else self._container.duration / av.time_base

    def measured(self) -> float:
        """Its length in seconds, found by reading all packets without decoding any."""
        self._seek(0)
        end = 0.0
        for packet in self._packets():
            end = max(end, self._end(packet, end))
        return end

    def read(self, start: float, seconds: float) -> NDArray[np.float32]:
        """Mono samples at `RATE` of a span, both in seconds; fewer or none where the track ends.

        Where a seek is inexact and lands behind ``start``, the span begins there. Channels are
        averaged, which keeps the level of what all of them have; full scale is 1.
        """
        pieces = []
        blocks = self._blocks(start, seconds)
        for rate, group in groupby(blocks, key=lambda block: block[0]):  # it may change midway
            resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
            pieces += [resampler.resample_chunk(samples) for _, samples in group]
            pieces.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
        samples = np.concatenate(pieces) if pieces else np.empty(0, np.float32)
        return samples[: round(seconds * RATE)]

    def _blocks(self, start: float, seconds: float) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """A span in pieces, each with its rate, as decoded but for the averaging of channels."""
        for frame in self._frames(start):
            rate = frame.sample_rate
            if rate not in _RATES:
                raise FileFailure(Reason.UNSUPPORTED, f"its sample rate is {rate} Hz")
            samples = averaged(frame)
            if start > 0 and frame.time is not None:
                samples = samples[max(0, round((start - (frame.time - self._begin)) * rate)) :]
            if not samples.size:
                continue
            yield rate, samples
            seconds -= len(samples) / rate
            if seconds <= 0:
                return

    def _frames(self, start: float) -> Iterator[AudioFrame]:
        """What decodes from a little before ``start`` on."""
        self._seek(start - _PREROLL)
        for packet in self._packets():
            if packet.size and self._end(packet, math.inf) < start - _PREROLL:
                continue
            try:
                frames = packet.decode()
            except FFmpegError as error:
                self._note(error)
                continue
            self.sound += bool(frames)
            yield from frames

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        """The packets from here on, and an empty one at the end that gets the decoder's last frames out."""
        try:
            for count, packet in enumerate(self._container.demux(self._stream)):
                if count >= _MAX_PACKETS:
                    return
                yield packet
        except FFmpegError as error:
            self._note(error)
        except IndexError:  # PyAV's, where another stream takes over: in a chain of Oggs
            self.damaged += 1

    def _seek(self, start: float) -> None:
        """Goes to ``start``, or before; where that cannot be, stays and lets what comes be passed over."""
        if start <= 0 and self._untouched:
            self._untouched = False
            return
        self._untouched = False
        with suppress(FFmpegError, OverflowError):
            self._container.seek(int((max(0.0, start) + self._begin) / self._unit), stream=self._stream)

    def _end(self, packet: Packet[AudioStream], before: float) -> float:
        """When a packet ends, in seconds; without a time of its own it follows ``before``."""
        seconds = (packet.duration or 0) * self._unit
        return before + seconds if packet.pts is None else packet.pts * self._unit - self._begin + seconds

    def _note(self, error: FFmpegError) -> None:
        if isinstance(error, MemoryError):
            raise error
        self.damaged += 1


def averaged(frame: AudioFrame) -> NDArray[np.float32]:
    """The mean of a frame's channels, full scale at 1; what is no number is silence.

    Raises FileFailure: UNSUPPORTED.
    """
    try:
        samples: NDArray[Any] = frame.to_ndarray()
    except ValueError as error:
        raise FileFailure(Reason.UNSUPPORTED, f"PyAV gives no {frame.format.name} samples") from error
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    with np.errstate(over="ignore", invalid="ignore"):
        mono: NDArray[np.float32] = samples.mean(axis=0, dtype=np.float32)
    if samples.dtype.kind == "u":
        mono -= 128
        mono /= 128
    elif samples.dtype.kind == "i":
        mono /= -float(np.iinfo(samples.dtype).min)
    return np.clip(np.nan_to_num(mono, copy=False), -_LOUDEST, _LOUDEST)
