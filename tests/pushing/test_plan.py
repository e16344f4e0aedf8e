from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.catalogue.outbox_api import PushFile, PushTag, Settled, State
from recognize_cli.pushing.plan import Plan, needs_look, plan

STATES = st.sampled_from(State)
NAMES = st.sampled_from(["cat", "Cat", "CAT", "Öl", "öl", "Dog"])


def file(*tags: PushTag) -> PushFile:
    return PushFile(1, "42", "Photos", "a.jpg", tags)


def tag(name: str = "Cat", state: State = State.NEW, *, wanted: bool = True, due: bool = True) -> PushTag:
    return PushTag(name, wanted, state, due)


def same(name: str) -> str:
    return name


@pytest.mark.parametrize(
    ("state", "there", "becomes"),
    [
        (State.NEW, False, "assign"),
        (State.NEW, True, State.FOREIGN),
        (State.SENT, False, "assign"),
        (State.SENT, True, State.OURS),
        (State.LEAVING, False, "assign"),
        (State.LEAVING, True, State.OURS),
        (State.OURS, False, State.WITHDRAWN),
        (State.OURS, True, State.OURS),
        (State.FOREIGN, False, State.WITHDRAWN),
        (State.FOREIGN, True, State.FOREIGN),
        (State.WITHDRAWN, False, State.WITHDRAWN),
        (State.WITHDRAWN, True, State.FOREIGN),
    ],
)
def test_what_a_wanted_tag_becomes(state: State, there: bool, becomes: str) -> None:
    row = tag(state=state)
    planned = plan(file(row), ["Cat"] if there else [], same)
    if becomes == "assign":
        assert planned == Plan(assign=(row,))
    else:
        assert planned == Plan((Settled(1, "Cat", State(becomes)),))


@pytest.mark.parametrize("state", [State.OURS, State.SENT, State.LEAVING])
def test_what_is_no_longer_wanted_is_taken_off_where_it_is_ours(state: State) -> None:
    row = tag(state=state, wanted=False)
    assert plan(file(row), ["Cat"], same) == Plan(unassign=(row,))
    assert plan(file(row), None, same) == Plan(unassign=(row,))
    assert plan(file(row), [], same) == Plan((Settled(1, "Cat", None),))


@pytest.mark.parametrize("there", [[], ["Cat"]])
def test_what_is_not_due_is_not_asked_for(there: list[str]) -> None:
    for state in (State.NEW, State.SENT):
        planned = plan(file(tag(state=state, due=False)), there, same)
        assert not planned.assign
    assert not plan(file(tag(state=State.OURS, wanted=False, due=False)), ["Cat"], same).unassign


def test_a_file_that_is_not_where_it_was_keeps_what_is_known_of_it() -> None:
    planned = plan(file(tag(state=State.SENT)), None, same)
    assert [(each.state, each.retry_at) for each in planned.known] == [(State.SENT, None)]
    assert "Photos/a.jpg" in planned.known[0].problem


def test_a_file_is_looked_at_only_for_what_is_wanted() -> None:
    assert needs_look(file(tag(wanted=False, state=State.OURS), tag("Dog", due=False)))
    assert not needs_look(file(tag(wanted=False, state=State.OURS)))


def test_a_name_in_another_case_takes_over_from_the_old_one() -> None:
    old, new = tag("cat", State.OURS, wanted=False), tag("Cat")
    planned = plan(file(old, new), ["cat"], str.casefold)
    assert planned == Plan((Settled(1, "cat", None), Settled(1, "Cat", State.OURS)))
    apart = plan(file(old, new), ["cat"], same)
    assert apart == Plan(assign=(new,), unassign=(old,))


@given(
    rows=st.lists(
        st.builds(PushTag, NAMES, st.booleans(), STATES, st.booleans()), unique_by=lambda row: row.name
    ),
    existing=st.none() | st.sets(NAMES),
    ignore_case=st.booleans(),
)
def test_no_tag_is_asked_for_twice_nor_both_put_and_taken(
    rows: list[PushTag], existing: set[str] | None, ignore_case: bool
) -> None:
    key = str.casefold if ignore_case else same
    planned = plan(file(*rows), existing, key)
    asked = [key(each.name) for each in planned.assign + planned.unassign]
    assert len(set(asked)) == len(asked)
    present = {key(name) for name in existing or ()}
    assert not present & {key(each.name) for each in planned.assign}
    wanted = {key(row.name) for row in rows if row.wanted}
    assert {key(each.name) for each in planned.assign} <= wanted
    assert not wanted & {key(each.name) for each in planned.unassign}
    settled = [each.tag for each in planned.known]
    assert len(set(settled)) == len(settled)
    assert {each.name for each in planned.assign + planned.unassign}.isdisjoint(settled)
    foreign = {key(row.name) for row in rows} - {
        key(row.name) for row in rows if row.state in (State.OURS, State.SENT, State.LEAVING)
    }
    assert not foreign & {key(each.name) for each in planned.unassign}
