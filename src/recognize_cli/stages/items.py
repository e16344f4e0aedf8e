"""What travels between the stages of a scan besides finished results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from recognize_cli.media.kinds import may_move
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from recognize_cli.records import Decoded, MediaFile, Scores, Skipped


_WEIGHTS: Final = {Kind.IMAGE: 1, Kind.AUDIO: 3, Kind.VIDEO: 4}


@dataclass(frozen=True, slots=True)
class Job:
    """A file that some recognizers must still see; ``kept`` are earlier scores that still stand."""

    file: MediaFile
    wanted: tuple[str, ...]
    kept: tuple[Scores, ...] = ()

    @property
    def weight(self) -> int:
        """The room that the decoded file takes, in photos: the frames of a video may have some 20 MB."""
        return _WEIGHTS[Kind.VIDEO if may_move(self.file.name) else self.file.kind]


@dataclass(frozen=True, slots=True)
class Ready:
    """A job whose file is decoded."""

    job: Job
    decoded: Decoded


@dataclass(frozen=True, slots=True)
class Scored:
    """A job that is done: new scores, or failures in their place. Its tags are still to be made."""

    job: Job
    scores: tuple[Scores, ...] = ()
    failures: tuple[Skipped, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
