"""Random histories of faces and people, in a catalogue and in a plain model of one."""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.errors import NameTaken
from recognize_cli.records import Box, Gone
from tests.catalogue.making import HERE, assert_sound, detection, outcome, query, searched

FILES = st.sampled_from(["a.jpg", "b.jpg", "c.jpg"])
VERSIONS = st.sampled_from(["1-10", "2-10"])
MODELS = st.sampled_from(["model-1", "model-2"])
NAMES = st.sampled_from(["Ada", "ADA", "Straße", "STRASSE", "\xc9lise", "e\u0301lise", None])
# Where faces are: places that do not overlap, and how far off a face is seen there.
PLACES = st.dictionaries(st.integers(0, 4), st.sampled_from([0.0, 0.02, -0.01]), max_size=4)


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


@dataclass
class Stored:
    """A face of the model."""

    file: str
    place: int
    box: Box
    model: str
    person: int | None = None
    by_hand: bool = False
    distance: float | None = None


@dataclass
class File:
    """A file of the model; ``rules`` are those of its faces result, None when it has none."""

    id: int
    version: str
    rules: str | None = None
    missing: bool = False
    since: float = 0.0


@dataclass
class World:
    """All that there is, by ids (files by name)."""

    files: dict[str, File] = field(default_factory=dict)
    faces: dict[int, Stored] = field(default_factory=dict)
    people: dict[int, str | None] = field(default_factory=dict)
    rejections: set[tuple[int, int]] = field(default_factory=set)
    next_face: int = 1
    next_person: int = 1

    def of(self, person: int) -> list[Stored]:
        return [face for face in self.faces.values() if face.person == person]

    def shown(self, face: Stored) -> bool:
        file = self.files[face.file]
        return not file.missing and file.rules is not None

    def retell(self, faces: list[Stored]) -> None:
        for face in faces:
            if self.files[face.file].rules is not None:
                self.files[face.file].rules = ""

    def name(self, person: int | None) -> str | None:
        return None if person is None else self.people[person]

    def settle(self) -> None:
        """What nobody knows and nothing belongs to is gone."""
        self.people = {id_: name for id_, name in self.people.items() if name is not None or self.of(id_)}
        self.rejections = {(f, p) for f, p in self.rejections if f in self.faces and p in self.people}

    def take(self, ids: list[int], to: int | None) -> None:
        for id_ in ids:
            face = self.faces[id_]
            if face.person is not None:
                self.rejections.add((id_, face.person))
                if self.people[face.person] is not None:
                    self.retell([face])
            face.person, face.by_hand, face.distance = to, True, None
        self.settle()


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "catalogue.sqlite3"
        self.catalogue = SqliteCatalogue.open(self.path, clock=lambda: self.now)
        self.world = World()

    def teardown(self) -> None:
        self.catalogue.close()
        assert_sound(self.path)
        shutil.rmtree(self.directory)

    def file(self, name: str, version: str) -> File:
        id_ = self.catalogue.known(HERE, "/data")[name].id
        file = self.world.files.setdefault(name, File(id_, version))
        if file.version != version:
            file.version, file.rules = version, None
        file.missing = False
        return file

    @rule(name=FILES, version=VERSIONS, model=MODELS, places=PLACES)
    def search(self, name: str, version: str, model: str, places: dict[int, float]) -> None:
        boxes = {place: Box(0.2 * place + off, 0.1, 0.1, 0.1) for place, off in places.items()}
        found = [detection(box=box, vector=np.eye(5)[place]) for place, box in boxes.items()]
        (faces,) = self.catalogue.commit([searched(name, *found, version=version, model=model)])
        self.file(name, version).rules = "rules-1"
        world = self.world
        old = {face.place: id_ for id_, face in world.faces.items() if face.file == name}
        for place in old.keys() - boxes.keys():
            del world.faces[old[place]]
        for place, box in boxes.items():
            (id_,) = (face.id for face in faces if face.box == box)
            assert id_ is not None
            if place in old:
                assert id_ == old[place]
                kept = world.faces[id_]
                kept.distance = kept.distance if kept.model == model else None
                kept.box, kept.model = box, model
            else:
                assert id_ >= world.next_face
                world.next_face = id_ + 1
                world.faces[id_] = Stored(name, place, box, model)
        world.settle()
        assert [face.id for face in faces] == sorted(
            old.get(place, 10**9) for place in old if place in boxes
        ) + [face.id for face in faces if face.id not in old.values()]

    @rule(name=FILES, version=VERSIONS)
    def edit(self, name: str, version: str) -> None:
        (faces,) = self.catalogue.commit([outcome(name, version=version, tags={"objects": ()})])
        file = self.file(name, version)
        stored = [id_ for id_, face in self.world.faces.items() if face.file == name]
        assert [face.id for face in faces] == ([] if file.rules is None else sorted(stored))

    @precondition(lambda self: self.world.faces)
    @rule(data=st.data(), distance=st.sampled_from([0.25, 0.5]))
    def regroup(self, data: st.DataObject, distance: float) -> None:
        world = self.world
        choices = [0, *world.people, world.next_person, world.next_person + 2]
        groups = data.draw(
            st.dictionaries(st.sampled_from([*world.faces, 10**6]), st.sampled_from(choices), max_size=8)
        )
        self.catalogue.face_store.regroup(
            np.array([*groups], np.int64),
            np.array([*groups.values()], np.int64),
            np.array([distance if person else np.nan for person in groups.values()], np.float32),
        )
        for id_, group in groups.items():
            if id_ not in world.faces or world.faces[id_].by_hand or (id_, group) in world.rejections:
                continue
            face, person = world.faces[id_], group or None
            if person is not None and person not in world.people:
                world.people[person] = None
                world.next_person = max(world.next_person, person + 1)
            if world.name(face.person) != world.name(person):
                world.retell([face])
            face.person, face.distance = person, distance if person else None
        world.settle()

    @precondition(lambda self: self.world.people)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data: st.DataObject, name: str | None) -> None:
        world = self.world
        person = data.draw(st.sampled_from(sorted(world.people)))
        others = {folded(each) for id_, each in world.people.items() if each and id_ != person}
        if name is not None and folded(name) in others:
            with pytest.raises(NameTaken):
                self.catalogue.face_store.rename(person, name)
            return
        self.catalogue.face_store.rename(person, name)
        if world.people[person] != name:
            world.retell(world.of(person))
        world.people[person] = name
        world.settle()

    @precondition(lambda self: self.world.people)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        world = self.world
        ids = data.draw(st.lists(st.sampled_from(sorted(world.people)), min_size=1, max_size=4))
        into, *others = ids
        self.catalogue.face_store.merge(into, others)
        if set(ids) == {into}:
            return
        name = next((world.people[id_] for id_ in ids if world.people[id_] is not None), None)
        for id_ in set(ids):
            if world.people[id_] != name:
                world.retell(world.of(id_))
            for face in world.of(id_):
                face.person, face.by_hand, face.distance = into, True, None
            if id_ != into:
                del world.people[id_]
        world.people[into] = name
        ruled = {(face, into if person in ids else person) for face, person in world.rejections}
        world.rejections = {(face, p) for face, p in ruled if p != into or world.faces[face].person != into}
        world.settle()

    @precondition(lambda self: self.world.faces)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        faces = data.draw(st.lists(st.sampled_from(sorted(self.world.faces)), min_size=1, max_size=3))
        new = self.catalogue.face_store.split(faces)
        assert new == self.world.next_person
        self.world.next_person = new + 1
        self.world.people[new] = None
        left = {self.world.faces[face].person for face in faces}
        self.world.take(list(dict.fromkeys(faces)), new)
        stayed = (id_ for id_, face in self.world.faces.items() if face.person in left - {None})
        self.world.rejections |= {(face, new) for face in stayed}

    @precondition(lambda self: self.world.faces)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        faces = data.draw(st.lists(st.sampled_from(sorted(self.world.faces)), max_size=3, unique=True))
        self.catalogue.face_store.remove(faces)
        self.world.take(faces, None)

    @rule(faces=st.booleans())
    def reset(self, faces: bool) -> None:
        world = self.world
        if faces:
            self.catalogue.face_store.reset_faces()
            world.faces, world.people, world.rejections = {}, {}, set()
            for file in world.files.values():
                file.rules = None
            return
        self.catalogue.face_store.reset_people()
        world.retell([face for face in world.faces.values() if world.name(face.person) is not None])
        for face in world.faces.values():
            face.person, face.by_hand, face.distance = None, False, None
        world.people, world.rejections = {}, set()

    @precondition(lambda self: self.world.files)
    @rule(data=st.data(), back=st.booleans())
    def missing_or_found(self, data: st.DataObject, back: bool) -> None:
        file = self.world.files[data.draw(st.sampled_from(sorted(self.world.files)))]
        if back:
            self.catalogue.found([file.id])
            file.missing = False
        elif self.catalogue.missing([file.id], Gone.DELETED):
            file.missing, file.since = True, self.now

    @rule(days=st.integers(0, 40))
    def purge(self, days: int) -> None:
        world = self.world
        self.now += days * 86400
        old = {n for n, f in world.files.items() if f.missing and self.now - f.since >= 30 * 86400}
        assert self.catalogue.purge(timedelta(days=30)) == len(old)
        world.files = {name: file for name, file in world.files.items() if name not in old}
        world.faces = {id_: face for id_, face in world.faces.items() if face.file not in old}
        world.settle()

    @invariant()
    def the_same_faces_are_known_of_files(self) -> None:
        world = self.world
        found = {}
        for name, file in self.catalogue.known(HERE, "/data").items():
            result = file.result("faces")
            faces = [(face.id, face.box, face.person, face.name) for face in file.faces]
            found[name] = (file.id, None if result is None else result.rules, faces)
        assert found == {
            name: (
                file.id,
                file.rules,
                [
                    (id_, face.box, face.person, world.name(face.person))
                    for id_, face in sorted(world.faces.items())
                    if face.file == name and file.rules is not None
                ],
            )
            for name, file in world.files.items()
        }

    @invariant()
    def the_same_people_are_listed(self) -> None:
        world = self.world
        faces = {id_: [face for face in world.of(id_) if world.shown(face)] for id_ in world.people}
        expected = {
            id_: (name, len(faces[id_]), len({face.file for face in faces[id_]}))
            for id_, name in world.people.items()
            if name is not None or faces[id_]
        }
        store = self.catalogue.face_store
        found = store.people()
        assert {person.id: (person.name, person.faces, person.files) for person in found} == expected
        assert found == sorted(found, key=lambda person: (-person.faces, person.id))
        assert store.next_person() == world.next_person
        for id_, name in world.people.items():
            assert store.person(id_) == next((person for person in found if person.id == id_), None)
            assert name is None or store.person_named(name.swapcase()) == store.person(id_)

    @invariant()
    def the_same_faces_are_listed(self) -> None:
        world, store = self.world, self.catalogue.face_store
        found = {face.id: face for face in store.faces()}
        assert list(found) == sorted(id_ for id_, face in world.faces.items() if world.shown(face))
        for id_, face in world.faces.items():
            assert store.face(id_) == found.get(id_)
            if id_ in found:
                known = found[id_]
                assert (known.file.path, known.box, known.model) == (
                    f"data/{face.file}",
                    face.box,
                    face.model,
                )
                assert (known.person, known.name) == (face.person, world.name(face.person))
                assert (known.by_hand, known.distance) == (face.by_hand, face.distance)
        for person in world.people:
            assert list(store.faces(person)) == [face for face in found.values() if face.person == person]
        assert store.models() == Counter(face.model for face in found.values())

    @invariant()
    def the_same_faces_are_in_tables(self) -> None:
        world = self.world
        for model in ("model-1", "model-2"):
            table = self.catalogue.face_store.table(model)
            faces = {
                id_: face
                for id_, face in sorted(world.faces.items())
                if world.shown(face) and face.model == model
            }
            assert table.ids.tolist() == list(faces)
            assert np.nonzero(table.vectors)[1].tolist() == [face.place for face in faces.values()]
            assert table.persons.tolist() == [face.person or 0 for face in faces.values()]
            assert table.by_hand.tolist() == [face.by_hand for face in faces.values()]
            assert table.named == {id_ for id_, name in world.people.items() if name is not None}
            assert list(map(tuple, table.rejected.tolist())) == sorted(
                (face, person) for face, person in world.rejections if face in faces
            )

    @invariant()
    def nothing_is_left_over(self) -> None:
        assert dict(query(self.path, "SELECT id, name FROM people")) == self.world.people
        assert set(query(self.path, "SELECT face, person FROM rejections")) == self.world.rejections

    @invariant()
    def names_are_tags(self) -> None:
        pairs = {
            (name, face.file)
            for face in self.world.faces.values()
            if self.world.shown(face) and (name := self.world.name(face.person)) is not None
        }
        assert self.catalogue.tags() == Counter(name for name, _ in pairs)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
