"""READ THIS FIRST: a scan is a list of stages, each pulling from the one before it.

    walk ─▶ reconcile ─▶ decode ─▶ infer ─▶ tag ─▶ (order) ─▶ commit ─▶ follow ─▶ sink

Names come out of a source, the catalogue says which of them are news, decoders in worker processes
and models in threads work on those a bounded number ahead, rules make tags of their scores, and a
result is reported once it is safe in the catalogue, which also notes what is to be pushed to servers.
What is finished early (a known file, a removed one, a directory that cannot be listed) passes through
the later stages as it is. Everything streams: memory does not grow with the tree.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from recognize_cli.catalogue.api import Outcome
from recognize_cli.errors import LoginError, SourceError
from recognize_cli.records import FileResult, Removed, Unreadable
from recognize_cli.stages.commit import commit
from recognize_cli.stages.decode import decode
from recognize_cli.stages.follow import follow
from recognize_cli.stages.infer import infer, preload
from recognize_cli.stages.ordered import Order
from recognize_cli.stages.reconcile import place, reconcile
from recognize_cli.stages.tag import tag, with_faces

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from recognize_cli.catalogue.api import Catalogue
    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.protocols import Progress, Sink, Source
    from recognize_cli.records import Finished, Scores, Tag
    from recognize_cli.stages.follow import Remotes
    from recognize_cli.stages.items import Job
    from recognize_cli.stages.judging import Policy
    from recognize_cli.stages.walk import Visit
    from recognize_cli.tally import Tally

T = TypeVar("T")


def _nothing() -> None:
    """For a run that does nothing between results."""


def _never() -> bool:
    """For a run that has memory enough."""
    return False


@dataclass(frozen=True, slots=True)
class Tree:
    """A source, and the visits of its directories (not begun yet)."""

    source: Source
    visits: Iterable[Visit | Unreadable]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the stages work with; the command line puts them together.

    ``submit`` starts decoding the file of a job in a worker, ``apply`` turns scores into tags, ``stop``
    says whether to come to an end. ``look_ahead`` bounds the files decoded or being decoded, counted in
    photos; ``threads`` the batches in the models; while ``short_of_memory`` says so, nothing more is taken
    before what is in hand is finished. With ``ordered`` results come in the order of the walk. ``remotes``
    says where the tags of a file are pushed to, and ``meanwhile`` is called between results.
    """

    policy: Policy
    catalogue: Catalogue
    submit: Callable[[Source, Job], Future[DecodeResult]]
    apply: Callable[[Scores], tuple[Tag, ...]]
    stop: Callable[[], bool]
    look_ahead: int
    threads: int
    batch_size: int
    short_of_memory: Callable[[], bool] = _never
    ordered: bool = False
    remotes: Remotes | None = None
    meanwhile: Callable[[], None] = _nothing


def results(tree: Tree, tools: Tools) -> Generator[Finished]:
    """One tree, from names to results. Raises SourceError or LoginError at the end of what could be read."""
    source, policy, stop = tree.source, tools.policy, tools.stop
    troubles: list[SourceError | LoginError] = []
    work = _until_trouble(reconcile(tree.visits, source, tools.catalogue, policy, stop), troubles)
    work = preload(work, policy.crew)
    order = Order() if tools.ordered else None
    work = order.note(work) if order else work

    def hurry() -> bool:
        return (order is not None and order.is_full()) or tools.short_of_memory()

    submit = partial(tools.submit, source)
    decoded = decode(work, submit, look_ahead=tools.look_ahead, stop=stop, troubles=troubles, hurry=hurry)
    scored = infer(decoded, policy.crew, threads=tools.threads, batch_size=tools.batch_size, hurry=hurry)
    tagged = tag(scored, tools.apply, list(policy.crew.members))
    tagged = order.restore(tagged) if order else tagged
    committed = commit(tagged, partial(save, source, tools))
    if tools.remotes is None or tools.catalogue.outbox is None:
        yield from committed
    else:
        yield from follow(committed, source, tools.remotes, tools.catalogue.outbox.follow)
    if troubles:
        raise troubles[0]


def _until_trouble(items: Iterable[T], troubles: list[SourceError | LoginError]) -> Iterator[T]:
    """Hands items on until their source breaks down, which is put into ``troubles``."""
    try:
        yield from items
    except (SourceError, LoginError) as error:
        troubles.append(error)


def scan(
    trees: Iterable[Tree],
    tools: Tools,
    sink: Sink,
    progress: Progress,
    tally: Tally,
    *,
    changed_only: bool = False,
) -> None:
    """Scans trees one after the other, reports to the sink and counts what happened.

    A tree whose source cannot be read does not keep the others from being scanned. ``changed_only``
    leaves unchanged files out of the report and of the count. Files that vanished long ago are
    forgotten at the end.
    """
    for tree in trees:
        if tools.stop():
            return
        try:
            with closing(results(tree, tools)) as finished:
                for item in finished:
                    _report(item, tally, sink, progress, changed_only=changed_only)
                    tools.meanwhile()
        except (SourceError, LoginError) as error:
            if isinstance(error, LoginError) or not tools.stop():  # else it was cut short
                tally.problem(error)
    tools.catalogue.purge()


def save(source: Source, tools: Tools, batch: Sequence[FileResult]) -> list[FileResult]:
    """Puts results into the catalogue, all of them or, on an error, none.

    Gives them back with their faces, which have ids and people from then on, and with those people's names
    for tags.
    """
    faces = tools.catalogue.commit(
        [
            Outcome(
                result,
                source.storage,
                place(source, result.file.directory),
                rules=tools.policy.rules,
                decoder=tools.policy.decoder,
                remotes=tools.remotes(source, result.file) if tools.remotes else (),
            )
            for result in batch
        ]
    )
    return [with_faces(result, each) for result, each in zip(batch, faces, strict=True)]


def _report(item: Finished, tally: Tally, sink: Sink, progress: Progress, *, changed_only: bool) -> None:
    match item:
        case FileResult():
            progress.advance(failed=bool(item.failures), unchanged=item.unchanged)
            if changed_only and item.unchanged:
                return
            sink.result(item)
        case Removed():
            sink.removed(item)
        case Unreadable():
            sink.unreadable(item)
    tally.count(item)
