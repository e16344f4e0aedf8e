"""The pictures of a media file in motion, by FFmpeg: those from any moment on, with their times.

Damage is stepped over, as players do: it costs the packet that it is in, and what depends on that.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Self

import av
from av.error import FFmpegError

from recognize_cli.media.clock import GAP, Clock
from recognize_cli.media.moving import moving_pictures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    _Packet = tuple[float, Packet[VideoStream]]

_WITHOUT_DURATION = frozenset(("h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vc1"))
"""Formats that are bare packets: FFmpeg makes their duration up from the bit rate that they begin with."""
_FRAME_RATES = (1.0, 240.0)  # a second; who states another does not count his frames so
_USUAL_RATE = 25.0
_MAX_RUN_UP = 1000  # packets between a key frame and the moment that is wanted
_MAX_PACKETS = 2_000_000  # read in one go: a day's film
_LONGEST = 1000 * 3600.0  # seconds; who states more errs
_WHILE = 2.0  # seconds; lengths are inexact
_RUNS_UP = (0.0, 2.0, 10.0)
"""Seconds by which a jump is repeated earlier when it ends too late, as in streams without an index."""
_FEW = 1.0  # seconds that are sooner decoded than jumped over


class Footage:
    """The video stream that players would play, to be gone through once. Times are in seconds from its start.

    `damaged` counts the packets that could not be decoded, `shown` the frames that could. Reading ends at
    ``deadline``, a time of `time.monotonic`; `late` says whether it did. It also ends where a jump is
    `refused`, for after that it may be anywhere. Without ``seekable`` all is read that lies between.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, deadline: float, *, seekable: bool
    ) -> None:
        self._container = container
        self._stream = stream
        self._deadline = deadline
        self._unit = float(stream.time_base or 1)
        self._begin = (stream.start_time or 0) * self._unit
        self._untouched = True
        self._has_times = False
        self._untimed = False
        self._seekable = seekable
        self._at = self._key = self._stretch = 0.0
        self.refused = False
        self.damaged = self.shown = 0

    @classmethod
    @contextmanager
    def of(cls, file: BinaryIO, max_pixels: int, deadline: float, *, seekable: bool = True) -> Iterator[Self]:
        """The best video stream of an open file.

        Raises FFmpegError, and FileFailure: DECODE, UNSUPPORTED, TOO_LARGE (before any frame is decoded).
        """
        with moving_pictures(file, max_pixels) as (container, stream):
            yield cls(container, stream, deadline, seekable=seekable)

    @property
    def late(self) -> bool:
        """Whether the time for reading is over."""
        return time.monotonic() >= self._deadline

    @property
    def frame_seconds(self) -> float:
        """How long a frame lasts, on the average."""
        rate = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        return 1 / (rate if _FRAME_RATES[0] <= rate <= _FRAME_RATES[1] else _USUAL_RATE)

    @property
    def aspect(self) -> float:
        """The width of a pixel for one of the height 1."""
        return float(self._stream.sample_aspect_ratio or 1)

    @property
    def stated(self) -> float | None:
        """Its length as the file states it, None where it does not, or nonsense."""
        if self._container.format.name in _WITHOUT_DURATION:
            return None
        if self._stream.duration is not None:
            seconds = self._stream.duration * self._unit
        else:
            seconds = (self._container.duration or 0) / av.time_base
        return seconds if 0 < seconds <= _LONGEST else None

    def measured(self) -> float:
        """Its length, found by reading packets without decoding any: all, or those of half the time left."""
        enough = (time.monotonic() + self._deadline) / 2
        clock = Clock(0.0, self.frame_seconds)
        end = 0.0
        for _, packet in self._packets():
            if packet.size:
                stamp = packet.pts if packet.dts is None else packet.dts  # these are in order
                seconds = None if stamp is None else self._seconds(stamp)
                end = clock.read(seconds) + self.frame_seconds
            if time.monotonic() > enough:
                break
        return end

    def goes_beyond(self, seconds: float) -> bool:
        """Whether there are packets a good while after some time; without decoding any."""
        self._seek(seconds + _WHILE)
        packets = islice(self._packets(), _MAX_RUN_UP)
        return any(packet.size and stamp > seconds + _WHILE for stamp, packet in packets)

    def skip_unreferenced(self) -> None:
        """From now on frames that no other needs are left out, where the codec tells them: often half."""
        self._stream.codec_context.skip_frame = "NONREF"

    def worth_a_jump(self, now: float, then: float) -> bool:
        """Whether the way from one moment to another is shorter by a jump than through all that lies between.

        A jump ends at a key frame; where those are rare it may well lead back to before ``now``.
        """
        return then - now > max(_FEW, self._stretch / 2)

    def frames(self, start: float) -> Iterator[tuple[float, VideoFrame]]:
        """Frames in the order of their times, from the key frame at or before ``start`` on.

        Where there is none, from the one after it.
        """
        jumped = start > 0 or not self._untouched
        self._untouched = False
        first: float | None = None
        clock = Clock(start, self.frame_seconds)
        for seconds, packet in self._landed(start) if jumped else self._packets():
            if first is None:
                first = seconds
                clock = Clock(seconds, self.frame_seconds)
            if packet.is_keyframe:
                self._key = seconds
            elif 0 < seconds - self._key < GAP:
                self._stretch = max(self._stretch, seconds - self._key)
            for frame in self._decoded(packet):
                stamp = self._stamp(frame)
                if not jumped or stamp is None or stamp >= first:  # else it leans on what was jumped over
                    yield clock.read(stamp), frame

    def _landed(self, start: float) -> Iterator[_Packet]:
        """The packets from the last key frame before ``start`` on, or where there is none from the next."""
        for earlier in _RUNS_UP:
            sought = self._seek(start - earlier)
            if self.refused:
                return
            packets = self._packets()
            run_up = self._run_up(packets, start)
            if not sought or (run_up and run_up[0][0] <= start + self.frame_seconds):
                break
        yield from run_up
        yield from packets

    def _run_up(self, packets: Iterator[_Packet], start: float) -> list[_Packet]:
        """The packets from the last key frame before ``start`` until then."""
        run_up: list[_Packet] = []
        for seconds, packet in packets:
            behind = bool(run_up) and seconds >= start
            if packet.is_keyframe and not behind:
                run_up = []
            if run_up or packet.is_keyframe:
                run_up.append((seconds, packet))
            if behind or (run_up and seconds >= start):
                break
            if len(run_up) > _MAX_RUN_UP:
                run_up = []
        return run_up

    def _packets(self) -> Iterator[_Packet]:
        """The packets from here on with their times, and an empty one that drains the decoder."""
        try:
            for count, packet in enumerate(self._container.demux(self._stream)):
                if count >= _MAX_PACKETS or self.late:
                    return
                stamp = packet.dts if packet.pts is None else packet.pts
                self._untimed = stamp is None and packet.size > 0
                self._at = self._at + self.frame_seconds if stamp is None else self._seconds(stamp)
                yield self._at, packet
        except FFmpegError as error:
            self._note(error)

    def _decoded(self, packet: Packet[VideoStream]) -> Iterator[VideoFrame]:
        """The whole frames that a packet completes."""
        try:
            frames = packet.decode()
        except FFmpegError as error:
            self._note(error)
            return
        for frame in frames:
            if frame.is_corrupt:
                self.damaged += 1
            else:
                self.shown += 1
                yield frame

    def _seek(self, start: float) -> bool:
        """Goes to ``start``, or before; whether it did, for some cannot be sought in: then it stays.

        Where packets bear no times FFmpeg would look for the right one until the end.
        """
        codec = self._stream.codec_context
        if not self._seekable or self._untimed:
            if codec.is_open:
                codec.flush_buffers()
            return False
        try:
            self._container.seek(int((max(0.0, start) + self._begin) / self._unit), stream=self._stream)
        except (FFmpegError, OverflowError):
            self.refused = True
            return False
        return True

    def _stamp(self, frame: VideoFrame) -> float | None:
        """When a frame is shown, as the file says it; for AVI, which does not, when it was decoded."""
        self._has_times |= frame.pts is not None
        stamp = frame.pts if self._has_times else frame.dts
        return None if stamp is None else self._seconds(stamp)

    def _seconds(self, stamp: int) -> float:
        return stamp * self._unit - self._begin

    def _note(self, error: FFmpegError) -> None:
        if isinstance(error, MemoryError):
            raise error
        self.damaged += 1
