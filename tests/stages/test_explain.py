from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.errors import SourceNotFound
from recognize_cli.ignore import Filters, Rule, Why
from recognize_cli.sources.local import LocalSource
from recognize_cli.stages.explain import explain
from recognize_cli.stages.walk import Visit, walk
from tests.sources.memory import MemorySource
from tests.stages import trees

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source() -> MemorySource:
    source = MemorySource()
    for path in (
        "a.jpg",
        "trip/b.jpg",
        "trip/best/x/d.jpg",
        "trip/best/c.jpg",
        "trip/c.mp3",
        "notes.txt",
        "quiet/d.mp3",
    ):
        source.write(path, b"12345")
    return source


RULES = Filters([Rule(True, "/trip/best/"), Rule(False, "/trip/"), Rule(True, "*.jpg")], max_size=1000)


@pytest.mark.parametrize(
    ("path", "why", "sentence"),
    [
        ("a.jpg", Why.SELECTED, "a.jpg is in: rule 3, --include '*.jpg', matches a.jpg"),
        (
            "trip/best/c.jpg",
            Why.SELECTED,
            "trip/best/c.jpg is in: rule 1, --include '/trip/best/', matches trip/best",
        ),
        (
            "trip/best/x/d.jpg",
            Why.SELECTED,
            "trip/best/x/d.jpg is in: rule 1, --include '/trip/best/', matches trip/best",
        ),
        ("trip/b.jpg", Why.RULE, "trip/b.jpg is out: rule 2, --exclude '/trip/', matches trip"),
        ("quiet/d.mp3", Why.NO_RULE, "quiet/d.mp3 is out: no --include matches it"),
        (
            "notes.txt",
            Why.NOT_MEDIA,
            "notes.txt is out: its name is that of no image, audio or video format known here",
        ),
        ("gone.jpg", Why.MISSING, "gone.jpg is out: memory:/tree has no such directory or regular file"),
        ("gone/a.jpg", Why.MISSING, "gone/a.jpg is out: memory:/tree has no such directory or regular file"),
        (
            "a.jpg/b.jpg",
            Why.MISSING,
            "a.jpg/b.jpg is out: memory:/tree has no such directory or regular file",
        ),
        ("", Why.SELECTED, "the root of the source is in: an --include may match something below it"),
        ("trip/best", Why.SELECTED, "trip/best is in: rule 1, --include '/trip/best/', matches trip/best"),
        ("trip", Why.SELECTED, "trip is in: an --include may match something below it"),
    ],
)
def test_rules(source: MemorySource, path: str, why: Why, sentence: str) -> None:
    verdict = explain(source, path, RULES)
    assert (verdict.why, verdict.sentence) == (why, sentence)
    assert verdict.included == (why is Why.SELECTED)


def test_the_example_in_the_manual(source: MemorySource) -> None:
    source.write("trip/@eaDir/a.jpg")
    verdict = explain(source, "trip/@eaDir/a.jpg", Filters([Rule(False, "@eaDir")]))
    assert verdict.sentence == "trip/@eaDir/a.jpg is out: rule 1, --exclude '@eaDir', matches trip/@eaDir"


def test_without_options_nothing_keeps_media_out(source: MemorySource) -> None:
    assert explain(source, "trip/b.jpg").sentence == "trip/b.jpg is in: no marker and no rule keeps it out"


def test_markers(source: MemorySource) -> None:
    for marker in (
        "trip/.noimage",
        "trip/best/.noimage",
        "quiet/.nomusic",
        "off/.nomedia",
        "off/below/x.jpg",
    ):
        source.write(marker)
    for path, sentence in (
        ("trip/best/c.jpg", "images are covered by the marker .noimage in trip"),
        ("quiet/d.mp3", "audio files are covered by the marker .nomusic in quiet"),
        ("off/below/x.jpg", "everything in off/below is covered by the marker .nomedia in off"),
        ("off", "everything in off is covered by the marker .nomedia in off"),
    ):
        assert explain(source, path).sentence == f"{path} is out: {sentence}"
        assert explain(source, path).why is Why.MARKER
    assert explain(source, "trip/c.mp3").included
    source.write(".noimage")
    assert explain(source, "a.jpg").sentence.endswith(
        "images are covered by the marker .noimage in the root of the source"
    )


def test_several_markers_together(source: MemorySource) -> None:
    for marker in (".noimage", "trip/.nomusic", "trip/best/.novideo"):
        source.write(marker)
    assert explain(source, "trip/best").sentence == (
        "trip/best is out: everything in trip/best is covered by"
        " the marker .noimage in the root of the source and the marker .nomusic in trip"
        " and the marker .novideo in trip/best"
    )


def test_size(source: MemorySource) -> None:
    verdict = explain(source, "a.jpg", Filters(max_size=4))
    assert verdict.sentence == "a.jpg is out: it has 5 bytes, more than --max-size 4"
    assert verdict.why is Why.TOO_LARGE


def test_other_file_systems(source: MemorySource) -> None:
    source.write("mounted/below/a.jpg", device="2")
    verdict = explain(source, "mounted/below/a.jpg", Filters(one_file_system=True))
    assert verdict.why is Why.DEVICE
    assert verdict.sentence == (
        "mounted/below/a.jpg is out: mounted is on another file system, and -x stays on one"
    )


def test_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.jpg").touch()
    (tmp_path / "link").symlink_to("d")
    verdict = explain(LocalSource(str(tmp_path)), "link/a.jpg")
    assert verdict.why is Why.LINK
    assert verdict.sentence == "link/a.jpg is out: link is a symbolic link that is not followed"
    assert explain(LocalSource(str(tmp_path), follow_symlinks=True), "link/a.jpg").included


def test_a_directory_that_cannot_be_read(source: MemorySource) -> None:
    source.failing["trip"] = PermissionError(errno.EACCES, "Permission denied")
    for path in ("trip", "trip/best/c.jpg"):
        verdict = explain(source, path)
        assert verdict.why is Why.UNREADABLE
        assert verdict.sentence == f"{path} is out: trip cannot be read: Permission denied"
    source.remove_root()
    with pytest.raises(SourceNotFound):
        explain(source, "a.jpg")


def test_a_sentence_is_one_line_that_a_terminal_can_show(source: MemorySource) -> None:
    for name in ("new\nline.jpg", "\x1b[2J.jpg", "\udcff.jpg"):
        source.write(name)
        for rule in (Rule(False, name), Rule(True, "/x")):
            sentence = explain(source, name, Filters([rule])).sentence
            assert sentence.isprintable()
            sentence.encode()


@settings(deadline=None, max_examples=60)
@given(trees.trees, trees.filters, st.sampled_from(trees.FILES))
def test_it_agrees_with_the_walk(tree: trees.Tree, filters: Filters, absent: str) -> None:
    with trees.planted(tree) as root:
        source = LocalSource(root)
        visits = [visit for visit in walk(source, filters) if isinstance(visit, Visit)]
        selected = {file.path for visit in visits for file in visit.files}
        read = {visit.directory for visit in visits}
        for path, size in trees.listed(root).items():
            verdict = explain(source, path, filters)
            if size is None:
                assert verdict.included == (path in read and verdict.why is not Why.MARKER)
            else:
                assert verdict.included == (path in selected)
        assert explain(source, f"absent/{absent}", filters).why is Why.MISSING
