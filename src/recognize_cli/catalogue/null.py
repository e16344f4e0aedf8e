"""A catalogue that remembers nothing, for ``--no-catalogue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from recognize_cli.catalogue.api import GRACE
from recognize_cli.records import Face

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import timedelta
    from types import TracebackType

    from recognize_cli.catalogue.api import Known, Moved, Outcome, Retagged, StoredScores, Unvisited
    from recognize_cli.records import ClassScore, Gone


class NullCatalogue:
    """Every file is new to it, and nothing ever vanishes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        pass

    @property
    def outbox(self) -> None:
        """What is not remembered cannot be pushed later."""

    @property
    def listings(self) -> None:
        """It remembers no folders of servers, either."""

    def known(self, storage: str, directory: str) -> dict[str, Known]:
        return {}

    def scores(self, id: int, recognizer: str) -> tuple[ClassScore, ...]:
        return ()

    def commit(self, outcomes: Sequence[Outcome]) -> list[tuple[Face, ...]]:
        return [
            tuple(
                Face(None, face.box, face.score)
                for scores in outcome.result.scores
                for face in scores.faces or ()
            )
            for outcome in outcomes
        ]

    def found(self, ids: Collection[int]) -> None:
        pass

    def missing(self, ids: Collection[int], why: Gone) -> list[int]:
        return []

    def find_moved(self, storage: str, file_id: str, version: str, size: int) -> list[Moved]:
        return []

    def move(self, id: int, storage: str, directory: str, name: str) -> None:
        pass

    def visit(self, storage: str, directory: str) -> None:
        pass

    def unvisited(
        self, storage: str, base: str, *, except_below: Collection[str] = ()
    ) -> Iterator[Unvisited]:
        return iter(())

    def iter_scores(self, recognizer: str, *, except_rules: str | None = None) -> Iterator[StoredScores]:
        return iter(())

    def update_tags(self, batch: Sequence[Retagged]) -> None:
        pass

    def tags(self) -> dict[str, int]:
        return {}

    def purge(self, grace: timedelta = GRACE) -> int:
        return 0
