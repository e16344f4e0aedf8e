"""How names of files are shown to people."""

from __future__ import annotations

import os
import unicodedata

_UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs"}
_JOINER = "\u200d"  # holds emoji together


def printable(text: str) -> str:
    """The text without anything that a terminal would act on or that would break a line.

    Control and formatting characters become ``\\x1b``-like escapes, bytes that are not UTF-8 become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    valid = os.fsencode(text).decode("utf-8", "replace")
    return "".join(_escaped(char) if _acts(char) else char for char in valid)


def _acts(char: str) -> bool:
    return unicodedata.category(char) in _UNSAFE and char != _JOINER


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
