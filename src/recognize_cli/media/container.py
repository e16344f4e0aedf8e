"""Media files as FFmpeg is to see them: an opened file, and nothing else within reach.

FFmpeg may try no format that refers to other files (playlists, concatenations, descriptions of streams)
and open no protocol at all.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError, PatchWelcomeError
from av.error import LookupError as NotFoundError

from recognize_cli.errors import FileFailure
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from av.container import InputContainer
    from av.stream import Stream

av.logging.set_level(None)


class _Reader:
    """An open file without a name, which refuses impossible jumps with a code.

    An exception in their place would be printed, or raised at some later call.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read = file.read
        self.tell = file.tell

    def seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -errno.EINVAL


def demuxed(file: BinaryIO, formats: str, **options: str) -> AbstractContextManager[InputContainer]:
    """An open file, taken apart into streams; ``formats`` are FFmpeg's names, separated by commas.

    Raises FFmpegError.
    """
    allowed = {"format_whitelist": formats, "protocol_whitelist": "none", **options}
    return av.open(_Reader(file), "r", options=allowed, metadata_errors="replace")


def require_decoder(stream: Stream, encrypted: Container[str]) -> None:
    """Raises FileFailure: UNSUPPORTED where a stream has no decoder, or a codec tag that stands for DRM."""
    if not stream.codec_context:
        raise FileFailure(Reason.UNSUPPORTED, "this PyAV has no decoder for its codec")
    if stream.codec_tag in encrypted:
        raise FileFailure(Reason.UNSUPPORTED, "it is encrypted (DRM)")


@contextmanager
def failures(medium: str) -> Iterator[None]:
    """Turns what FFmpeg and the system raise into the FileFailure that says it; ``medium`` is a noun."""
    try:
        yield
    except MemoryError as error:
        raise FileFailure(Reason.MEMORY, "decoding it takes more memory than the limit allows") from error
    except (PatchWelcomeError, NotFoundError) as error:
        problem = "this PyAV cannot decode it; a newer one may (`pip install --upgrade av`)"
        raise FileFailure(Reason.UNSUPPORTED, problem) from error
    except FFmpegError as error:
        problem = f"it is damaged, or not {medium} in a format that can be read"
        raise FileFailure(Reason.DECODE, problem) from error
    except OSError as error:
        raise FileFailure(Reason.IO, f"it cannot be read: {os.strerror(error.errno or 0)}") from error
