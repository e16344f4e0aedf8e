"""Names that every server can keep for a tag; pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from recognize_cli.errors import TagRefused

LONGEST: Final = 64
"""Bytes of UTF-8 that a name may have; servers cut what is longer, even within a character."""

_NOT_IN_XML: Final = "\ufffe\uffff"


def tag_name(text: str) -> str:
    """The name of a tag that is to be named ``text``; a name that it gave stays as it is.

    It is in NFC, without what XML cannot carry and without space around it, and has at most `LONGEST` bytes,
    cut between characters. Raises TagRefused where nothing is left.
    """
    name = unicodedata.normalize("NFC", "".join(map(_plain, text))).strip()
    short = name.encode()[:LONGEST].decode(errors="ignore").rstrip()
    if not short:
        raise TagRefused("a tag without a name cannot be made")
    return short


def _plain(character: str) -> str:
    """A space for a control character, nothing for half a character or none."""
    match unicodedata.category(character):
        case "Cc":
            return " "
        case "Cs":
            return ""
    return "" if character in _NOT_IN_XML else character
