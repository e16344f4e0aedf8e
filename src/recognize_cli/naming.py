"""How names of files are shown to people."""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs"}
_JOINER = "\u200d"  # holds emoji together
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte of a name; JSON from a server may have them."""


def printable(text: str) -> str:
    """The text without anything that a terminal would act on or that would break a line.

    Control and formatting characters become ``\\x1b``-like escapes, bytes that are not UTF-8 become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if _acts(char) else char for char in readable(text))


def readable(text: str) -> str:
    """The text as valid Unicode: bytes that are not UTF-8, and halves of characters, become U+FFFD."""
    return text if text.isascii() else raw(_HALVES.sub("\ufffd", text)).decode("utf-8", "replace")


def raw(text: str) -> bytes:
    """The bytes of a name as a source gave it, in whatever locale."""
    return text.encode("utf-8", "surrogateescape")


def _acts(char: str) -> bool:
    return unicodedata.category(char) in _UNSAFE and char != _JOINER


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
