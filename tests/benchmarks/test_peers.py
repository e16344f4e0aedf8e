"""What comparisons with peers share, and that each of their programs starts without its peer."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from bench import peers, portraits
from PIL import Image

BENCH = Path(__file__).parents[2] / "bench"

BUSY = """
import subprocess, sys, time
def work():
    while time.process_time() < 0.3: pass
if sys.argv[1:]:
    work()
else:
    subprocess.run([sys.executable, __file__, "child"], check=True)
    print(sys.stdin.read().upper())
"""


def test_a_command_costs_what_its_children_cost_too(tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    cost = peers.python(script, given="told")
    assert cost.cpu_seconds >= 0.3
    assert cost.seconds > 0
    assert cost.output == "TOLD\n"


def test_a_command_sees_what_its_environment_is_to_have(tmp_path: Path) -> None:
    script = tmp_path / "environment.py"
    script.write_text("import os; print(os.environ['TOLD'], os.environ['PATH'] != '')")
    assert peers.python(script, TOLD="this").output == "this True\n"


def test_a_command_that_fails_ends_it_all_with_what_it_says() -> None:
    with pytest.raises(SystemExit, match="ended with 3: no such thing"):
        peers.run([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"])


def test_a_scan_tells_its_files_and_no_summary(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    cost, records = peers.scan(tmp_path, "-r", "objects")
    assert records == []
    assert cost.cpu_seconds > 0


def test_the_start_of_a_scan_is_that_of_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def scan(source: Path, *arguments: str) -> tuple[peers.Cost, list[dict[str, str]]]:
        assert arguments == ("-r", "objects")
        count = {"folder": 5, "first.jpg": 1}[source.name]
        return peers.Cost(2.0 + count, 10.0 + 3 * count), [{"path": str(index)} for index in range(count)]

    monkeypatch.setattr(peers, "scan", scan)
    times, records = peers.scan_without_start(Path("folder"), Path("first.jpg"), "-r", "objects")
    assert times == (5.0, 15.0, 7.0)
    assert len(records) == 5


def test_each_round_begins_with_another() -> None:
    calls: list[str] = []

    def contender(name: str) -> int:
        calls.append(name)
        return len(calls)

    results = peers.in_turns(3, {name: lambda name=name: contender(name) for name in "abc"})
    assert calls == list("abcbcacab")
    assert results == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_ratios_are_those_of_rounds() -> None:
    assert peers.times_faster([10.0, 30.0, 100.0], [5.0, 10.0, 100.0]) == 2.0
    assert peers.median_ms([1.0, 2.0, 9.0], 4) == 500.0
    ours, theirs = peers.Round(2.0, 3.0, 4.0), peers.Round(20.0, 15.0, 100.0)
    assert peers.ratios([ours], [theirs]) == {"clock": 10.0, "cpu": 5.0, "whole_command": 25.0}
    assert peers.milliseconds([ours], 10) == {"clock": 200.0, "cpu": 300.0}


def test_tags_agree_as_far_as_they_are_among_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    agreement = import_module("peer_musicnn").agreement
    theirs = {"rock": 0.9, "pop": 0.8, "jazz": 0.7, "folk": 0.6, "soul": 0.5, "funk": 0.4}
    ours = theirs | {"soul": 0.1, "funk": 0.45}
    assert agreement(ours, theirs) == {
        "ours": ["rock", "pop", "jazz", "folk", "funk"],
        "theirs": ["rock", "pop", "jazz", "folk", "soul"],
        "shared": 4,
        "differs_most": 0.4,
    }


def test_versions_tell_what_is_not_installed() -> None:
    versions = peers.setting("pillow", "no-such-distribution")["versions"]
    assert versions["no-such-distribution"] is None
    assert versions["pillow"]


def test_made_photos_have_one_to_three_portraits(tmp_path: Path) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    faces = [tmp_path / f"{index}.png" for index in range(3)]
    for face, colour in zip(faces, colours, strict=True):
        Image.new("RGB", (20, 20), colour).save(face)
    photos = portraits.make(tmp_path / "photos", 2, faces)
    assert [shown(photo, colours) for photo in photos] == [[0], [1, 2]]


def shown(photo: Path, colours: list[tuple[int, int, int]]) -> list[int]:
    """Which of the colours cover more than one part in fifty of a photo."""
    with Image.open(photo) as image:
        assert image.size == portraits.SIZE
        pixels = np.asarray(image.reduce(10), np.int16)
    near = [(np.abs(pixels - colour).max(axis=2) < 40).mean() for colour in colours]
    return [index for index, share in enumerate(near) if share > 0.02]


@pytest.mark.parametrize("script", sorted(BENCH.glob("peer_*.py")), ids=lambda script: script.stem)
def test_a_comparison_says_how_its_peer_is_installed(script: Path) -> None:
    told = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True, timeout=120
    )
    assert "pip install " in told.stdout
    assert f"python bench/{script.name}" in told.stdout
