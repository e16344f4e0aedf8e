from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import ConfigError, OutputError
from recognize_cli.review.folder import MARKER, ReviewFolder

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["1-0123456789ab.jpg", "2-0123456789ab.jpg"]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("there_before", [False, True])
def test_all_in_it_is_private(tmp_path: Path, there_before: bool) -> None:
    place = tmp_path / "deep" / "review"
    if there_before:
        place.mkdir(parents=True, mode=0o755)
    folder = ReviewFolder.open(place)
    folder.add_thumbnail(NAMES[0], b"jpeg")
    folder.publish("page")
    assert mode(place) == mode(place / "thumbs") == 0o700
    assert {mode(path) for path in place.rglob("*") if path.is_file()} == {0o600}


def test_it_is_made_again_and_again(tmp_path: Path) -> None:
    for text in ("one", "zwei ö"):
        ReviewFolder.open(tmp_path / "review").publish(text)
    assert (tmp_path / "review" / "index.html").read_text("utf-8") == "zwei ö"
    assert sorted(os.listdir(tmp_path / "review")) == [MARKER, "index.html", "thumbs"]


def test_a_mode_that_somebody_gave_it_stays(tmp_path: Path) -> None:
    ReviewFolder.open(tmp_path / "review")
    (tmp_path / "review").chmod(0o750)
    ReviewFolder.open(tmp_path / "review")
    assert mode(tmp_path / "review") == 0o750


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        ReviewFolder.open(tmp_path)
    assert os.listdir(tmp_path) == ["index.html"]


def test_what_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".recognize-0123456789ab.tmp").write_text("half")
    ReviewFolder.open(tmp_path).tidy([])
    assert sorted(os.listdir(tmp_path)) == [MARKER, "thumbs"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="not a folder"):
        ReviewFolder.open(tmp_path / "file")
    with pytest.raises((ConfigError, OutputError)):
        ReviewFolder.open(tmp_path / "file" / "below")


def test_only_old_thumbnails_of_ours_are_deleted(tmp_path: Path) -> None:
    folder = ReviewFolder.open(tmp_path / "review")
    for name in NAMES:
        folder.add_thumbnail(name, b"jpeg")
    thumbs = tmp_path / "review" / "thumbs"
    foreign = ["holiday.jpg", "3-short.jpg", "4-0123456789AB.jpg", "5-0123456789ab.jpg.bak"]
    for name in foreign:
        (thumbs / name).write_text("mine")
    (tmp_path / "review" / "6-0123456789ab.jpg").write_text("mine")
    assert folder.thumbnails() == set(NAMES)
    folder.tidy(NAMES[1:])
    assert set(os.listdir(thumbs)) == {NAMES[1], *foreign}
    assert (tmp_path / "review" / "6-0123456789ab.jpg").exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = ReviewFolder.open(tmp_path / "review")
    folder.publish("old")
    with pytest.raises(UnicodeEncodeError):
        folder.publish("\udcff")
    (folder.index).unlink()
    folder.index.mkdir()
    with pytest.raises(OutputError, match=r"index\.html"):
        folder.publish("new")
    assert not [name for name in os.listdir(folder.path) if name.endswith(".tmp")]
