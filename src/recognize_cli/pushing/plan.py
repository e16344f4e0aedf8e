"""What to ask a server for, given what it has, what of that is ours, and what is wanted; pure.

A tag that a file bore before we ever asked for it is foreign: it is never removed. One that is ours and that
the file does not bear any more was taken off by somebody, and is not given again.

Names with the same key are one tag on the server (``Cat`` and ``cat``, on most of them). Such rows are judged
together: one of them stands for all, or a name that is no longer wanted would take the wanted one with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from recognize_cli.catalogue.outbox_api import Settled, State
from recognize_cli.errors import TagRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from recognize_cli.catalogue.outbox_api import PushFile, PushTag
    from recognize_cli.protocols import TagServer

_MAY_BE_OURS = (State.OURS, State.LEAVING, State.SENT)
_SURE_FIRST = (*_MAY_BE_OURS, State.FOREIGN, State.WITHDRAWN, State.NEW)
_MAY_BE_AWAY_BY_US = (State.NEW, State.SENT, State.LEAVING)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known without a request, and the tags to ask for."""

    known: tuple[Settled, ...] = ()
    assign: tuple[PushTag, ...] = ()
    unassign: tuple[PushTag, ...] = ()


def keys_of(server: TagServer) -> Callable[[str], str]:
    """The server's `key`, but for what can be no name there: that is a tag of its own, and nowhere."""

    def key(name: str) -> str:
        try:
            return server.key(name)
        except TagRefused:
            return f"\0{name}"

    return key


def needs_look(file: PushFile) -> bool:
    """Whether what to do depends on what the file bears now; what is ours can be taken off without a look."""
    return any(tag.wanted for tag in file.tags)


def plan(file: PushFile, existing: Collection[str] | None, key: Callable[[str], str]) -> Plan:
    """The plan for a file that bears the tags ``existing``; None where nobody looked, or found it."""
    present = None if existing is None else {key(name) for name in existing}
    plans = [
        _of_one(file, list(rows), None if present is None else same in present)
        for same, rows in groupby(sorted(file.tags, key=lambda tag: key(tag.name)), lambda tag: key(tag.name))
    ]
    return Plan(
        known=tuple(settled for each in plans for settled in each.known),
        assign=tuple(tag for each in plans for tag in each.assign),
        unassign=tuple(tag for each in plans for tag in each.unassign),
    )


def _of_one(file: PushFile, rows: Sequence[PushTag], there: bool | None) -> Plan:
    """The plan for the rows of one tag; ``there`` says whether the file bears it, None if nobody knows."""
    rows = sorted(rows, key=lambda row: (not row.wanted, _SURE_FIRST.index(row.state), row.name))
    first, others = rows[0], rows[1:]
    state = min((row.state for row in rows), key=_SURE_FIRST.index)
    due = any(row.due for row in rows)
    if first.wanted:
        # The others lose what they claimed: the first one has it now.
        known = [Settled(file.id, row.name, State.FOREIGN if row.wanted else None) for row in others]
        known = [each for each, row in zip(known, others, strict=True) if each.state is not row.state]
        return _wanted(file, first, state, there, due=due, known=known)
    known = [Settled(file.id, row.name, None) for row in others]
    if there is False:
        return Plan((*known, Settled(file.id, first.name, None)))
    return Plan(tuple(known), unassign=(first,)) if due and state in _MAY_BE_OURS else Plan()


def _wanted(
    file: PushFile, row: PushTag, state: State, there: bool | None, *, due: bool, known: list[Settled]
) -> Plan:
    if there is None:
        if not due:
            return Plan()
        problem = f"the file is not at {file.path} any more; the next scan finds out where it is"
        return Plan((*known, Settled(file.id, row.name, state, problem)))
    if not there and state in _MAY_BE_AWAY_BY_US:
        return Plan(tuple(known), assign=(row,)) if due else Plan()
    now = _seen(state) if there else State.WITHDRAWN
    if now is row.state and not row.due:
        return Plan(tuple(known))
    return Plan((*known, Settled(file.id, row.name, now)))


def _seen(state: State) -> State:
    """What a tag is that the file bears."""
    return State.OURS if state in _MAY_BE_OURS else State.FOREIGN
