from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.records import Gone, Reason, Removed, Skipped, Unreadable
from recognize_cli.sinks.jsonl import JsonSink
from tests.support.records import media_file, result


def written(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_file_record_holds_the_documented_fields() -> None:
    stream = io.BytesIO()
    with JsonSink(stream, scores=True) as sink:
        sink.result(result("trip/a.jpg"))
    assert written(stream) == [
        {
            "type": "file",
            "schema": 1,
            "source": "/data",
            "path": "trip/a.jpg",
            "kind": "image",
            "size": 10,
            "modified": "2026-05-01T10:00:00Z",
            "unchanged": False,
            "recognizers": ["objects"],
            "tags": [{"name": "Cat", "score": 0.93, "recognizer": "objects", "class": "cat"}],
            "scores": {"objects": [["tabby", 0.93]]},
        }
    ]


def test_a_file_that_could_not_be_read_gives_an_error_in_place_of_a_result() -> None:
    stream = io.BytesIO()
    file = media_file("b.jpg")
    with JsonSink(stream) as sink:
        sink.result(replace(result("b.jpg"), failures=(Skipped(file, Reason.DECODE, "cut off"),)))
    (record,) = written(stream)
    assert (record["type"], record["reason"], record["message"]) == ("error", "decode", "cut off")


def test_a_recognizer_that_failed_costs_only_its_own_tags() -> None:
    stream = io.BytesIO()
    failure = Skipped(media_file(), Reason.INFERENCE, "no", "faces")
    with JsonSink(stream) as sink:
        sink.result(replace(result(), failures=(failure,)))
    assert [(each["type"], each.get("recognizer")) for each in written(stream)] == [
        ("file", None),
        ("error", "faces"),
    ]


def test_the_array_is_one_json_document() -> None:
    stream = io.BytesIO()
    with JsonSink(stream, lines=False) as sink:
        sink.result(result())
        sink.removed(Removed("/data", "old.jpg", Gone.DELETED))
        sink.unreadable(Unreadable("/data", "secret", "permission denied"))
        sink.summary({"files": 1})
    assert [each["type"] for each in json.loads(stream.getvalue())] == ["file", "removed", "error", "summary"]


def test_an_array_that_was_cut_off_by_an_error_is_still_readable() -> None:
    stream = io.BytesIO()

    def run() -> None:
        with JsonSink(stream, lines=False) as sink:
            sink.result(result())
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        run()
    assert len(json.loads(stream.getvalue())) == 1


@pytest.mark.parametrize("seconds", [1e300, -1e300, float(2**63)])
def test_an_impossible_time_is_null(seconds: float) -> None:
    stream = io.BytesIO()
    with JsonSink(stream) as sink:
        sink.result(replace(result(), file=media_file(modified=seconds)))
    assert written(stream)[0]["modified"] is None


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_name_survives_the_way_through_json(name: bytes) -> None:
    stream = io.BytesIO()
    with JsonSink(stream) as sink:
        sink.result(result(name.decode("utf-8", "surrogateescape")))
    (record,) = written(stream)
    raw = record.get("path_bytes")
    again = base64.b64decode(str(raw)) if raw else str(record["path"]).encode()
    assert again == name
