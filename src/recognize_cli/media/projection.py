"""Frames of FFmpeg's to upright RGB pictures of modest size."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.views import render
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.video.frame import VideoFrame

    from recognize_cli.records import View

_SCALING = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
_AMPLE = 2  # times the pixels of a view are left to its own filter
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""FFmpeg's colour spaces (AVCOL_SPC_*) -> the matrix for it (SWS_CS_*)."""
_BT601, _BT709 = 5, 1
_HIGH_DEFINITION = 720  # lines, from which on BT.709 is meant where a file does not say
_TURNS = {
    (False, False, False): None,
    (False, True, False): Image.Transpose.FLIP_LEFT_RIGHT,
    (False, False, True): Image.Transpose.FLIP_TOP_BOTTOM,
    (False, True, True): Image.Transpose.ROTATE_180,
    (True, False, False): Image.Transpose.TRANSPOSE,
    (True, True, False): Image.Transpose.ROTATE_270,
    (True, False, True): Image.Transpose.ROTATE_90,
    (True, True, True): Image.Transpose.TRANSVERSE,
}
"""Whether a display matrix swaps the axes, mirrors x and mirrors y -> the turn that does so."""
_ANGLES = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


class Projector:
    """Makes pictures of frames, with the pixels that all its views need.

    FFmpeg scales a frame by averaging areas to twice what the views show (never up), and each view's own
    filter does the rest: a quarter of the work that the filter would have with the whole frame.
    """

    def __init__(self, views: Iterable[View], aspect: float) -> None:
        """``aspect`` is the width of a pixel for one of the height 1."""
        self._side = _AMPLE * max(max(view.min_side, view.size) for view in views)
        self._aspect = aspect
        self._scaler = VideoReformatter()
        self._turned: tuple[int | None, Image.Transpose | None] = (None, None)

    def picture(self, frame: VideoFrame) -> Image.Image:
        """A frame with square pixels, turned upright as the file says; raises FileFailure: UNSUPPORTED."""
        width, height = self._size(frame.width, frame.height)
        try:
            scaled = self._scaler.reformat(
                frame,
                width,
                height,
                "rgb24",
                src_colorspace=_matrix(frame),
                interpolation=_SCALING,
                threads=1,
            )
        except MemoryError:
            raise
        except (FFmpegError, ValueError) as error:
            problem = f"its pixels ({frame.format.name}) cannot be converted"
            raise FileFailure(Reason.UNSUPPORTED, problem) from error
        picture = Image.fromarray(scaled.to_ndarray())
        turn = self._turn(frame)
        return picture if turn is None else picture.transpose(turn)

    def _turn(self, frame: VideoFrame) -> Image.Transpose | None:
        """How to turn a frame upright.

        Its side data are read only where the angle changed: a frame whose side data were looked at stays in
        memory until Python's garbage collector comes round.
        """
        angle, turn = self._turned
        if frame.rotation != angle:
            turn = _turn(frame)
            self._turned = frame.rotation, turn
        return turn

    def _size(self, width: int, height: int) -> tuple[int, int]:
        """The size of the picture of a frame, before it is turned: nothing is ever enlarged."""
        wide, high = width * min(self._aspect, 1), height / max(self._aspect, 1)
        scale = min(1.0, self._side / min(wide, high))
        return max(1, round(wide * scale)), max(1, round(high * scale))


class Shot:
    """A frame, and what the views show of it, made when it is asked for and once."""

    def __init__(self, frame: VideoFrame, projector: Projector) -> None:
        self._frame = frame
        self._projector = projector
        self._picture: Image.Image | None = None
        self._squares: dict[View, bytes] = {}

    def square(self, view: View) -> bytes:
        """The pixels that a view shows: rows of RGB, `view.size` squared."""
        if view not in self._squares:
            if self._picture is None:
                self._picture = self._projector.picture(self._frame)
            self._squares[view] = render(self._picture, view).tobytes()
        return self._squares[view]


def _matrix(frame: VideoFrame) -> int | None:
    """The matrix of a frame's colours, guessed as players do where the file does not say."""
    if frame.format.is_rgb:
        return None
    guess = _BT709 if frame.height >= _HIGH_DEFINITION else _BT601
    return _MATRICES.get(int(frame.colorspace), guess)


def _turn(frame: VideoFrame) -> Image.Transpose | None:
    """How the side data of a frame say that it is to be turned."""
    try:
        found = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV's, where a frame has data of a kind that it does not know
        return _ANGLES.get(round(frame.rotation / 90) * 90 % 360)
    if not isinstance(found, SideData):
        return None
    a, b, _, c, d = struct.unpack_from("=5i", bytes(found))
    # A source (x, y) is shown at (ax + cy, bx + dy): ISO/IEC 14496-12, 6.2.2.
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    return _TURNS[swapped, (c if swapped else a) < 0, (b if swapped else d) < 0]
