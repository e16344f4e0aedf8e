"""Words for a POSIX shell, such as a person may paste into a terminal."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PRINTF_SPECIAL = b"%\\\"'`$"


def shell_word(path: Path) -> str:
    """A path as one word of plain text.

    Text is quoted. Bytes that are not UTF-8, or that a terminal would act on, cannot be in a page or in a
    paste; a path with such is written by ``printf``, which takes them as octal numbers.
    """
    data = os.fsencode(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _printed(data)
    return shlex.quote(text) if text.isprintable() else _printed(data)


def _printed(data: bytes) -> str:
    plain = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in _PRINTF_SPECIAL else f"\\{byte:03o}" for byte in data
    )
    return f"\"$(printf '{''.join(plain)}')\""
