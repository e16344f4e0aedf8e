"""The bytes of an answer, bounded: how many come over the wire, and how many they unpack to."""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import TYPE_CHECKING, Final

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

_CHUNK: Final = 1 << 18
_GZIP: Final = 31  # zlib's number for a gzip frame and its largest window


class BrokenBody(Exception):
    """A body ended early, or is not what its headers say; another try may get a sound one."""


class BodyTooLong(Exception):
    """A body is longer than the limit; another try would be, too."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it sends more than {limit} bytes")


def chunks(response: requests.Response, limit: int) -> Iterator[bytes]:
    """The body in pieces, unpacked if it is gzip; urllib3 unchunks it and compares it with Content-Length.

    Raises BrokenBody, BodyTooLong and what urllib3 raises.
    """
    length = response.headers.get("Content-Length", "")
    if re.fullmatch(r"[0-9]{1,18}", length) and int(length) > limit:
        raise BodyTooLong(limit)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    pieces = response.raw.stream(_CHUNK, decode_content=False)
    if encoding in {"gzip", "x-gzip"}:
        pieces = _gunzipped(pieces)
    elif encoding not in {"identity", ""}:
        raise BrokenBody(f"it is packed as {encoding[:20]!r}, which was not asked for")
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise BodyTooLong(limit)
        yield piece


def beginning(response: requests.Response, length: int) -> bytes:
    """At most as many bytes of the body, fewer where it is broken: for messages, not for results."""
    start = b""
    with contextlib.suppress(BrokenBody, BodyTooLong, urllib3.exceptions.HTTPError):
        for piece in chunks(response, length):
            start += piece
    return start


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What a gzip stream unpacks to, never more than a chunk in memory; raises BrokenBody."""
    unpacker = zlib.decompressobj(_GZIP)
    for packed in pieces:
        rest = packed
        while rest and not unpacker.eof:
            try:
                yield unpacker.decompress(rest, _CHUNK)
            except zlib.error:
                raise BrokenBody("it is damaged gzip") from None
            rest = unpacker.unconsumed_tail
        if rest or unpacker.unused_data:
            raise BrokenBody("there is more behind the end of the gzip stream")
    if not unpacker.eof:
        raise BrokenBody("its gzip stream ends early")
