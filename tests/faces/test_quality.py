from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.catalogue.people_api import FaceTable, KnownFace
from recognize_cli.faces.quality import Gates
from recognize_cli.records import Box, Pose
from tests.support.records import media_file

GOOD = KnownFace(
    id=1,
    file=media_file(),
    model="m",
    box=Box(0.1, 0.1, 0.05, 0.2),
    score=0.99,
    landmarks=(),
    pose=Pose(roll=-5, yaw=10, pitch=80),
    sharpness=0.5,
    person=None,
    name=None,
    by_hand=False,
    distance=None,
)


def table(*faces: KnownFace) -> FaceTable:
    """The columns of faces."""

    def column(values: list[float]) -> np.ndarray:
        return np.array(values, np.float32)

    count = len(faces)
    return FaceTable(
        ids=np.arange(count),
        vectors=np.zeros((count, 2), np.float32),
        persons=np.zeros(count, np.int64),
        by_hand=np.zeros(count, bool),
        scores=column([face.score for face in faces]),
        sizes=column([max(face.box.width, face.box.height) for face in faces]),
        rolls=column([face.pose.roll for face in faces]),
        yaws=column([face.pose.yaw for face in faces]),
        sharpness=column([face.sharpness for face in faces]),
        named=frozenset(),
        rejected=np.zeros((0, 2), np.int64),
    )


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({}, ()),
        ({"score": 0.75}, ("unsure",)),
        ({"box": Box(0, 0, 0.02, 0.029)}, ("small",)),
        ({"box": Box(0, 0, 0.02, 0.031)}, ()),
        ({"pose": Pose(-31, 0, 0)}, ("turned",)),
        ({"pose": Pose(0, 51, 0)}, ("turned",)),
        ({"pose": Pose(30, -50, 0)}, ()),
        ({"sharpness": 0.1}, ("blurred",)),
        ({"score": 0.1, "sharpness": 0, "pose": Pose(0, 90, 0)}, ("unsure", "turned", "blurred")),
    ],
)
def test_flags_say_what_is_wrong_with_a_face(change: dict[str, object], flags: tuple[str, ...]) -> None:
    face = replace(GOOD, **change)  # type: ignore[arg-type]
    assert Gates().flags(face) == flags
    assert Gates().core(table(face)).tolist() == [not flags]


def test_limits_can_be_changed() -> None:
    assert Gates(min_score=0.995).flags(GOOD) == ("unsure",)
    assert Gates(max_roll=4).flags(GOOD) == ("turned",)


NUMBERS = st.floats(0, 1, width=16) | st.sampled_from([0.85, 0.03, 0.25, np.nan, np.inf])
ANGLES = st.floats(-90, 90, width=16) | st.sampled_from([30, -30, 50, -50, np.nan])


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, ANGLES, ANGLES, NUMBERS), max_size=20))
def test_a_face_is_good_just_when_it_has_no_flag(numbers: list[tuple[float, ...]]) -> None:
    faces = [
        replace(GOOD, score=score, box=Box(0, 0, size, 0), pose=Pose(roll, yaw, 0), sharpness=sharp)
        for score, size, roll, yaw, sharp in np.array(numbers, np.float32).reshape(-1, 5).tolist()
    ]
    gates = Gates(min_score=0.875, min_size=0.03125)  # exact in float32, as the columns are
    assert gates.core(table(*faces)).tolist() == [not gates.flags(face) for face in faces]


def test_what_is_no_number_is_not_good() -> None:
    face = replace(GOOD, score=np.nan, pose=Pose(np.nan, 0, 0), sharpness=np.nan)
    assert Gates().flags(face) == ("unsure", "turned", "blurred")


def test_no_faces_are_no_trouble() -> None:
    assert Gates().core(table()).shape == (0,)
