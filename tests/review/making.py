"""Catalogues with faces in made photos, and pages of made values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from recognize_cli.catalogue import Outcome
from recognize_cli.records import Box, Detection, FileResult, Kind, MediaFile, Pose, Scores
from recognize_cli.review.page import FaceCell, PersonCard, ReviewPage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from recognize_cli.catalogue import SqliteCatalogue

MODEL = "faces-model-1"
BOX = Box(0.25, 0.25, 0.25, 0.25)
WIDTH = 16


@dataclass(frozen=True)
class MadeFace:
    """A face in a photo: the colour of its box, whose it is (0: nobody's) and how far it is from them."""

    colour: str
    person: int = 0
    distance: float = 0.3
    box: Box = BOX
    sharpness: float = 1.0


def paint(path: Path, faces: Iterable[MadeFace], size: tuple[int, int] = (400, 300)) -> Path:
    """Saves a gray photo with the boxes of faces filled."""
    picture = Image.new("RGB", size, "gray")
    draw = ImageDraw.Draw(picture)
    for face in faces:
        left, top = face.box.x * size[0], face.box.y * size[1]
        draw.rectangle(
            (left, top, left + face.box.width * size[0], top + face.box.height * size[1]), face.colour
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=95)
    return path


def embedding(person: int, face: int) -> NDArray[np.float32]:
    """A vector near to those of the same person."""
    centre = np.random.default_rng(person).normal(size=WIDTH)
    noise = np.random.default_rng(1000 + face).normal(size=WIDTH) * 0.05
    return (centre / np.linalg.norm(centre) + noise).astype(np.float32)


def fill(
    catalogue: SqliteCatalogue, photos: Mapping[Path, list[MadeFace]], storage: str = "local"
) -> dict[str, list[int]]:
    """Stores photos with their faces; returns the ids of the faces by the name of the photo."""
    ids: dict[str, list[int]] = {}
    placed: list[tuple[int, int, float]] = []
    for path, faces in photos.items():
        text = os.fsencode(path).decode("utf-8", "surrogateescape")
        directory, _, name = text.rpartition("/")
        size = path.stat().st_size if path.exists() else 0
        file = MediaFile("/", name, Kind.IMAGE, size, "version-1", 0.0)
        found = tuple(_detection(face, n) for n, face in enumerate(faces, len(placed)))
        result = FileResult(file, ("faces",), scores=(Scores(file, "faces", MODEL, (), found),))
        outcome = Outcome(result, storage, directory, rules={"faces": ""}, decoder="")
        (stored,) = catalogue.commit([outcome])
        ids[name] = [face.id or 0 for face in stored]
        placed += [(id, face.person, face.distance) for id, face in zip(ids[name], faces, strict=True)]
    faces_, persons, distances = zip(*placed, strict=True)
    catalogue.face_store.regroup(
        np.array(faces_, np.int64), np.array(persons, np.int64), np.array(distances, np.float32)
    )
    return ids


def _detection(face: MadeFace, number: int) -> Detection:
    landmarks = ((0.0, 0.0),) * 5
    vector = embedding(face.person, number)
    return Detection(face.box, 0.9, landmarks, Pose(0.0, 0.0, 0.0), face.sharpness, vector)


def cell(id: int = 1, file: str = "a.jpg", **changes: object) -> FaceCell:
    """A face of nobody with a picture."""
    fields: dict[str, object] = {"link": "file:///data/a.jpg", "thumbnail": f"thumbs/{id}-0123456789ab.jpg"}
    return FaceCell(id, file, **{**fields, **changes})  # type: ignore[arg-type]


def person(id: int = 12, name: str | None = None, *cells: FaceCell) -> PersonCard:
    """A person with these faces, or with one."""
    shown = cells or (cell(id * 100, person=id, person_name=name),)
    return PersonCard(id, name, len(shown), len(shown), shown)


def page(*people: PersonCard, **changes: object) -> ReviewPage:
    """A page of these people, of the default catalogue."""
    fields: dict[str, object] = {
        "people": people,
        "pairs": (),
        "unsure": (),
        "nobody": (),
        "people_count": len(people),
        "named_count": sum(each.name is not None for each in people),
        "face_count": sum(each.faces for each in people),
        "unsure_count": 0,
        "nobody_count": 0,
        "catalogue": "/home/ann/catalogue.sqlite3",
        "catalogue_option": "",
        "made": "2026-05-01 10:00",
    }
    return ReviewPage(**{**fields, **changes})  # type: ignore[arg-type]
