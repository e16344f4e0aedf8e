"""Which software decodes files here."""

from __future__ import annotations

from recognize_cli.resources import installed_version

_DECODERS = ("pillow", "pillow-heif", "av", "soxr")
_REVISION = 1
"""Raise it when files that could not be decoded so far may be from now on."""


def decoder_fingerprint(max_resident: int | None = None) -> str:
    """Changes when a file that could not be decoded is worth another try.

    That is when a decoder was added or upgraded, or may hold another amount of memory (in bytes).
    """
    versions = [f"{name}-{installed_version(name) or 'absent'}" for name in _DECODERS]
    memory = [] if max_resident is None else [f"memory-{max_resident}"]
    return " ".join([str(_REVISION), *versions, *memory])
