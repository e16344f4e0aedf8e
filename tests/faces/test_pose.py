from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.faces.pose import head_pose

HEAD = np.array([[-0.5, -0.6, 0.0], [0.5, -0.6, 0.0], [0.0, 0.0, 0.5], [-0.4, 0.5, 0.0], [0.4, 0.5, 0.0]])
"""Eyes, tip of the nose and corners of a mouth that looks at us: x to the right, y down, z towards us."""


def turned(roll: float, yaw: float, pitch: float, distance: float | None = None) -> np.ndarray:
    """The picture of a head turned by so many degrees, from so far away (in distances between the eyes)."""
    r, y, p = np.radians([roll, yaw, pitch])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = HEAD @ (about_z @ about_y @ about_x).T
    nearness = 1 - points[:, 2:] / distance if distance else 1
    return np.asarray(points[:, :2] / nearness)


def test_a_face_that_looks_straight_ahead_has_no_angles() -> None:
    pose = head_pose(turned(0, 0, 0))
    assert (pose.roll, pose.yaw) == pytest.approx((0, 0))
    assert abs(pose.pitch) < 5


@settings(deadline=None)
@given(st.floats(-175, 175), st.floats(-80, 80))
def test_roll_and_yaw_are_what_they_are(roll: float, yaw: float) -> None:
    pose = head_pose(turned(roll, yaw, 0))
    assert pose.roll == pytest.approx(roll, abs=1e-6)
    assert pose.yaw == pytest.approx(yaw, abs=1e-6)


@settings(deadline=None)
@given(st.floats(-30, 30), st.floats(-50, 50), st.floats(-25, 25), st.floats(8, 100))
def test_turned_every_way_and_seen_from_near_the_angles_stay_close(
    roll: float, yaw: float, pitch: float, distance: float
) -> None:
    pose = head_pose(turned(roll, yaw, pitch, distance))
    assert pose.roll == pytest.approx(roll, abs=15)
    assert pose.yaw == pytest.approx(yaw, abs=10)
    assert pose.pitch == pytest.approx(pitch, abs=18)


@pytest.mark.parametrize("angle", ["roll", "yaw", "pitch"])
def test_the_more_a_head_is_turned_the_greater_the_angle(angle: str) -> None:
    angles = [
        getattr(head_pose(turned(**{"roll": 5, "yaw": 10, "pitch": -5, angle: value})), angle)
        for value in range(-85, 86, 5)
    ]
    assert angles == sorted(angles)


def test_signs_are_those_of_the_record() -> None:
    assert head_pose(turned(20, 0, 0)).roll > 0
    right, up = turned(0, 20, 0), turned(0, 0, 20)
    assert right[2, 0] > HEAD[2, 0]  # the nose is further to the right
    assert head_pose(right).yaw > 0
    assert up[2, 1] < HEAD[2, 1]  # the nose is further up
    assert head_pose(up).pitch > head_pose(turned(0, 0, 0)).pitch


@pytest.mark.parametrize("turn", [{"yaw": 75, "pitch": 0}, {"yaw": 0, "pitch": 70}])
def test_a_landmark_that_is_a_little_off_tips_no_face(turn: dict[str, float]) -> None:
    points = turned(0, **turn)
    points[0] += (0.05, 0.05)
    assert abs(head_pose(points).roll) < 4


@settings(deadline=None)
@given(st.floats(-40, 40), st.floats(-60, 60), st.floats(0.01, 1e4), st.floats(-1e4, 1e4))
def test_size_and_place_do_not_count(roll: float, yaw: float, scale: float, shift: float) -> None:
    points = turned(roll, yaw, 10)
    pose, other = head_pose(points), head_pose(points * scale + scale * shift / 100)
    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((other.roll, other.yaw, other.pitch), abs=1e-3)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 2), min_size=5, max_size=5))
def test_any_points_give_angles(points: list[tuple[float, float]]) -> None:
    pose = head_pose(np.array(points))
    assert -180 <= pose.roll <= 180
    assert -90 <= pose.yaw <= 90
    assert -90 <= pose.pitch <= 90


def test_points_that_fall_together_look_straight_ahead() -> None:
    pose = head_pose(np.full((5, 2), 7.0))
    assert (pose.roll, pose.yaw, pose.pitch) == (0, 0, 0)
