"""What every sink promises, whatever it is told."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from recognize_cli.records import FileResult, Gone, Kind, Reason, Removed, Skipped, Unreadable
from recognize_cli.sinks.jsonl import JsonSink
from recognize_cli.sinks.text import TextSink
from tests.support.records import media_file, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from recognize_cli.protocols import Sink

MAKERS: dict[str, Callable[[IO[bytes]], Sink]] = {
    "jsonl": JsonSink,
    "json": lambda stream: JsonSink(stream, lines=False),
    "scores": lambda stream: JsonSink(stream, scores=True),
    "text": lambda stream: TextSink(
        io.TextIOWrapper(cast("io.BytesIO", stream), "utf-8", write_through=True), lambda text, _: text
    ),
}
HOSTILE = b"\x1b]0;pwned\x07\n\xff.jpg".decode("utf-8", "surrogateescape")


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[IO[bytes]], Sink]:
    return MAKERS[request.param]


class Stream(io.BytesIO):
    """Keeps what was written after it is closed; can break like a pipe or fill like a disk."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__()
        self.error = error
        self.flushed = 0

    def write(self, data: object) -> int:
        if self.error:
            raise self.error
        return super().write(data)  # type: ignore[arg-type]

    def flush(self) -> None:
        self.flushed = self.tell() if not self.closed else self.flushed
        super().flush()


def test_everything_can_be_told(make: Callable[[IO[bytes]], Sink]) -> None:
    stream = Stream()
    file = media_file(HOSTILE)
    with make(stream) as sink:
        sink.result(result())
        sink.result(result(unchanged=True, tags=()))
        sink.result(FileResult(media_file("a.mp3", kind=Kind.AUDIO), unchanged=True))
        sink.result(FileResult(file, failures=(Skipped(file, Reason.DECODE, f"{HOSTILE} is bad"),)))
        sink.result(replace(result(), failures=(Skipped(media_file(), Reason.INFERENCE, "no", "faces"),)))
        sink.removed(Removed("/data", HOSTILE, Gone.DELETED))
        sink.unreadable(Unreadable("/data", HOSTILE, "no"))
        sink.summary({"files": 5})
        written = stream.getvalue()
    written.decode()
    assert b"\x1b" not in written
    assert b"\x07" not in written


def test_news_can_be_read_at_once(make: Callable[[IO[bytes]], Sink]) -> None:
    stream = Stream()
    with make(stream) as sink:
        sink.result(result())
        assert b"a.jpg" in stream.getvalue()[: stream.flushed]


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_a_stream_that_fails_is_not_covered_up(make: Callable[[IO[bytes]], Sink], error: OSError) -> None:
    stream = Stream(error)
    with pytest.raises(type(error)), make(stream) as sink:
        sink.result(result())
    stream.error = None
