"""A YAML file as plain maps, lists and texts, each with its line.

Only that much of YAML is read: anchors, aliases, tags and further documents are refused, so that no file
can grow in memory or make objects, and a key that occurs twice is an error instead of a silent winner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from recognize_cli.errors import RulesError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST_FILE = 2**20
_DEEPEST = 8

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, for messages."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text, a number or nothing; ``plain`` if it is written without quotes."""

    place: Place
    value: str
    plain: bool

    @property
    def is_null(self) -> bool:
        """Whether nothing is written there."""
        return self.plain and self.value in _NULL


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Map:
    """A map; ``places`` says where each key stands."""

    place: Place
    entries: dict[str, Node] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


Node = Text | Items | Map


def read_document(path: Path) -> Map:
    """The map that a file holds. Raises RulesError."""
    text = _read(path)
    builder = _Builder(path)
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise _syntax_error(path, error) from error
    if not isinstance(builder.root, Map):
        where = builder.root.place if builder.root else path
        raise RulesError(where=where, problem="a rules file is a map: lines of the form `key: value`")
    return builder.root


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise RulesError(where=path, problem=f"cannot be read: {error.strerror or error}") from error
    if len(content) > _LARGEST_FILE:
        raise RulesError(where=path, problem=f"is larger than {_LARGEST_FILE} bytes; is this a rules file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RulesError(where=f"{path}:{line}", problem="is not UTF-8; save the file as UTF-8") from error
    if odd := _NOT_YAML.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        problem = f"the character U+{ord(odd[0]):04X} may not be in a YAML file; remove it"
        raise RulesError(where=f"{path}:{line}", problem=problem)
    return text


def _syntax_error(path: Path, error: yaml.YAMLError) -> RulesError:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return RulesError(where=path, problem=f"this is not YAML: {error}")
    place = Place(str(path), error.problem_mark.line + 1)
    start = error.context_mark
    began = f"{error.context} that begins in line {start.line + 1}, " if start else ""
    return RulesError(where=place, problem=f"this is not YAML: {began}{error.problem}")


class _Builder:
    """Puts the events of the YAML parser together, without recursion."""

    def __init__(self, path: Path) -> None:
        self.root: Node | None = None
        self._path = str(path)
        self._open: list[tuple[Items | Map, Text | None]] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        place = Place(self._path, mark.line + 1 if mark else 1)
        _refuse_extras(event, place)
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise RulesError(where=place, problem="a second YAML document; keep one, without `---`")
            case yaml.ScalarEvent():
                self._place(Text(place, event.value, plain=not event.style))
            case yaml.SequenceStartEvent():
                self._enter(Items(place))
            case yaml.MappingStartEvent():
                self._enter(Map(place))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()

    def _enter(self, node: Items | Map) -> None:
        if len(self._open) >= _DEEPEST:
            raise RulesError(where=node.place, problem="nested too deeply for a rules file")
        self._place(node)
        self._open.append((node, None))

    def _place(self, node: Node) -> None:
        """Puts a node where it belongs: the root, an item, a key, or the value of the key before it."""
        if not self._open:
            self.root = node
            return
        parent, key = self._open[-1]
        match parent:
            case Items():
                parent.items.append(node)
            case Map() if key is None:
                self._open[-1] = parent, _as_key(node, parent)
            case Map():
                parent.entries[key.value] = node
                parent.places[key.value] = key.place
                self._open[-1] = parent, None


def _refuse_extras(event: yaml.Event, place: Place) -> None:
    if anchor := getattr(event, "anchor", None):
        problem = f"the anchor or alias {anchor!r}: write the values out, or use `see`"
        raise RulesError(where=place, problem=problem)
    if tag := getattr(event, "tag", None):
        raise RulesError(where=place, problem=f"the YAML tag {tag!r}: take it out, plain values will do")


def _as_key(node: Node, parent: Map) -> Text:
    if not isinstance(node, Text) or node.is_null:
        raise RulesError(where=node.place, problem="a key must be a text, and may not be empty")
    if node.value in parent.places:
        before = parent.places[node.value].line
        problem = f"the key `{node.value}` is already in line {before}; keep one of the two"
        raise RulesError(where=node.place, problem=problem)
    return node
