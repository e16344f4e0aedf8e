"""How a head is turned, told from five landmarks.

A picture shows a head nearly without perspective. Then, with the eyes level, all that is measured across
the picture shrinks by the cosine of the yaw, and the tip of the nose, which stands out of the plane of eyes
and mouth, moves aside by its sine: the ratio is a tangent, whatever the size of the face. It is the same
down the picture for the pitch. Of the head itself this takes three lengths, the same for everybody, so that
an angle may be off by a few degrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.records import Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NOSE_OUT = 0.5
"""From the plane of the eyes and the mouth to the tip of the nose, in distances between the eyes."""

_EYES_TO_MOUTH = 1.1
"""From between the eyes to between the corners of the mouth, in the same unit."""

_NOSE_DOWN = 0.56
"""How far down from the eyes to the mouth its tip is, 0 to 1, in a face that looks straight ahead.

As the one before, a median over photos of LFW that show the face from the front, by face-api's landmarks.
"""


def head_pose(points: NDArray[np.floating]) -> Pose:
    """The angles of a head in degrees: the roll from -180 to 180, yaw and pitch from -90 to 90.

    ``points`` (5×2) are in the order of `Detection.landmarks`, in a unit that is the same across and down.
    Where they fall together the head looks straight ahead.
    """
    flat = points.astype(np.float64) @ (1, 1j)
    roll = _roll(flat)
    left_eye, right_eye, nose, left_mouth, right_mouth = flat * np.exp(-1j * roll)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    width, height = max(0.0, (right_eye - left_eye).real), max(0.0, (mouth - eyes).imag)
    nose_down = (nose - eyes).imag
    middle = eyes + (mouth - eyes) * (nose_down / height if height else 0.0)
    yaw = np.arctan2((nose - middle).real, _NOSE_OUT * width)
    pitch = np.arctan2(_NOSE_DOWN * height - nose_down, _NOSE_OUT / _EYES_TO_MOUTH * height)
    return Pose(*np.degrees([roll, yaw, pitch]).tolist())


def _roll(flat: NDArray[np.complexfloating]) -> float:
    """The roll in radians, from the lines across eyes and mouth and the line down between them.

    A turned head is short across and a nodding one is short down, so that either alone would be unsure.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = flat
    across = (right_eye - left_eye + right_mouth - left_mouth) / 2
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    return float(np.angle(across - 1j * down))
