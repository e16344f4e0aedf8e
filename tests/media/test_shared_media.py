"""The labelled and the hostile images: each gives an array or a FileFailure, from a real worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.errors import FileFailure
from recognize_cli.media.kinds import kind_of
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.records import Kind, Reason
from tests.media.pictures import distance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SHARED = Path(__file__).parents[3] / "shared" / "data"
SECONDS = 120

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here"),
]

DAMAGED = {
    "2b5bc31d84703bfb9f371925f0e3e57d.gif",  # its frame is 0 pixels wide
    "corrupted.heic",
    "star-10bpc-with-alpha.avifs",  # libavif cannot parse these two
    "star-12bpc-with-alpha.avifs",
}
WITHOUT_CHECKSUMS = {".avif", ".bmp", ".heic", ".webp"}
"""Formats in which bytes that were overwritten cannot be told from good ones."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A pool for all tests here."""
    with Sandbox(2, timeout=SECONDS) as made:
        yield made


def decoded(sandbox: Sandbox, folder: str) -> dict[str, NDArray[np.uint8] | Reason]:
    """The picture of each image in a folder, or the reason why there is none, by name."""
    paths = sorted(path for path in (SHARED / folder).iterdir() if kind_of(path.name) == Kind.IMAGE)
    futures = {path.name: sandbox.submit(DecodeJob(str(path), Kind.IMAGE, min_side=292)) for path in paths}
    results: dict[str, NDArray[np.uint8] | Reason] = {}
    for name, future in futures.items():
        try:
            results[name] = future.result(SECONDS).arrays[None]
        except FileFailure as failure:
            results[name] = failure.reason
    assert results
    return results


def test_photos_are_pictures(sandbox: Sandbox) -> None:
    for name, picture in decoded(sandbox, "photos").items():
        assert isinstance(picture, np.ndarray), name
        assert max(picture.shape) <= 1024


def test_formats_are_pictures_unless_they_are_known_to_be_damaged(sandbox: Sandbox) -> None:
    pytest.importorskip("pillow_heif")
    results = decoded(sandbox, "formats")
    failed = {name: result for name, result in results.items() if isinstance(result, Reason)}
    assert failed == dict.fromkeys(DAMAGED, Reason.DECODE)


def test_hostile_images_are_pictures_or_failures(sandbox: Sandbox) -> None:
    pytest.importorskip("pillow_heif")
    results = decoded(sandbox, "hostile")
    assert results["bomb_header_2147483647.png"] == Reason.TOO_LARGE
    assert isinstance(results["jpeg_named.png"], np.ndarray)
    for name, result in results.items():
        overwritten = "zeros_tail" in name and Path(name).suffix in WITHOUT_CHECKSUMS
        may_be_a_picture = overwritten or "bitflip" in name or name == "jpeg_named.png"
        if isinstance(result, np.ndarray):
            assert may_be_a_picture, name
        else:
            assert result in {Reason.DECODE, Reason.TOO_LARGE}, name


def test_all_orientations_show_the_same_picture(sandbox: Sandbox) -> None:
    pictures = decoded(sandbox, "exif_orientation")
    assert len(pictures) == 9
    upright = pictures["Landscape_1.jpg"]
    assert isinstance(upright, np.ndarray)
    for name, picture in pictures.items():
        assert isinstance(picture, np.ndarray), name
        assert distance(picture, upright) < 3, name
