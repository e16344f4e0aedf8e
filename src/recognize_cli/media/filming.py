"""Clips in the making: which frames of some footage go into which."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recognize_cli.media.moments import starts
from recognize_cli.media.projection import Shot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recognize_cli.media.footage import Footage
    from recognize_cli.media.projection import Projector
    from recognize_cli.records import View

_PARTS = 8  # of the time from one moment of a clip to the next; by one of them a frame may come too late
_INEXACT = 2.0  # seconds by which a length may be wrong and count as right


@dataclass
class Take:
    """A clip in the making. Times are in seconds; ``before`` is the clip before it of the same view.

    ``begin`` is where it really begins, ``squares`` what its view shows of each frame so far.
    """

    view: View
    start: float
    step: float
    length: int
    before: Take | None
    begin: float | None = None
    squares: list[bytes] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it has all its frames."""
        return len(self.squares) == self.length

    @property
    def running(self) -> bool:
        """Whether it lacks frames, and those that come are meant for it."""
        return self.begin is not None and not self.done

    @property
    def moment(self) -> float:
        """The moment whose frame it waits for; where it ends, when it has all."""
        return (self.start if self.begin is None else self.begin) + len(self.squares) * self.step

    def open(self, now: float, soon: float, *, after_jump: bool) -> None:
        """Begins if its time comes until ``soon``; after a jump also now, if the clip before it is over."""
        if self.begin is not None:
            return
        over = 0.0 if self.before is None else self.before.moment
        if after_jump and soon >= over:
            self.begin = now
        elif soon >= self.start:
            self.begin = self.start

    def see(self, shot: Shot, until: float) -> None:
        """Takes what is shown until some time, for each of its moments until then."""
        while self.running and self.moment < until:
            self.squares.append(shot.square(self.view))


@dataclass(frozen=True, slots=True)
class Film:
    """What came of a plan.

    ``end`` is the last time that was seen; ``ended`` says that nothing followed, ``late`` that time was up.
    ``refused`` says that it cannot be sought in. `damaged` and `shown` are those of the footage.
    """

    takes: Sequence[Take]
    end: float = 0.0
    ended: bool = False
    late: bool = False
    refused: bool = False
    damaged: int = 0
    shown: int = 0

    @property
    def frames(self) -> int:
        """How many frames all its clips have."""
        return sum(len(take.squares) for take in self.takes)

    def fits(self, length: float) -> bool:
        """Whether what was seen agrees with the length for which it was planned."""
        if self.end > length + _INEXACT:
            return False
        most = 2 * sum(take.done for take in self.takes) >= len(self.takes)
        return not self.ended or most or self.end >= length - min(_INEXACT, length / 10)


def planned(length: float, views: Iterable[View]) -> list[Take]:
    """The clips that the views want of something so long."""
    takes: list[Take] = []
    for view in views:
        clips, before = view.clips, None
        if clips is None:
            continue
        for start in starts(length, clips):
            before = Take(view, start, 1 / clips.rate, clips.length, before)
            takes.append(before)
    return takes


def film(footage: Footage, takes: Sequence[Take], projector: Projector, deadline: float) -> Film:
    """Goes through the footage once, with jumps, and lets every clip see its moments.

    Where it looks as if ``deadline`` (of `time.monotonic`) came before the last clip, some are left out
    that lie evenly between the others.
    """
    waiting = sorted(takes, key=lambda take: take.start)
    began = time.monotonic()
    end, ended = 0.0, False
    while waiting and not ended and not footage.late:
        end, ended = _run(footage, waiting, projector)
        waiting = [take for take in waiting if not take.done]
        spent = max(time.monotonic() - began, 1e-6)
        affordable = int((deadline - began - spent) * (len(takes) - len(waiting)) / spent)
        waiting = waiting[:: max(1, -(-len(waiting) // max(1, affordable)))]
    return Film(takes, end, ended, footage.late, footage.refused, footage.damaged, footage.shown)


def _run(footage: Footage, takes: Sequence[Take], projector: Projector) -> tuple[float, bool]:
    """Films from the first clip on until a jump is worth while; when that was, and whether it was the end."""
    tolerance = footage.frame_seconds / 2
    shot: Shot | None = None
    now = takes[0].start
    for now, frame in footage.frames(takes[0].start):
        for take in takes:
            soon = now + min(tolerance, take.step / _PARTS)
            if shot is not None:
                take.see(shot, 2 * now - soon)
            take.open(now, soon, after_jump=shot is None and take is takes[0])
        shot = Shot(frame, projector)
        if takes[0].done and _may_jump(footage, takes, now):
            return now, False
    if shot is None:
        return 0.0, not footage.late
    if not footage.late:
        for take in takes:
            take.see(shot, now + tolerance)
    return now, not footage.late


def _may_jump(footage: Footage, takes: Sequence[Take], now: float) -> bool:
    """Whether there is nothing to see before the next clip, and that is far."""
    if any(take.running for take in takes):
        return False
    return all(take.done or footage.worth_a_jump(now, take.start) for take in takes)
