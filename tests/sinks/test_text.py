from __future__ import annotations

import io
from dataclasses import replace

from recognize_cli.records import FileResult, Gone, Kind, Reason, Removed, Skipped, Unreadable
from recognize_cli.sinks.text import TextSink
from tests.support.records import media_file, result


def plain(text: str, role: str) -> str:
    return text


def test_one_line_a_file() -> None:
    stream = io.StringIO()
    with TextSink(stream, plain) as sink:
        sink.result(result("a.jpg", tags=("Cat", "Animal")))
        sink.result(result("b.jpg", tags=()))
        sink.result(FileResult(media_file("c.mp3", kind=Kind.AUDIO)))
        sink.removed(Removed("/data", "old.jpg", Gone.IGNORED))
        sink.unreadable(Unreadable("/data", "secret", "permission denied"))
    assert stream.getvalue().splitlines() == [
        "a.jpg: Cat 93%, Animal 93%",
        "b.jpg: -",
        "old.jpg: (ignored)",
        "secret: permission denied",
    ]


def test_failures_and_scores_are_shown() -> None:
    stream = io.StringIO()
    with TextSink(stream, plain, scores=True) as sink:
        sink.result(FileResult(media_file(), failures=(Skipped(media_file(), Reason.DECODE, "cut off"),)))
        sink.result(result("b.jpg"))
    assert stream.getvalue().splitlines() == [
        "a.jpg: cut off [decode]",
        "b.jpg: Cat 93%",
        "  objects: tabby 0.930",
    ]


def test_a_hostile_name_cannot_reach_the_terminal() -> None:
    stream = io.StringIO()
    with TextSink(stream, plain) as sink:
        sink.result(replace(result(), file=media_file("\x1b[2J.jpg")))
    assert "\x1b" not in stream.getvalue()


def test_style_sees_the_role_of_each_part() -> None:
    stream = io.StringIO()
    with TextSink(stream, lambda text, role: f"<{role}>{text}") as sink:
        sink.result(result())
    assert stream.getvalue() == "<path>a.jpg: <tag>Cat 93%\n"
