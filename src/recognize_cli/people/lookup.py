"""Whom somebody means by an id or a name, and which names there may be."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

from recognize_cli.errors import NameTaken, UnknownFace, UnknownPerson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recognize_cli.catalogue.people_api import FaceStore, KnownFace, Person

LONGEST_NAME = 200
LARGEST_ID = (1 << 63) - 1
_NEAR = 3
_REFUSED = {
    "Cc": "control characters",
    "Zl": "line breaks",
    "Zp": "line breaks",
    "Cs": "bytes that are no text",
}


def clean_name(text: str) -> str:
    """A name as it is stored: NFC, without spaces around it. Raises ValueError, which says what is wrong."""
    name = unicodedata.normalize("NFC", text).strip()
    for char in name:
        if refused := _REFUSED.get(unicodedata.category(char)):
            raise ValueError(f"a name has no {refused}")
    if not name:
        raise ValueError("a name is not empty")
    if name.isdigit():
        raise ValueError("a name is not only digits: those are the ids of people")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters")
    return name


def find(store: FaceStore, text: str) -> Person:
    """The person of an id or a name, case ignored. Raises UnknownPerson, which tells names that are near."""
    wanted = unicodedata.normalize("NFC", text).strip()
    if wanted.isascii() and wanted.isdigit():
        number = int(wanted) if len(wanted) <= len(str(LARGEST_ID)) else LARGEST_ID
        person = store.person(min(number, LARGEST_ID))
    else:
        person = store.person_named(wanted)
    if person is None:
        raise UnknownPerson(person=text, near=_near(store, wanted))
    return person


def find_all(store: FaceStore, texts: Iterable[str]) -> list[Person]:
    """The people of ids or names, each once."""
    return list({person.id: person for person in (find(store, text) for text in texts)}.values())


def _near(store: FaceStore, wanted: str) -> str:
    names = {person.name.casefold(): person.name for person in store.people() if person.name is not None}
    folded = wanted.casefold()
    near = [name for key, name in names.items() if folded and folded in key][:_NEAR]
    near = near or [names[key] for key in difflib.get_close_matches(folded, names, n=_NEAR)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def find_faces(store: FaceStore, ids: Iterable[int]) -> list[KnownFace]:
    """The faces of these ids, each once. Raises UnknownFace."""
    return [_face(store, id_) for id_ in dict.fromkeys(ids)]


def _face(store: FaceStore, id_: int) -> KnownFace:
    face = store.face(id_)
    if face is None:
        raise UnknownFace(face=id_)
    return face


def rename(store: FaceStore, person: Person, name: str | None) -> None:
    """Gives a person a name (of `clean_name`), or takes it away. Raises NameTaken."""
    owner = None if name is None else store.person_named(name)
    if owner is not None and owner.id != person.id:
        raise NameTaken(name=name, owner=owner.id, person=person.id)
    store.rename(person.id, name)
