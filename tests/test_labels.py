"""Lists of classes, with ids and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli import labels
from recognize_cli.errors import LockFileError
from recognize_cli.labels import Label, load_labels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where lists are looked for."""
    monkeypatch.setattr(labels, "shipped", lambda name: tmp_path / name)
    return tmp_path


def test_a_line_is_an_id_and_a_name(folder: Path) -> None:
    (folder / "ids.txt").write_text("n01440764 tench\nn02012849 crane\nn03126707 crane\n")
    assert load_labels.__wrapped__("ids") == (
        Label("n01440764", "tench"),
        Label("n02012849", "crane"),
        Label("n03126707", "crane"),
    )


def test_or_every_line_is_a_name(folder: Path) -> None:
    (folder / "names.txt").write_text("rock\nfemale vocalists\n00s\n")
    found = load_labels.__wrapped__("names")
    assert found == (Label(None, "rock"), Label(None, "female vocalists"), Label(None, "00s"))
    assert [label.key for label in found] == [str(label) for label in found]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rock\n\npop\n", r"bad\.txt:2: '' is not an id and a name, nor a name"),
        ("rock\n pop\n", r"bad\.txt:2: ' pop' is not"),
        ("rock\npop \n", r"bad\.txt:2: 'pop ' is not"),
        ("rock\nn01440764 tench\n", r"bad\.txt:2: 'n01440764 tench' has an id, unlike the first line"),
        ("n01440764 tench\ncrane\n", r"bad\.txt:2: 'crane' has no id, unlike the first line"),
        ("n01440764 tench\nn0144076 crane\n", r"bad\.txt:2: 'n0144076 crane' has no id"),
        ("rock\npop\nrock\n", r"bad\.txt:3: 'rock' is there twice"),
        ("n01440764 tench\nn01440764 crane\n", r"bad\.txt:2: 'n01440764 crane' is there twice"),
    ],
)
def test_anything_else_is_refused(folder: Path, text: str, problem: str) -> None:
    (folder / "bad.txt").write_text(text)
    with pytest.raises(LockFileError, match=problem):
        load_labels.__wrapped__("bad")


def test_a_list_that_is_not_there_is_refused() -> None:
    with pytest.raises(LockFileError, match="cannot be read"):
        load_labels("no-such-list")


def test_the_tags_of_music_ship() -> None:
    found = load_labels("msd50")
    assert len(found) == 50
    assert (found[0].name, found[33].name, found[-1].name) == ("rock", "Hip-Hop", "happy")
    assert {label.id for label in found} == {None}


def test_the_actions_of_kinetics_ship() -> None:
    found = load_labels("kinetics600")
    assert len(found) == 600
    assert (found[0].name, found[72].name, found[-1].name) == ("abseiling", "carving ice", "zumba")
    assert {label.id for label in found} == {None}
