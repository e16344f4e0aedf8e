"""`recognize scan` over music: what it hears, prints and remembers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.media.sounds import tone, written
from tests.support.photos import CAT, put

if TYPE_CHECKING:
    from tests.support.command import Recognize

pytestmark = pytest.mark.model

MUSIC = Path(__file__).parents[3] / "shared" / "data" / "music"
TAGS = {"disco": "Dance", "hiphop": "Hip-hop"}
"""The tags of genres that are called otherwise; classical music and reggae have none."""


def tags(record: dict[str, Any]) -> set[str]:
    return {tag["name"] for tag in record["tags"]}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A tone, noise, damage and a cat."""
    root = tmp_path / "music"
    root.mkdir()
    written(root / "tone.flac", tone(4), codec="flac")
    written(root / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32))
    (root / "broken.mp3").write_bytes(b"ID3 and nothing else")
    put(CAT, root / "cover.jpg")
    return root


def test_sound_gets_a_record(recognize: Recognize, music: Path) -> None:
    ended = recognize("scan", music, "--scores")
    assert ended.code == 3, ended.stderr
    assert set(ended.files) == {"tone.flac", "noise.wav", "cover.jpg"}
    assert ended.errors == {"broken.mp3": "decode"}
    for name in ("tone.flac", "noise.wav"):
        record = ended.files[name]
        assert (record["kind"], record["recognizers"]) == ("audio", ["music"])
        assert len(record["scores"]["music"]) == 10
    assert ended.files["cover.jpg"]["recognizers"] == ["objects", "faces"]
    assert ended.files["noise.wav"]["scores"] != ended.files["tone.flac"]["scores"]


def test_sound_is_known_at_the_second_run(recognize: Recognize, music: Path) -> None:
    first, second = recognize("scan", music), recognize("-v", "scan", music)
    assert "loading the model" not in second.stderr
    assert second.files == {path: {**record, "unchanged": True} for path, record in first.files.items()}


def test_without_the_recognizer_no_sound_is_decoded(recognize: Recognize, music: Path) -> None:
    ended = recognize("scan", music, "-r", "objects")
    assert ended.code == 0
    assert ended.files["tone.flac"]["recognizers"] == []


@pytest.mark.shared
@pytest.mark.skipif(not MUSIC.is_dir(), reason="../shared is not here")
def test_the_genre_is_among_the_tags(recognize: Recognize) -> None:
    with (MUSIC / "labels.csv").open(newline="", encoding="utf-8") as file:
        genres = {row["file"]: row["genre"] for row in csv.DictReader(file)}
    ended = recognize("scan", MUSIC)
    assert ended.code == 0, ended.stderr
    right = {
        genre
        for path, genre in genres.items()
        if TAGS.get(genre, genre.capitalize()) in tags(ended.files[path])
    }
    assert right == {"blues", "country", "disco", "electronic", "jazz", "metal", "pop", "rock"}
    assert len(genres) == 11
