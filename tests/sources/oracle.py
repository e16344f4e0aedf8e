"""Which files of a tree take part, worked out in the plainest way from docs/filters.md; slow and obvious."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from recognize_cli.ignore import Rule

COVERED = {
    ".nomedia": {Kind.IMAGE, Kind.AUDIO, Kind.VIDEO},
    ".noimage": {Kind.IMAGE},
    ".nomusic": {Kind.AUDIO},
    ".novideo": {Kind.VIDEO},
}


def covered(path: str, kind: Kind, everything: Collection[str]) -> bool:
    """Whether a marker in a directory above covers a file; ``everything`` is all paths of the tree."""
    above = path.split("/")[:-1]
    directories = ["/".join(above[:depth]) for depth in range(len(above) + 1)]
    markers = [marker for marker, kinds in COVERED.items() if kind in kinds]
    return any(
        f"{directory}/{marker}".lstrip("/") in everything for directory in directories for marker in markers
    )


def ruled_in(path: str, rules: Sequence[Rule]) -> bool:
    """Whether the rules let a file in: the first that matches it, or a directory above it, decides."""
    parts = path.split("/")
    for rule in rules:
        for depth in range(1, len(parts) + 1):
            if matches(rule.pattern, parts[:depth], is_directory=depth < len(parts)):
                return rule.include
    return not any(rule.include for rule in rules)


def matches(pattern: str, parts: Sequence[str], *, is_directory: bool) -> bool:
    """Whether a pattern without braces, classes and backslashes matches a path."""
    if pattern.endswith("/") and not is_directory:
        return False
    segments = [segment for segment in pattern.split("/") if segment]
    if pattern.startswith("/"):
        return _segments(segments, parts)
    return any(_segments(segments, parts[start:]) for start in range(len(parts)))


def _segments(segments: Sequence[str], parts: Sequence[str]) -> bool:
    if not segments:
        return not parts
    if segments[0] == "**":
        least = 1 if len(segments) == 1 else 0
        return any(_segments(segments[1:], parts[taken:]) for taken in range(least, len(parts) + 1))
    return bool(parts) and _characters(segments[0], parts[0]) and _segments(segments[1:], parts[1:])


def _characters(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return _characters(pattern[1:], name) or (bool(name) and _characters(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and _characters(pattern[1:], name[1:])
