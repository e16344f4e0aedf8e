from __future__ import annotations

from typing import TYPE_CHECKING

import av
import pytest
from PIL import Image

from recognize_cli.benching import made, material
from recognize_cli.errors import SourceNotFound
from recognize_cli.records import Kind
from tests.support.photos import CAT, COFFEE, ROCKET, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> material.Material:
    return material.made(tmp_path_factory.mktemp("made"), set(Kind))


def paths(found: material.Material, kind: Kind) -> list[Path]:
    from pathlib import Path

    leased = []
    for file in found.files[kind]:
        with found.source.lease(file) as path:
            leased.append(Path(path))
    return leased


def test_so_many_of_each_kind_are_made(media: material.Material) -> None:
    assert {kind: len(files) for kind, files in media.files.items()} == made.COUNTS


def test_photos_are_as_large_as_those_of_a_camera(media: material.Material) -> None:
    contents = set()
    for path in paths(media, Kind.IMAGE):
        assert 1e6 <= path.stat().st_size <= 4e6
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", made.PHOTO)
        contents.add(path.read_bytes())
    assert len(contents) == made.COUNTS[Kind.IMAGE]


def test_songs_are_stereo_and_as_long_as_said(media: material.Material) -> None:
    for path in paths(media, Kind.AUDIO):
        with av.open(str(path)) as file:
            stream = file.streams.audio[0]
            assert stream.layout.nb_channels == 2
            assert file.duration == pytest.approx(made.SONG_SECONDS * 1e6, rel=0.01)


def test_films_are_as_long_as_said(media: material.Material) -> None:
    for path in paths(media, Kind.VIDEO):
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            assert (stream.width, stream.height) == made.FILM
            assert stream.frames == made.FILM_SECONDS * 25


def test_a_folder_gives_no_more_than_asked_and_only_the_kinds(tmp_path: Path) -> None:
    for index, photo in enumerate((CAT, COFFEE, ROCKET)):
        put(photo, tmp_path / f"below{index}" / "photo.jpg")
    (tmp_path / "song.mp3").write_bytes(b"")
    found = material.given(str(tmp_path), {Kind.IMAGE, Kind.VIDEO}, 2)
    assert [file.path for file in found.files[Kind.IMAGE]] == ["below0/photo.jpg", "below1/photo.jpg"]
    assert found.files[Kind.VIDEO] == ()
    assert Kind.AUDIO not in found.files


def test_a_marker_counts(tmp_path: Path) -> None:
    put(CAT, tmp_path / "cat.jpg")
    (tmp_path / ".noimage").touch()
    assert material.given(str(tmp_path), {Kind.IMAGE}, 2).files[Kind.IMAGE] == ()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        material.given(str(tmp_path / "nowhere"), {Kind.IMAGE}, 2)
