"""Paths reach a command through a real shell unharmed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.review.shell import shell_word

names = st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name and not name.endswith(b"\n"))


def through_a_shell(word: str) -> bytes:
    done = subprocess.run(["sh", "-c", f"printf '%s' {word}"], capture_output=True, check=True)
    return done.stdout


@settings(deadline=None)
@given(names)
def test_any_name_comes_through(name: bytes) -> None:
    path = Path(os.fsdecode(b"/data/" + name))
    assert through_a_shell(shell_word(path)) == os.fsencode(path)


@settings(deadline=None)
@given(names)
def test_a_word_is_printable_text(name: bytes) -> None:
    word = shell_word(Path(os.fsdecode(b"/data/" + name)))
    assert word.isprintable()


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/data/c.sqlite3", "/data/c.sqlite3"),
        ("/data/Ann's c.sqlite3", "'/data/Ann'\"'\"'s c.sqlite3'"),
        ("/data/\x1b[2J", "\"$(printf '/data/\\033[2J')\""),
    ],
)
def test_it_is_as_simple_as_it_can_be(path: str, word: str) -> None:
    assert shell_word(Path(path)) == word
