"""Outcomes and catalogues as these tests need them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.catalogue import Outcome, SqliteCatalogue
from recognize_cli.records import (
    Box,
    ClassScore,
    Detection,
    FileResult,
    Pose,
    Reason,
    Scores,
    Skipped,
    Tag,
)
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recognize_cli.catalogue import Catalogue, Known

HERE = "local"
RULES = {"objects": "rules-1", "faces": "rules-1"}
MODEL = "model-1"


def outcome(
    name: str = "a.jpg",
    *,
    directory: str = "/data",
    storage: str = HERE,
    tags: Mapping[str, Sequence[str]] | None = None,
    failures: Mapping[str, Reason] | None = None,
    rules: Mapping[str, str] = RULES,
    decoder: str = "decoder-1",
    **file: object,
) -> Outcome:
    """What a run learned of a file: the tags of each recognizer that ran, and what failed."""
    media = media_file(name, **file)
    given = {"objects": ("Cat",)} if tags is None and failures is None else tags or {}
    result = FileResult(
        media,
        recognizers=tuple(given),
        tags=tuple(
            Tag(tag, 0.75, recognizer, tag.lower()) for recognizer, names in given.items() for tag in names
        ),
        scores=tuple(
            Scores(
                media, recognizer, "model-1", tuple(ClassScore(name.lower(), 0.75, "n1") for name in names)
            )
            for recognizer, names in given.items()
        ),
        failures=tuple(
            Skipped(media, reason, f"{stage} failed", stage) for stage, reason in (failures or {}).items()
        ),
    )
    return Outcome(result, storage, directory, rules=rules, decoder=decoder)


def detection(
    x: float = 0.1,
    y: float = 0.1,
    size: float = 0.1,
    *,
    vector: Sequence[float] = (0.6, 0.8),
    **changes: object,
) -> Detection:
    """A face whose box is a square."""
    fields: dict[str, object] = {
        "box": Box(x, y, size, size),
        "score": 0.99,
        "landmarks": ((0.125, 0.25), (0.5, 0.25)),
        "pose": Pose(1.0, -2.0, 3.0),
        "sharpness": 40.0,
        "embedding": np.array(vector, np.float32),
    }
    return Detection(**{**fields, **changes})  # type: ignore[arg-type]


def searched(
    name: str = "a.jpg",
    *faces: Detection,
    directory: str = "/data",
    storage: str = HERE,
    model: str = MODEL,
    **file: object,
) -> Outcome:
    """What a run learned of a file in which it looked for faces, and for nothing else."""
    media = media_file(name, **file)
    found = Scores(media, "faces", model, (), faces)
    return Outcome(FileResult(media, ("faces",), scores=(found,)), storage, directory, rules=RULES)


def known(catalogue: Catalogue, name: str = "a.jpg", directory: str = "/data") -> Known:
    """One file that is known."""
    return catalogue.known(HERE, directory)[name]


def tag_names(file: Known, recognizer: str = "objects") -> list[str] | None:
    """The tags of a known file, None when the recognizer has no result."""
    result = file.result(recognizer)
    return None if result is None else [tag.name for tag in result.tags]


def query(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Looks into (or changes) the database of a catalogue that is closed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def assert_sound(path: Path) -> None:
    """The file is whole: pages, indexes, references, it opens, and nothing is left over in it."""
    SqliteCatalogue.open(path).close()
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    nobody = (
        "SELECT id FROM people WHERE name IS NULL AND id NOT IN (SELECT person FROM faces WHERE person > 0)"
    )
    assert query(path, nobody) == []
