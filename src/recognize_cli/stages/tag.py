"""Stage: turn scores into tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.records import FileResult
from recognize_cli.stages.items import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from recognize_cli.records import Finished, Scores, Tag


def tag(items: Iterable[Finished | Scored], apply: Callable[[Scores], tuple[Tag, ...]]) -> Iterator[Finished]:
    """Applies the rules to the scores of each finished job: the new ones and those that still stand."""
    for item in items:
        if not isinstance(item, Scored):
            yield item
            continue
        scores = (*item.job.kept, *item.scores)
        yield FileResult(
            item.job.file,
            recognizers=tuple(each.recognizer for each in scores),
            tags=tuple(tag for each in scores for tag in apply(each)),
            scores=scores,
            failures=item.failures,
            timings=item.timings,
        )
