"""Made faces in a real catalogue: people who are far apart, and faces that are near to their person."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.catalogue import Outcome, SqliteCatalogue
from recognize_cli.records import Box, Detection, FileResult, Pose, Scores
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MODEL = "made.1"
THRESHOLD = 0.6
"""Two faces of one person are about 0.2 from each other, and of two people about 1.4."""

_DIMENSIONS = 32
_SPREAD = 0.025


def vector(person: int, face: int = 0, *, spread: float = _SPREAD) -> NDArray[np.float32]:
    """The embedding of a face; always the same for the same numbers."""
    centre = np.random.default_rng(person).normal(size=_DIMENSIONS)
    noise = np.random.default_rng((person, face)).normal(size=_DIMENSIONS)
    return (centre / np.linalg.norm(centre) + spread * noise).astype(np.float32)


def detection(embedding: NDArray[np.float32], place: int = 0, **changes: object) -> Detection:
    """A good face, at one of four places in its photo."""
    fields: dict[str, object] = {
        "box": Box(0.05 + place % 4 * 0.24, 0.3, 0.2, 0.3),
        "score": 0.99,
        "landmarks": tuple((0.1 + place * 0.2, 0.4) for _ in range(5)),
        "pose": Pose(0.0, 0.0, 0.0),
        "sharpness": 0.5,
        "embedding": embedding,
    }
    return Detection(**{**fields, **changes})  # type: ignore[arg-type]


def outcome(
    path: str,
    detections: Sequence[Detection],
    *,
    directory: str = "/data",
    model: str = MODEL,
    **file: object,
) -> Outcome:
    """What a scan learned of a photo."""
    media = media_file(path, **file)
    scores = Scores(media, "faces", model, (), tuple(detections))
    result = FileResult(media, recognizers=("faces",), scores=(scores,))
    return Outcome(result, "local", directory, rules={"faces": "none"})


def fill(
    catalogue: Path,
    photos: Mapping[str, Sequence[int]],
    *,
    directory: str = "/data",
    model: str = MODEL,
    spread: float = _SPREAD,
) -> dict[int, list[int]]:
    """Puts photos with faces of people into a catalogue; returns the ids of the faces of each person.

    The people of a photo are numbers of one's own choice, those that the catalogue gives are others.
    """
    outcomes = []
    for number, (path, people) in enumerate(photos.items()):
        detections = [
            detection(vector(person, number, spread=spread), place) for place, person in enumerate(people)
        ]
        outcomes.append(outcome(path, detections, directory=directory, model=model))
    with SqliteCatalogue.open(catalogue) as opened:
        committed = opened.commit(outcomes)
    ids: dict[int, list[int]] = defaultdict(list)
    for people, faces in zip(photos.values(), committed, strict=True):
        for person, face in zip(people, faces, strict=True):
            assert face.id is not None
            ids[person].append(face.id)
    return dict(ids)


def album(people: int, photos: int, *, prefix: str = "") -> dict[str, list[int]]:
    """So many photos of each of the people 1, 2, ..., each alone."""
    return {
        f"{prefix}{person}-{number}.jpg": [person]
        for person in range(1, people + 1)
        for number in range(photos)
    }


def groups(catalogue: Path) -> dict[int, int]:
    """The person of each face, 0 for nobody."""
    with SqliteCatalogue.open(catalogue) as opened:
        return {face.id: face.person or 0 for face in opened.face_store.faces()}


def partition(catalogue: Path) -> set[frozenset[int]]:
    """Which faces are together, whatever the ids of their people are."""
    together: dict[int, set[int]] = defaultdict(set)
    for face, person in groups(catalogue).items():
        if person:
            together[person].add(face)
    return {frozenset(faces) for faces in together.values()}
