"""`recognize faces review`, as a user runs it: no model is needed, the faces are put into the catalogue."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue
from tests.review.making import MadeFace, fill, paint
from tests.support.command import Recognize, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recognize(tmp_path: Path) -> Recognize:
    """The command, for a user without a model."""
    (tmp_path / "home").mkdir()
    return Recognize(tmp_path / "home")


@pytest.fixture
def photos(tmp_path: Path) -> dict[Path, list[MadeFace]]:
    """Three photos of a person and one of nobody."""
    made = {tmp_path / "photos" / f"{number}.jpg": [MadeFace("red", 1)] for number in range(3)}
    made[tmp_path / "photos" / "crowd.jpg"] = [MadeFace("blue"), MadeFace("red")]
    for path, faces in made.items():
        paint(path, faces)
    return made


def default_catalogue(recognize: Recognize) -> Path:
    return recognize.home / ".local" / "state" / "recognize" / "catalogue.sqlite3"


def store(path: Path, photos: dict[Path, list[MadeFace]]) -> Path:
    with SqliteCatalogue.open(path) as catalogue:
        fill(catalogue, photos)
    return path


def test_it_makes_a_page_and_what_was_named_is_on_the_next(
    recognize: Recognize, photos: dict[Path, list[MadeFace]], tmp_path: Path
) -> None:
    store(default_catalogue(recognize), photos)
    out = tmp_path / "review"
    first = recognize("faces", "review", "-o", out)
    assert (first.code, first.stdout) == (0, b""), first.stderr
    assert "1 person (0 named), 0 pairs who look alike, 0 unsure faces, 2 of nobody" in first.stderr
    page = (out / "index.html").read_text("utf-8")
    assert 'data-option=""' in page
    assert "<h3>Person 1</h3>" in page
    assert len(os.listdir(out / "thumbs")) == 5
    assert out.stat().st_mode & 0o777 == 0o700
    assert recognize("faces", "name", "1", "Ann <b>").code == 0
    assert recognize("faces", "review", "-o", out, "-q").stderr == ""
    assert "<h3>Ann &lt;b&gt;</h3>" in (out / "index.html").read_text("utf-8")


def test_a_catalogue_elsewhere_is_part_of_the_commands(
    recognize: Recognize, photos: dict[Path, list[MadeFace]], tmp_path: Path
) -> None:
    catalogue = store(tmp_path / "Ann's.sqlite3", photos)
    done = recognize("faces", "review", "-o", "out", "--catalogue", "../Ann's.sqlite3")
    assert done.code == 0, done.stderr
    page = (recognize.home / "out" / "index.html").read_text("utf-8")
    quoted = f"'{catalogue.parent}/Ann'\"'\"'s.sqlite3'"
    assert f'data-option="--catalogue {quoted.replace(chr(39), "&#39;").replace(chr(34), "&#34;")}"' in page


def test_a_photo_that_cannot_be_read_is_named_and_gives_code_3(
    recognize: Recognize, photos: dict[Path, list[MadeFace]], tmp_path: Path
) -> None:
    store(default_catalogue(recognize), photos)
    (tmp_path / "photos" / "0.jpg").write_bytes(b"")
    done = recognize("faces", "review", "-o", tmp_path / "review")
    assert done.code == 3
    assert "photos/0.jpg: the file is empty" in done.stderr
    assert len(os.listdir(tmp_path / "review" / "thumbs")) == 4


def test_a_folder_with_something_in_it_is_refused(
    recognize: Recognize, photos: dict[Path, list[MadeFace]], tmp_path: Path
) -> None:
    store(default_catalogue(recognize), photos)
    done = recognize("faces", "review", "-o", tmp_path / "photos")
    assert done.code == 2
    assert "name a new or an empty folder" in done.stderr
    assert len(os.listdir(tmp_path / "photos")) == 4


def test_without_a_catalogue_nothing_is_made(recognize: Recognize, tmp_path: Path) -> None:
    done = recognize("faces", "review", "-o", tmp_path / "review")
    assert done.code == 8
    assert not (tmp_path / "review").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_old_page(
    recognize: Recognize, many: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "review"
    photos = sorted(many.iterdir())
    catalogue = store(default_catalogue(recognize), {photos[0]: [MadeFace("red")]})
    assert recognize("faces", "review", "-o", out).code == 0
    before = (out / "index.html").read_bytes()
    small = MadeFace("red")
    store(catalogue, {path: [small] for path in photos[1:]})
    process = recognize.start("faces", "review", "-o", out)
    wait_until(lambda: len(os.listdir(out / "thumbs")) > 3, "the first new picture")
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert (out / "index.html").read_bytes() == before
    made = len(os.listdir(out / "thumbs"))
    assert made < len(photos)
    assert recognize("faces", "review", "-o", out).code == 0
    assert len(os.listdir(out / "thumbs")) == len(photos)
