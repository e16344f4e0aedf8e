"""Faces of files: what a commit makes of those it knows, and where they are told."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recognize_cli.catalogue import DECODING
from recognize_cli.catalogue.vectors import decode_vectors, encode_vector
from recognize_cli.errors import CatalogueUnusable
from recognize_cli.records import Box, Face, Gone, Pose, Reason
from tests.catalogue.making import HERE, MODEL, detection, known, outcome, query, searched

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.records import Detection

LEFT, RIGHT = 0.1, 0.7


def commit(catalogue: SqliteCatalogue, *faces: Detection, **changes: object) -> list[int]:
    """Commits faces of a.jpg; returns their ids."""
    (found,) = catalogue.commit([searched("a.jpg", *faces, **changes)])  # type: ignore[arg-type]
    assert known(catalogue).faces == found
    return [face.id for face in found if face.id is not None]


def test_a_commit_gives_the_faces_of_each_file(catalogue: SqliteCatalogue) -> None:
    found = catalogue.commit(
        [
            searched("a.jpg", detection(LEFT, score=0.9), detection(RIGHT, score=0.8)),
            outcome("b.jpg"),
            searched("c.jpg", detection(LEFT, score=0.7)),
            searched("d.jpg"),
        ]
    )
    assert found == [
        (Face(1, Box(LEFT, 0.1, 0.1, 0.1), 0.9), Face(2, Box(RIGHT, 0.1, 0.1, 0.1), 0.8)),
        (),
        (Face(3, Box(LEFT, 0.1, 0.1, 0.1), 0.7),),
        (),
    ]
    assert [file.faces for file in catalogue.known(HERE, "/data").values()] == found


def test_all_of_a_face_is_stored(catalogue: SqliteCatalogue) -> None:
    made = detection(LEFT, vector=(0.5, -0.25))
    commit(catalogue, made, version="7-8", file_id="1:2")
    face = catalogue.face_store.face(1)
    assert face is not None
    assert (face.box, face.score, face.landmarks) == (made.box, made.score, made.landmarks)
    assert (face.pose, face.sharpness, face.model) == (made.pose, made.sharpness, MODEL)
    assert (face.person, face.name, face.by_hand, face.distance) == (None, None, False, None)
    assert (face.file.source, face.file.path) == (HERE, "data/a.jpg")
    assert (face.file.version, face.file.file_id) == ("7-8", "1:2")
    assert catalogue.face_store.table(MODEL).vectors.tolist() == [[0.5, -0.25]]


def test_a_face_keeps_its_id_while_it_stays_in_its_place(catalogue: SqliteCatalogue) -> None:
    left, right = commit(catalogue, detection(LEFT), detection(RIGHT))
    stranger = detection(0.4, vector=(0.8, -0.6))
    assert commit(catalogue, stranger, detection(RIGHT + 0.02), version="2-10") == [right, 3]
    assert known(catalogue).faces[0].box.x == RIGHT + 0.02
    assert catalogue.face_store.face(left) is None
    other = detection(LEFT, vector=(-0.8, 0.6))
    assert commit(catalogue, other) == [4]  # an id is never used again


def test_a_face_that_moved_keeps_its_id_by_its_vector(catalogue: SqliteCatalogue) -> None:
    """As when a photo was turned; another model's vectors do not tell."""
    ids = commit(catalogue, detection(LEFT, vector=(1, 0)), detection(RIGHT, vector=(0, 1)))
    turned = [detection(LEFT, 0.6, vector=(1, 0.1)), detection(RIGHT, 0.6, vector=(0.1, 1))]
    assert commit(catalogue, *turned, version="2-10") == ids
    moved = [detection(0.4, vector=(1, 0)), detection(0.4, 0.4, vector=(0, 1))]
    assert commit(catalogue, *moved, version="3-10", model="model-2") == [3, 4]


def test_another_model_takes_over_what_is_known_of_a_face(catalogue: SqliteCatalogue) -> None:
    store = catalogue.face_store
    ids = commit(catalogue, detection(LEFT), detection(RIGHT))
    store.regroup(np.array(ids), np.array([1, 2]), np.array([0.25, 0.5], np.float32))
    person = store.split(ids[1:])
    commit(catalogue, detection(LEFT))
    first = store.face(ids[0])
    assert first is not None
    assert (first.person, first.distance) == (1, 0.25)
    commit(catalogue, detection(LEFT, vector=(1, 2, 3)), detection(RIGHT, vector=(1, 0, 0)), model="model-2")
    first, second = store.face(ids[0]), store.face(3)
    assert first is not None
    assert second is not None
    assert (first.model, first.person, first.distance) == ("model-2", 1, None)
    assert (second.person, person) == (None, 3)
    assert store.table("model-2").vectors.tolist() == [[1, 2, 3], [1, 0, 0]]


def test_a_search_that_finds_nothing_forgets_the_faces(catalogue: SqliteCatalogue) -> None:
    (face,) = commit(catalogue, detection())
    catalogue.face_store.split([face])
    assert commit(catalogue) == []
    assert catalogue.face_store.people() == []
    catalogue.close()


def test_other_results_leave_faces_alone(catalogue: SqliteCatalogue) -> None:
    (face,) = commit(catalogue, detection())
    told = known(catalogue).faces
    assert catalogue.commit([outcome(), outcome(tags={"faces": ()})]) == [told, told]
    assert catalogue.commit([outcome(failures={"faces": Reason.INFERENCE})]) == [told]
    assert [each.id for each in catalogue.face_store.faces()] == [face]


@pytest.mark.parametrize("tags", [{"objects": ()}, None])
def test_an_edited_file_keeps_its_faces_for_the_next_search(
    catalogue: SqliteCatalogue, tags: dict[str, list[str]] | None
) -> None:
    store = catalogue.face_store
    (face,) = commit(catalogue, detection())
    person = store.split([face])
    store.rename(person, "Ada")
    failures = None if tags else {DECODING: Reason.DECODE}
    assert catalogue.commit([outcome(version="2-10", tags=tags, failures=failures)]) == [()]
    assert known(catalogue).faces == ()
    assert (list(store.faces()), store.face(face), catalogue.tags()) == ([], None, {})
    assert [(each.name, each.faces) for each in store.people()] == [("Ada", 0)]
    assert commit(catalogue, detection(0.11), version="2-10") == [face]
    assert known(catalogue).faces[0].name == "Ada"
    assert catalogue.tags() == {"Ada": 1}


def test_faces_move_with_their_file(catalogue: SqliteCatalogue) -> None:
    commit(catalogue, detection(), file_id="1:2")
    before = known(catalogue)
    catalogue.missing([before.id], Gone.DELETED)
    assert (list(catalogue.face_store.faces()), catalogue.face_store.models()) == ([], {})
    (moved,) = catalogue.find_moved(HERE, "1:2", "1-10", 10)
    assert moved.known.faces == known(catalogue).faces == before.faces
    catalogue.move(before.id, HERE, "/elsewhere", "b.jpg")
    assert catalogue.known(HERE, "/elsewhere")["b.jpg"].faces == before.faces
    assert [face.file.path for face in catalogue.face_store.faces()] == ["elsewhere/b.jpg"]


def test_a_directory_with_faces_costs_one_more_query(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(f"{n}.jpg", directory="/plain") for n in range(9)])
    catalogue.commit([searched(f"{n}.jpg", detection(), directory="/faces") for n in range(9)])
    statements: list[str] = []
    with catalogue._database.reading() as connection:
        connection.set_trace_callback(statements.append)
    catalogue.known(HERE, "/plain")
    assert len(statements) == 1
    catalogue.known(HERE, "/faces")
    assert len(statements) == 3


@given(
    arrays.arrays(
        np.float32, st.integers(1, 40), elements=st.floats(-65504, 65504, width=32, allow_subnormal=False)
    )
)
def test_vectors_survive_as_halves(vector: NDArray[np.float32]) -> None:
    column = encode_vector(vector)
    assert column is not None
    assert len(column) == 2 * len(vector)
    (found,) = decode_vectors([column], len(vector))
    assert np.allclose(found.astype(np.float32), vector, rtol=2**-11, atol=2**-24)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e5, -7e4])
def test_a_face_without_a_usable_vector_is_kept_but_not_grouped(
    catalogue: SqliteCatalogue, bad: float
) -> None:
    commit(catalogue, detection(LEFT, vector=(1, bad)), detection(RIGHT, vector=(1, 0)))
    assert catalogue.face_store.table(MODEL).ids.tolist() == [2]
    commit(catalogue, detection(LEFT, vector=(1, 0)), detection(RIGHT, vector=(bad, 0)))
    assert catalogue.face_store.table(MODEL).ids.tolist() == [1]
    assert len(list(catalogue.face_store.faces())) == 2


def test_what_could_not_be_measured_is_no_number(catalogue: SqliteCatalogue) -> None:
    commit(catalogue, detection(pose=Pose(math.nan, 1.0, math.nan), sharpness=math.nan))
    (face,) = catalogue.face_store.faces()
    assert math.isnan(face.pose.roll)
    assert face.pose.yaw == 1.0
    assert math.isnan(face.sharpness)
    table = catalogue.face_store.table(MODEL)
    assert np.isnan([table.rolls[0], table.sharpness[0]]).all()


@pytest.mark.parametrize("wrong", [{"score": math.nan}, {"box": Box(0.1, math.inf, 0.1, 0.1)}])
def test_a_place_that_is_no_number_is_refused(catalogue: SqliteCatalogue, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no number"):
        catalogue.commit([searched("a.jpg", detection(**wrong))])  # type: ignore[arg-type]
    assert catalogue.known(HERE, "/data") == {}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("faces", "landmarks", b"odd"),
        ("embeddings", "vector", b"\0" * 6),
        ("embeddings", "vector", b"odd"),
        ("files", "kind", "imagf"),
    ],
)
def test_damaged_rows_name_the_catalogue(
    catalogue: SqliteCatalogue, path: Path, table: str, column: str, value: object
) -> None:
    commit(catalogue, detection(LEFT), detection(RIGHT))
    catalogue.close()
    query(path, f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT max(rowid) FROM {table})", value)
    with type(catalogue).open(path) as again, pytest.raises(CatalogueUnusable, match=str(path)):
        again.face_store.table(MODEL) if table == "embeddings" else list(again.face_store.faces())


def test_names_of_files_are_bytes(catalogue: SqliteCatalogue) -> None:
    name = os.fsdecode(b"\xff.jpg")
    catalogue.commit([searched(name, detection(), directory="/")])
    assert [face.file.path for face in catalogue.face_store.faces()] == [name]


def test_a_scan_without_faces_needs_no_numpy() -> None:
    script = "import sys, recognize_cli.catalogue as c; print('numpy' in sys.modules, c.SqliteCatalogue)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False")
