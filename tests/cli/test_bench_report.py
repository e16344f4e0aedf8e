from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recognize_cli.benching.measure import Figures
from recognize_cli.benching.whole import Pace, Settings
from recognize_cli.cli.bench_report import Measured, Report
from recognize_cli.hardware import Cpu, Hardware, Libc
from recognize_cli.models.select import Engine
from recognize_cli.records import Kind
from tests.models.making import made_entry

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Hardware(Cpu("x86_64", "A CPU", frozenset({"avx", "fpu"})), Libc("glibc", "2.36"), 2, 8 << 30, 4 << 30)
FIGURES = Figures(
    kind=Kind.IMAGE,
    files=3,
    failed=1,
    load=0.25,
    decoding=0.015,
    preparation=0.001,
    model=0.01,
    model_rate=160.0,
    floor=80.0,
    scan=Pace((60.0, 72.0, 76.0), 0.02, 0.004, 0.01),
    memory=200_000_000,
    decoders_memory=50_000_000,
)


def report(**changes: Any) -> Report:
    fields = {
        "hardware": HERE,
        "folder": None,
        "settings": Settings(2, 2, 2, 10),
        "seconds": 5.0,
        "measured": [Measured(made_entry(name="small"), Engine("onnxruntime"), FIGURES)],
        "ranking": Path("/state/bench.json"),
    }
    return Report(**{**fields, **changes})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a report writes to a stdout of some encoding, on a terminal or not."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def write(call: Callable[[], None], encoding: str = "utf-8", *, terminal: bool = False) -> str:
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, encoding)
        stream.isatty = lambda: terminal  # type: ignore[method-assign]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            call()
        stream.flush()
        return buffer.getvalue().decode(encoding)

    return write


def bars(text: str, block: str) -> dict[str, int]:
    lines = [line.split() for line in text.splitlines() if block in line]
    return {
        next(w for w in words if w in {"model", "floor", "scan"}): "".join(words).count(block)
        for words in lines
    }


def test_text_shows_the_machine_the_costs_and_the_rates(written: Callable[..., str]) -> None:
    text = written(report().write_text)
    assert "A CPU (x86_64), avx" in text
    assert "onnxruntime 1." in text
    assert "made on the spot" in text
    row = next(line for line in text.splitlines() if line.strip().startswith("objects"))
    assert row.split() == [
        *("objects", "small", "portable", "onnxruntime", "float32", "cpu"),
        *("0.25", "15.0", "1.0", "10.0", "20+4", "200+50"),
    ]
    assert "72.0  0.90 of the floor" in text
    assert "/state/bench.json" in text
    assert "\x1b" not in text


def test_bars_are_as_long_as_the_rates_are_high(written: Callable[..., str]) -> None:
    assert bars(written(report().write_text), "█") == {"model": 40, "floor": 20, "scan": 18}


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "koi8-r"])
def test_a_terminal_that_has_no_blocks_gets_other_bars(written: Callable[..., str], encoding: str) -> None:
    text = written(report().write_text, encoding)
    block = "█" if encoding == "koi8-r" else "#"
    assert bars(text, block) == {"model": 40, "floor": 20, "scan": 18}


def test_a_narrow_terminal_gets_short_bars(
    written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert bars(written(report().write_text), "█")["model"] == 10


def test_colours_are_for_terminals_and_can_be_switched_off(
    written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" in written(report().write_text, terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in written(report().write_text, terminal=True)


def test_a_folder_s_name_cannot_act_on_the_terminal(written: Callable[..., str]) -> None:
    text = written(report(folder="/a\x1b[2J", ranking=None).write_text)
    assert "\x1b" not in text
    assert "remembered" not in text


def test_json_has_all_figures(written: Callable[..., str]) -> None:
    document = json.loads(written(report(folder="/data").write_json))
    assert (document["type"], document["schema"], document["folder"]) == ("bench", 1, "/data")
    assert document["machine"]["features"] == ["avx"]
    assert document["machine"]["cores"] == 2
    assert {"recognize", "python", "onnxruntime", "av", "pillow"} <= document["machine"]["versions"].keys()
    assert document["settings"] == {"seconds": 5.0, "jobs": 2, "threads": 2, "batch_size": 2}
    [result] = document["results"]
    assert result == {
        "recognizer": "objects",
        "model": "small",
        "tier": "portable",
        "engine": "onnxruntime",
        "precision": "float32",
        "device": "cpu",
        "kind": "image",
        "files": 3,
        "files_failed": 1,
        "load_seconds": 0.25,
        "decode_cpu_ms": 15.0,
        "preparation_cpu_ms": 1.0,
        "model_cpu_ms": 10.0,
        "decoder_wait_ms": 20.0,
        "model_wait_ms": 4.0,
        "model_items_per_second": 160.0,
        "floor_items_per_second": 80.0,
        "scan_items_per_second": 72.0,
        "ratio": 0.9,
        "other_processes_cpu": 0.01,
        "memory_bytes": 200_000_000,
        "decoders_memory_bytes": 50_000_000,
    }
