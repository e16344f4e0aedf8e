from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.naming import printable


def test_plain_names_stay_as_they_are() -> None:
    assert printable("trip/Käse 👨‍👩‍👧.jpg") == "trip/Käse 👨‍👩‍👧.jpg"


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    assert printable("\x1b[2J\n.jpg") == "\\x1b[2J\\n.jpg"
    assert printable("gpj.\u202e.jpg") == "gpj.\\u202e.jpg"


def test_bytes_that_are_not_utf8_are_shown_as_such() -> None:
    assert printable(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")) == "caf\ufffd.jpg"


def test_half_a_character_is_shown_as_such() -> None:
    assert printable("a\ud800\udfffb\udd00") == "a\ufffd\ufffdb\ufffd"


@given(st.binary(max_size=40))
def test_nothing_printed_moves_the_cursor_or_breaks_the_line(name: bytes) -> None:
    shown = printable(name.decode("utf-8", "surrogateescape"))
    shown.encode()
    assert not any(unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} for char in shown)
