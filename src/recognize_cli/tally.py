"""What a run did, counted: the summary record and the exit code."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recognize_cli.errors import ExitCode, severest
from recognize_cli.records import FileResult, Removed, Unreadable

if TYPE_CHECKING:
    from recognize_cli.errors import RecognizeError
    from recognize_cli.records import Finished

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """Counts the records of a run as they are reported."""

    files: int = 0
    changed: int = 0
    unchanged: int = 0
    tagged: int = 0
    failed: int = 0
    removed: int = 0
    directories_failed: int = 0
    problems: list[str] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)
    pushed: dict[str, object] | None = None
    stopped_by: str | None = None
    started: float = field(default_factory=time.monotonic)

    def count(self, item: Finished) -> None:
        """Counts one record."""
        match item:
            case FileResult():
                self.files += 1
                self.unchanged += item.unchanged
                self.changed += not item.unchanged
                self.tagged += bool(item.tags)
                self.failed += bool(item.failures)
            case Removed():
                self.removed += 1
            case Unreadable():
                self.directories_failed += 1

    def problem(self, error: RecognizeError) -> None:
        """Notes, and says, that a whole source cannot be read, or that a recognizer cannot work."""
        _LOG.error("%s", error)
        self.problems.append(str(error))
        self.codes.append(error.exit_code)

    def stopped(self, by: str, code: ExitCode) -> None:
        """Notes that the run ended early."""
        self.stopped_by = by
        self.codes.append(code)

    def __str__(self) -> str:
        """What happened, for a person."""
        parts = {
            "tagged": self.tagged,
            "new or changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": self.failed + self.directories_failed,
        }
        counts = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
        took = f"in {self.seconds:.1f} s"
        stopped = f"; stopped by {self.stopped_by}" if self.stopped_by else ""
        return f"{self.files} files {took}{f': {counts}' if counts else ''}{self._pushes()}{stopped}"

    def _pushes(self) -> str:
        names = {"assigned": "assigned", "removed": "taken off", "refused": "refused", "waiting": "waiting"}
        pushed = self.pushed or {}
        counts = ", ".join(f"{pushed[key]} {name}" for key, name in names.items() if pushed.get(key))
        return f"; tags: {counts}" if counts else ""

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    @property
    def exit_code(self) -> ExitCode:
        """The severest of what happened."""
        partial = [ExitCode.SOME_FAILED] if self.failed or self.directories_failed else []
        return severest(*self.codes, *partial)

    def summary(self, sources: list[str]) -> dict[str, object]:
        """The fields of the summary record."""
        summary: dict[str, object] = {
            "sources": sources,
            "files": self.files,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "tagged": self.tagged,
            "failed": self.failed,
            "removed": self.removed,
            "directories_failed": self.directories_failed,
            "seconds": round(self.seconds, 3),
            "complete": not (self.stopped_by or self.problems),
            "stopped_by": self.stopped_by,
            "exit_code": int(self.exit_code),
        }
        summary |= {"pushed": self.pushed} if self.pushed is not None else {}
        return summary | ({"problems": self.problems} if self.problems else {})
