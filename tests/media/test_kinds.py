"""Kinds by name and by the first bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.media.kinds import brands, kind_of, sniff
from recognize_cli.records import Kind
from tests.media.pictures import encoded, photo

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


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["hostile", "formats"])
def test_every_file_of_the_collections_has_a_kind(folder: str) -> None:
    if not SHARED.exists():
        pytest.skip("../shared is not here")
    assert [path.name for path in (SHARED / folder).iterdir() if kind_of(path.name) is None] == []


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF"])
def test_image_files_are_known_by_their_first_bytes(format_: str) -> None:
    assert sniff(encoded(photo(), format_)[:64]) == Kind.IMAGE


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.IMAGE),
        (b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom", Kind.AUDIO),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Kind.VIDEO),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp41mp42", Kind.VIDEO),
        (b"RIFF\x24\0\0\0WAVEfmt ", Kind.AUDIO),
        (b"RIFF\x24\0\0\0AVI LIST", Kind.VIDEO),
        (b"RIFF\x24\0\0\0ACON", None),
        (b"FORM\0\0\0\x24AIFFCOMM", Kind.AUDIO),
        (b"ID3\x04\0\0", Kind.AUDIO),
        (b"\xff\xfb\x90\x64", Kind.AUDIO),
        (b"\xff\xf1\x50\x80", Kind.AUDIO),
        (b"fLaC\0\0\0\x22", Kind.AUDIO),
        (b"OggS\0\x02".ljust(28, b"\0") + b"OpusHead", Kind.AUDIO),
        (b"OggS\0\x02".ljust(28, b"\0") + b"\x80theora", Kind.VIDEO),
        (b"\x1aE\xdf\xa3", Kind.VIDEO),
        ("text in UTF-16".encode("utf-16-le").join([b"\xff\xfe", b""]), None),
        (b"BMW cars of 1990", None),
        (b"%PDF-1.7", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_kind(head: bytes, kind: Kind | None) -> None:
    assert sniff(head) == kind


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: b"\0\0\0\x20ftyp" + rest))
def test_any_bytes_have_a_kind_or_none(head: bytes) -> None:
    assert sniff(head) in {None, *Kind}


def test_brands_end_where_their_box_ends() -> None:
    assert brands(b"\0\0\0\x14ftypmif1\0\0\0\0avif" + b"heic" * 4) == (b"mif1", b"avif")


def test_neither_kinds_nor_the_sandbox_load_what_is_heavy() -> None:
    code = (
        "import sys, recognize_cli.media.kinds, recognize_cli.media.sandbox;"
        " print(sorted({'numpy', 'PIL', 'pillow_heif', 'psutil'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"
