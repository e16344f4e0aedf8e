"""Opens media files that have pictures in motion in them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from av.stream import Disposition

from recognize_cli.errors import FileFailure
from recognize_cli.media.container import demuxed, require_decoder
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from av.container import InputContainer
    from av.video.stream import VideoStream

_FORMATS = (
    "asf,avi,dv,flv,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,wtv,"
    "yuv4mpegpipe"
)
_ENCRYPTED = frozenset(("drmi", "encv"))
_SIGNS_OF_DRM = frozenset(("enc_key_id", "ASF_Protection_Type"))
"""Metadata with which FFmpeg marks what is encrypted in Matroska and in ASF."""
_STILL = Disposition.attached_pic | Disposition.timed_thumbnails


@contextmanager
def moving_pictures(file: BinaryIO, max_pixels: int) -> Iterator[tuple[InputContainer, VideoStream]]:
    """An open file and the video stream of it that players would play, set up to be decoded.

    Raises FFmpegError, and FileFailure: DECODE, UNSUPPORTED, TOO_LARGE (before any frame is decoded).
    """
    options = {"max_pixels": str(max_pixels)}
    with demuxed(file, _FORMATS, **options) as container:
        stream = _best(container)
        if _SIGNS_OF_DRM & (container.metadata.keys() | stream.metadata.keys()):
            raise FileFailure(Reason.UNSUPPORTED, "it is encrypted (DRM)")
        require_decoder(stream, _ENCRYPTED)
        codec = stream.codec_context
        if codec.width * codec.height > max_pixels:
            problem = f"it has {codec.width}×{codec.height} pixels, more than the limit of {max_pixels}"
            raise FileFailure(Reason.TOO_LARGE, problem)
        codec.thread_count = 1
        codec.options = options  # a later frame may be larger
        yield container, stream


def _best(container: InputContainer) -> VideoStream:
    """The best stream that is no cover picture; raises FileFailure: DECODE."""
    best = container.streams.best("video")
    streams = [stream for stream in container.streams.video if not stream.disposition & _STILL]
    if not streams:
        raise FileFailure(Reason.DECODE, "there is no moving picture in it")
    return next((stream for stream in streams if stream is best), streams[0])
