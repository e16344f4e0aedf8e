"""Results as text for a person: one line a file, its tags with their scores in percent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import TextIO

    from recognize_cli.records import Change, FileResult, Removed, Tag, Unreadable


class TextSink:
    """Writes one line a file. ``style(text, role)`` may colour a path, a tag or an error."""

    def __init__(self, stream: TextIO, style: Callable[[str, str], str], *, scores: bool = False) -> None:
        """``scores``: a second line with the raw classes."""
        self._stream = stream
        self._style = style
        self._scores = scores

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to close: the summary of a text run is a message on stderr."""

    def result(self, result: FileResult) -> None:
        """The path and its tags, then a line for each failure. Files that nobody looked at are left out."""
        path = self._style(printable(result.file.path), "path")
        if result.recognizers:
            self._line(f"{path}: {', '.join(map(self._tag, result.tags)) or '-'}{self._faces(result)}")
        for failure in result.failures:
            message = printable(f"{failure.message} [{failure.reason}]")
            self._line(f"{path}: {self._style(message, 'error')}")
        if self._scores:
            for scores in (each for each in result.scores if each.top):
                classes = ", ".join(f"{top.name} {top.score:.3f}" for top in scores.top)
                self._line(f"  {scores.recognizer}: {classes}")

    def removed(self, removed: Removed) -> None:
        """The path and why it left."""
        self._line(f"{self._style(printable(removed.path), 'path')}: ({removed.why})")

    def change(self, change: Change) -> None:
        """The path and its tags to be, those to be taken off with a minus."""
        tags = [f"+{name}" for name in change.assign] + [f"-{name}" for name in change.unassign]
        self._line(f"{self._style(printable(change.path), 'path')}: {printable(' '.join(tags))}")

    def unreadable(self, unreadable: Unreadable) -> None:
        """The directory or listed path and what is wrong with it."""
        path = self._style(printable(unreadable.path), "path")
        self._line(f"{path}: {self._style(printable(unreadable.message), 'error')}")

    def summary(self, summary: Mapping[str, object]) -> None:
        """Nothing: the command line says it on stderr."""

    def _tag(self, tag: Tag) -> str:
        return f"{self._style(tag.name, 'tag')} {tag.score:.0%}"

    def _faces(self, result: FileResult) -> str:
        """How many faces nobody has a name for."""
        count = sum(face.name is None for face in result.faces)
        return self._style(f" ({count} face{'s'[: count != 1]})", "dim") if count else ""

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()
