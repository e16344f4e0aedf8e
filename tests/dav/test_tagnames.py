from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recognize_cli.dav.tagnames import LONGEST, tag_name
from recognize_cli.errors import TagRefused

CHARACTERS = st.characters(exclude_categories=[])  # with halves of characters, and none at all


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cat", "Cat"),
        ("  Cat \n", "Cat"),
        ("two\twords\nand more", "two words and more"),
        ("two  spaces", "two  spaces"),
        (unicodedata.normalize("NFD", "Käse"), "Käse"),
        ("x" * 70, "x" * 64),
        ("x" * 63 + "é", "x" * 63),
        ("x" * 61 + "😀", "x" * 61),
        ("x" * 60 + "😀", "x" * 60 + "😀"),
        ("x" * 63 + " y", "x" * 63),
        ("a\x00b\ud800c\uffff", "a bc"),
    ],
)
def test_a_name_is_one_that_every_server_keeps(text: str, name: str) -> None:
    assert tag_name(text) == name


@pytest.mark.parametrize("text", ["", "  ", "\n\x00", "\udc80", "\u3000"])
def test_nothing_is_no_name(text: str) -> None:
    with pytest.raises(TagRefused):
        tag_name(text)


@given(st.text(CHARACTERS, max_size=100))
@example("x" * 62 + "e\u0301")
def test_a_name_is_short_whole_normal_and_stays_as_it_is(text: str) -> None:
    try:
        name = tag_name(text)
    except TagRefused:
        return
    assert 0 < len(name.encode()) <= LONGEST
    assert unicodedata.is_normalized("NFC", name)
    assert name == name.strip()
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs"}
    assert tag_name(name) == name
