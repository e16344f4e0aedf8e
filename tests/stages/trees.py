"""Made trees on a real disk, and filters, for the tests of the walk."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from recognize_cli.ignore import MARKERS, Filters, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Tree = Mapping[str, "int | Tree"]

LONGEST = "L" * 251 + ".jpg"
FILES = [
    "a.jpg",
    "b.PNG",
    "c.mp3",
    "d.mp4",
    "notes.txt",
    "\udcff.jpg",
    "new\nline.jpg",
    "👨‍👩‍👧.jpg",
    LONGEST,
]
DIRECTORIES = ["x", "y", "@eaDir", "caf\udce9", "b.jpg"]
PATTERNS = [
    "*.jpg",
    "x",
    "x/",
    "/x",
    "/x/*",
    "y/**",
    "/*/y/",
    "**/y/a.jpg",
    "@eaDir",
    "caf?",
    "a.*",
    "*\n*",
    "/b.jpg",
]


def _level(below: st.SearchStrategy[Tree], least: int = 0) -> st.SearchStrategy[Tree]:
    sizes = st.integers(0, 20)
    files = st.dictionaries(st.sampled_from(FILES), sizes, max_size=4)
    markers = st.dictionaries(st.sampled_from([*MARKERS, ".NoMedia"]), sizes, max_size=1)
    directories = st.dictionaries(
        st.sampled_from([*DIRECTORIES, ".nomusic"]), below, min_size=least, max_size=2
    )
    marked = st.one_of(st.just({}), st.just({}), markers)
    return st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, files, marked, directories)


trees: st.SearchStrategy[Tree] = _level(_level(_level(_level(st.just({}))), least=1), least=1)

filters = st.builds(
    Filters,
    st.lists(st.builds(Rule, st.booleans(), st.sampled_from(PATTERNS)), max_size=3),
    max_size=st.sampled_from([None, None, 10]),
)


@contextmanager
def planted(tree: Tree) -> Iterator[str]:
    """The tree in a folder of its own."""
    with tempfile.TemporaryDirectory() as root:
        _plant(os.fsencode(root), tree)
        yield root


def _plant(directory: bytes, tree: Tree) -> None:
    for name, content in tree.items():
        path = os.path.join(directory, name.encode("utf-8", "surrogateescape"))
        if isinstance(content, int):
            with open(path, "wb") as file:
                file.write(b"x" * content)
        else:
            os.mkdir(path)
            _plant(path, content)


def listed(root: str) -> dict[str, int | None]:
    """Everything below a folder, as `os.walk` finds it: the size of each file, None for directories."""
    top = os.fsencode(root)
    found: dict[str, int | None] = {}
    for directory, directories, files in os.walk(top):
        for name in (*directories, *files):
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, top).decode("utf-8", "surrogateescape")
            found[relative] = None if name in directories else os.path.getsize(path)
    return found
