"""What is to be done for one file, by what the catalogue knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.catalogue.api import DECODING
from recognize_cli.records import FileResult, Reason, Scores, Skipped
from recognize_cli.stages.items import Job, Scored
from recognize_cli.stages.tag import with_faces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recognize_cli.catalogue.api import Catalogue, Failure, Known, KnownResult
    from recognize_cli.records import MediaFile
    from recognize_cli.stages.crew import Crew


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as known, to which recognizers.

    ``rules`` gives the fingerprint of each recognizer's rules, ``decoder`` that of the decoding software.
    ``full`` looks at every file again, ``retry`` at those that failed; ``with_scores`` reports the raw
    scores of known files too.
    """

    crew: Crew
    rules: Mapping[str, str]
    decoder: str
    full: bool = False
    retry: bool = False
    with_scores: bool = False

    def still_fails(self, failure: Failure, file: MediaFile) -> bool:
        """Whether decoding the file would fail as it did before."""
        return (
            not self.retry
            and failure.reason is not Reason.IO
            and (failure.version, failure.decoder) == (file.version, self.decoder)
        )


class Judge:
    """Decides for each file whether it is known, to be looked at, or only to be tagged anew."""

    def __init__(self, catalogue: Catalogue, policy: Policy) -> None:
        self._catalogue = catalogue
        self._policy = policy

    def judge(self, file: MediaFile, known: Known | None) -> FileResult | Scored | Job:
        """What is to be done for a file."""
        readers = self._policy.crew.readers(file)
        if not readers:
            return FileResult(file, unchanged=True)
        failure = known and known.failure(DECODING)
        if failure and not self._policy.full and self._policy.still_fails(failure, file):
            skipped = Skipped(file, failure.reason, failure.message)
            return FileResult(file, failures=(skipped,), unchanged=True)
        current = [] if known is None or self._policy.full else self._current(known, file)
        missing = tuple(self._missing(file, readers, known, current))
        if known is None or not current:
            return Job(file, missing) if missing else _unseen(file, readers)
        names = [each.recognizer for each in current]
        if missing:
            kept = [name for name in names if self._policy.crew.original(name) not in missing]
            return Job(file, missing, self.scores(file, known, kept))
        if any(each.rules != self._policy.rules.get(each.recognizer) for each in current):
            return Scored(Job(file, (), self.scores(file, known, names)))
        result = FileResult(
            file,
            recognizers=tuple(names),
            tags=tuple(tag for each in current for tag in each.tags),
            scores=self.scores(file, known, names) if self._policy.with_scores else (),
            unchanged=True,
        )
        return with_faces(result, known.faces)

    def _current(self, known: Known, file: MediaFile) -> list[KnownResult]:
        """Results of the recognizers, in order, of this version of the file and the present models.

        That of a stand-in counts as long as there is none of the one whose place it takes.
        """
        crew = self._policy.crew
        results = ((name, each, known.result(name)) for name, each in crew.members.items())
        current = {
            name: result
            for name, recognizer, result in results
            if result is not None and (result.version, result.model) == (file.version, recognizer.fingerprint)
        }
        return [result for name, result in current.items() if crew.original(name) not in current]

    def _missing(
        self, file: MediaFile, readers: Iterable[str], known: Known | None, current: Sequence[KnownResult]
    ) -> Iterator[str]:
        """The recognizers that are to look at a file now: those that did not yet, can and are asked to."""
        crew, done = self._policy.crew, {each.recognizer for each in current}
        for name in readers:
            if name in done or not self._asked(name, file, known, current):
                continue
            if crew.can_work(name):
                yield name
            elif (spare := crew.replacement(name, file)) and spare not in done and crew.can_work(spare):
                yield spare

    def _asked(self, name: str, file: MediaFile, known: Known | None, current: Sequence[KnownResult]) -> bool:
        """Whether a recognizer may be asked to look at a file, by what is known of it now."""
        crew = self._policy.crew
        condition = crew.condition(name)
        if condition is None:
            return True
        asking = next((each for each in current if each.recognizer == condition.recognizer), None)
        if known is None or asking is None:
            return crew.can_work(condition.recognizer)
        if asking.rules == self._policy.rules.get(asking.recognizer):
            return condition.holds(asking.tags)
        return crew.asked(name, self.scores(file, known, [asking.recognizer]))

    def scores(self, file: MediaFile, known: Known, names: Iterable[str]) -> tuple[Scores, ...]:
        """The stored scores of these recognizers."""
        results = (known.result(name) for name in names)
        return tuple(
            Scores(file, each.recognizer, each.model, self._catalogue.scores(known.id, each.recognizer))
            for each in results
            if each is not None
        )


def _unseen(file: MediaFile, readers: Iterable[str]) -> FileResult:
    """A file that nobody could look at, because all who would are lost: the next run tries again."""
    message = f"no recognizer that reads it can work now ({', '.join(readers)})"
    return FileResult(file, failures=(Skipped(file, Reason.MODEL, message),), unchanged=True)
