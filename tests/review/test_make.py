"""A review of a real catalogue, from photos to the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from recognize_cli.media.sandbox import Sandbox
from recognize_cli.review.folder import ReviewFolder
from recognize_cli.review.make import Cutter, Place, make
from recognize_cli.review.survey import Limits
from tests.review.making import MadeFace, fill, paint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.media.jobs import DecodeJob, DecodeResult
    from recognize_cli.review.page import ReviewPage


class Progressed:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.failures: list[bool] = []

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        self.failures.append(failed)

    def close(self) -> None: ...


class Maker:
    """Makes reviews of a catalogue in one folder, and notes which photos were decoded."""

    def __init__(self, catalogue: SqliteCatalogue, sandbox: Sandbox, place: Path) -> None:
        self.catalogue, self.sandbox, self.place = catalogue, sandbox, place
        self.decoded: list[str] = []

    def __call__(self, **how: bool) -> tuple[ReviewPage, int]:
        self.decoded.clear()
        cutter = Cutter(self._submit, 4, Progressed(), **how)
        folder, place = ReviewFolder.open(self.place), Place("/c", "", "today")
        return make(self.catalogue.face_store, lambda face: (), Limits(), cutter, folder, place)

    def _submit(self, job: DecodeJob) -> Future[DecodeResult]:
        self.decoded.append(os.path.basename(job.path))
        return self.sandbox.submit(job)

    @property
    def html(self) -> str:
        return (self.place / "index.html").read_text("utf-8")

    @property
    def pictures(self) -> set[str]:
        return set(os.listdir(self.place / "thumbs"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as opened:
        yield opened


@pytest.fixture
def maker(catalogue: SqliteCatalogue, sandbox: Sandbox, tmp_path: Path) -> Maker:
    """With three photos, two of a person 1."""
    made = {
        tmp_path / name: [MadeFace("red", person)]
        for name, person in [("a.jpg", 1), ("b.jpg", 1), ("c.jpg", 0)]
    }
    for path, faces in made.items():
        paint(path, faces)
    fill(catalogue, made)
    return Maker(catalogue, sandbox, tmp_path / "review")


def test_every_face_has_a_picture_and_a_link_to_its_photo(maker: Maker, tmp_path: Path) -> None:
    page, failed = maker()
    assert failed == 0
    cells = [*page.people[0].cells, *page.nobody]
    assert [cell.file for cell in cells] == ["a.jpg", "b.jpg", "c.jpg"]
    assert {cell.thumbnail.removeprefix("thumbs/") for cell in cells} == maker.pictures
    assert [cell.link for cell in cells] == [(tmp_path / cell.file).as_uri() for cell in cells]
    assert all(cell.thumbnail in maker.html for cell in cells)


def test_pictures_are_kept_and_those_of_faces_that_are_gone_deleted(maker: Maker) -> None:
    maker()
    first = maker.pictures
    assert sorted(maker.decoded) == ["a.jpg", "b.jpg", "c.jpg"]
    maker()
    assert maker.decoded == []
    maker(fresh=True)
    assert len(maker.decoded) == 3
    assert maker.pictures == first
    maker.catalogue.face_store.reset_faces()
    page, _ = maker()
    assert (page.face_count, maker.pictures) == (0, set())


def test_a_photo_that_is_gone_keeps_its_picture(maker: Maker, tmp_path: Path) -> None:
    maker()
    (tmp_path / "a.jpg").unlink()
    page, failed = maker()
    assert failed == 0
    assert page.people[0].cells[0].thumbnail


def test_a_photo_that_cannot_be_read_has_a_placeholder(
    maker: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    page, failed = maker()
    assert failed == 1
    assert [bool(cell.thumbnail) for cell in page.people[0].cells] == [False, True]
    assert f"{tmp_path}/a.jpg: it is damaged" in caplog.text
    assert 'class="missing"' in maker.html


def test_many_broken_photos_do_not_flood_the_log(
    maker: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(maker.catalogue, {tmp_path / f"{number}.jpg": [MadeFace("red")] for number in range(30)})
    _, failed = maker()
    assert failed == 30
    assert len(caplog.records) == 21


def test_photos_of_another_machine_have_placeholders(
    maker: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(maker.catalogue, {tmp_path / "far.jpg": [MadeFace("red"), MadeFace("red")]}, storage="nextcloud:x")
    page, failed = maker()
    assert failed == 1
    far = [cell for cell in page.nobody if cell.file == "far.jpg"]
    assert [(cell.thumbnail, cell.link) for cell in far] == [("", ""), ("", "")]
    assert "not on this machine are shown without a picture: 1" in caplog.text


def test_a_name_that_is_no_text_is_shown_and_its_link_works(maker: Maker, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"\xff <b>\n'\".jpg")
    fill(maker.catalogue, {paint(odd, []): [MadeFace("red")]})
    page, failed = maker()
    assert failed == 0
    (cell,) = [cell for cell in page.nobody if cell.file != "c.jpg"]
    assert cell.link.endswith("/%FF%20%3Cb%3E%0A%27%22.jpg")
    assert "\ufffd &lt;b&gt;\\n&#39;&#34;.jpg" in maker.html


def test_an_interrupted_run_leaves_the_old_page_and_goes_on_where_it_stopped(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker()
    before = maker.html
    for number in range(5):
        fill(maker.catalogue, {paint(tmp_path / f"{number}.jpg", []): [MadeFace("red")]})
    add, written = ReviewFolder.add_thumbnail, []

    def interrupted(folder: ReviewFolder, name: str, jpeg: bytes) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(name)
        add(folder, name, jpeg)

    with monkeypatch.context() as patch:
        patch.setattr(ReviewFolder, "add_thumbnail", interrupted)
        with pytest.raises(KeyboardInterrupt):
            maker()
    assert maker.html == before
    maker()
    assert len(maker.decoded) == 3
    assert len(maker.pictures) == 8
