"""Stage: turn scores into tags. And, once the catalogue knows whose they are, faces into tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recognize_cli.records import FACES, FileResult, Tag
from recognize_cli.stages.items import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recognize_cli.records import Face, Finished, Scores


def tag(
    items: Iterable[Finished | Scored], apply: Callable[[Scores], tuple[Tag, ...]], order: Sequence[str]
) -> Iterator[Finished]:
    """Applies the rules to the scores of each finished job: the new ones and those that still stand.

    A result tells its recognizers in this ``order``, whichever of them ran now.
    """
    for item in items:
        if not isinstance(item, Scored):
            yield item
            continue
        scores = sorted((*item.job.kept, *item.scores), key=lambda each: order.index(each.recognizer))
        yield FileResult(
            item.job.file,
            recognizers=tuple(each.recognizer for each in scores),
            tags=tuple(tag for each in scores for tag in apply(each)),
            scores=tuple(scores),
            failures=item.failures,
            timings=item.timings,
        )


def with_faces(result: FileResult, faces: tuple[Face, ...]) -> FileResult:
    """A result with the faces of its file, if it is about faces, and a tag for each person with a name."""
    if FACES not in result.recognizers:
        return result
    return replace(result, faces=faces, tags=result.tags + _names(faces))


def _names(faces: tuple[Face, ...]) -> tuple[Tag, ...]:
    """One tag a person, the surest face first."""
    tags: dict[int, Tag] = {}
    for face in sorted(faces, key=lambda face: -face.score):
        if face.name is not None and face.person is not None:
            tags.setdefault(face.person, Tag(face.name, face.score, FACES, f"person {face.person}"))
    return tuple(tags.values())
