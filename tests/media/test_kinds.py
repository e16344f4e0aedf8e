"""Kinds by name and by the first bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recognize_cli.media.kinds import brands, kind_of, may_move
from recognize_cli.records import Kind

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", Kind.IMAGE),
        ("A.JPEG", Kind.IMAGE),
        ("IMG_0001.HEIC", Kind.IMAGE),
        ("holiday.2024.Jpg", Kind.IMAGE),
        ("moving.gif", Kind.IMAGE),
        ("song.MP3", Kind.AUDIO),
        ("book.m4b", Kind.AUDIO),
        ("clip.mov", Kind.VIDEO),
        ("clip.3gp", Kind.VIDEO),
        ("ends.in.dot.", None),
        ("README", None),
        ("notes.txt", None),
        ("a.jpg.part", None),
        (".jpg", None),
        ("._IMG_0001.jpg", None),
        ("", None),
        ("ſ.JPG\udcff", None),
        ("\udcff.jpg", Kind.IMAGE),
    ],
)
def test_the_extension_tells_the_kind(name: str, kind: Kind | None) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        ("a.gif", True),
        ("A.GIF", True),
        ("a.b.WebP", True),
        ("a.apng", True),
        ("a.png", False),
        ("a.jpg", False),
        ("a.mp4", False),
        (".gif", False),
        ("._a.gif", False),
        ("gif", False),
        ("", False),
    ],
)
def test_the_extension_tells_which_pictures_may_move(name: str, moves: bool) -> None:
    assert may_move(name) is moves


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["hostile", "formats"])
def test_every_file_of_the_collections_has_a_kind(folder: str) -> None:
    if not SHARED.exists():
        pytest.skip("../shared is not here")
    assert [path.name for path in (SHARED / folder).iterdir() if kind_of(path.name) is None] == []


def test_brands_end_where_their_box_ends() -> None:
    assert brands(b"\0\0\0\x14ftypmif1\0\0\0\0avif" + b"heic" * 4) == (b"mif1", b"avif")


def test_neither_kinds_nor_the_sandbox_load_what_is_heavy() -> None:
    code = (
        "import sys, recognize_cli.media.kinds, recognize_cli.media.sandbox;"
        " print(sorted({'numpy', 'PIL', 'pillow_heif', 'psutil'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"
