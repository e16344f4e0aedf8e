"""`recognize scan -r places`: from the EXIF data of photos to tags, with no model and no network."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from recognize_cli.cli.scan import DEFAULTS, RECOGNIZERS
from tests.media.gps import exif
from tests.support.command import Recognize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Ended

UNCONNECTED = ["unshare", "--user", "--map-root-user", "--net"]
"""Runs a command without any network."""


def names(ended: Ended) -> dict[str, list[str]]:
    return {path: [tag["name"] for tag in record["tags"]] for path, record in ended.files.items()}


@pytest.fixture
def recognize(tmp_path: Path) -> Recognize:
    """The command, for a user who has nothing."""
    home = tmp_path / "home"
    home.mkdir()
    return Recognize(home)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of Berlin, Sydney, of the open sea and of nowhere, a damaged one and an animation."""
    folder = tmp_path / "photos"
    folder.mkdir()
    image = Image.new("RGB", (640, 480), "navy")
    image.save(folder / "gate.jpg", exif=exif((52, 30, 58.68), (13, 22, 39.72)).tobytes())
    image.save(folder / "opera.png", exif=exif((33, 51, 24.5), (151, 12, 55.0), "S", "E").tobytes())
    image.save(folder / "sea.webp", exif=exif((0, 30, 0), (30, 0, 0), "N", "W").tobytes())
    image.save(folder / "nowhere.tif")
    image.save(folder / "moving.gif", save_all=True, append_images=[Image.new("RGB", (640, 480))])
    (folder / "broken.jpg").write_bytes(b"no image")
    (folder / "song.mp3").write_bytes(b"not looked at")
    return folder


def test_photos_get_the_names_of_where_they_were_taken(recognize: Recognize, photos: Path) -> None:
    ended = recognize("scan", photos, "-r", "places", "--scores", "--offline")
    assert ended.code == 3, ended.stderr
    assert ended.errors == {"broken.jpg": "decode"}
    assert names(ended) == {
        "gate.jpg": ["Berlin", "Germany"],
        "opera.png": ["Australia", "New South Wales", "Sydney"],
        "sea.webp": [],
        "nowhere.tif": [],
        "moving.gif": [],
        "song.mp3": [],
    }
    gate = ended.files["gate.jpg"]
    assert gate["recognizers"] == ["places"]
    assert gate["scores"]["places"] == [["Germany", 1.0], ["Berlin", 1.0]]
    assert ended.files["nowhere.tif"]["scores"]["places"] == []
    assert not list(recognize.home.rglob("*.onnx"))


def test_they_are_known_at_the_second_run(recognize: Recognize, photos: Path) -> None:
    first, second = (recognize("scan", photos, "-r", "places") for _ in range(2))
    assert second.files == {path: {**record, "unchanged": True} for path, record in first.files.items()}


def test_no_scan_tells_where_people_were_unless_asked() -> None:
    assert "places" in RECOGNIZERS
    assert "places" not in DEFAULTS


def test_rules_say_how_near_is_near(recognize: Recognize, photos: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("version: 1\nplaces: {threshold: 0, most: 1, categories: [Travel]}\n")
    scanned = recognize("scan", photos, "-r", "places", "--rules", rules)
    assert names(scanned)["sea.webp"] == ["Brazil", "Travel"]
    assert names(scanned)["nowhere.tif"] == []


def test_no_network_is_needed(recognize: Recognize, photos: Path) -> None:
    try:
        subprocess.run([*UNCONNECTED, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody go without a network")
    command = [sys.executable, "-m", "recognize_cli", "scan", str(photos), "-r", "places", "--no-catalogue"]
    done = subprocess.run(
        [*UNCONNECTED, *command], env=recognize.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert '"Berlin"' in done.stdout


def test_without_the_extra_it_ends_with_how_to_install_it(
    recognize: Recognize, photos: Path, tmp_path: Path
) -> None:
    """The rest of the run does its work."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import sys\nsys.modules['reverse_geocode'] = None\nsys.modules['babel'] = None\n"
    )
    recognize.variables["PYTHONPATH"] = str(hidden)
    ended = recognize("scan", photos, "-r", "places")
    assert ended.code == 7
    assert "pip install 'recognize-cli[places]'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not any(record["tags"] for record in ended.files.values())
