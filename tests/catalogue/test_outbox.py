"""What is wanted of followed files, whatever changes in the catalogue, and what is kept of each tag."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.catalogue import Retagged
from recognize_cli.catalogue.outbox_api import Followed, Remote, Settled, State
from recognize_cli.records import Gone, Reason, Tag
from tests.catalogue.making import HERE, detection, known, outcome, searched

if TYPE_CHECKING:
    from recognize_cli.catalogue import Outcome, SqliteCatalogue
    from recognize_cli.catalogue.outbox_api import PushFile

CLOUD = "https://alice@cloud.example"
OTHER = "https://bob@cloud.example"


def followed(given: Outcome, file_id: str = "42", path: str = "a.jpg", target: str = CLOUD) -> Outcome:
    return replace(given, remotes=(Remote(target, file_id, path),))


def pending(catalogue: SqliteCatalogue, target: str = CLOUD, now: float = 0.0) -> dict[str, PushFile]:
    """The pending files by the server's id."""
    files = [file for page in catalogue.outbox.pending(target, now=now) for file in page]
    by_id = {file.file_id: file for file in files}
    assert len(by_id) == len(files)
    return by_id


def due(catalogue: SqliteCatalogue, target: str = CLOUD, now: float = 0.0) -> dict[str, bool]:
    """Whether each due tag, of all files, is wanted."""
    return {
        tag.name: tag.wanted
        for file in pending(catalogue, target, now).values()
        for tag in file.tags
        if tag.due
    }


def settle(catalogue: SqliteCatalogue, state: State | None = State.OURS, **more: object) -> None:
    """All that is pending comes out the same way."""
    catalogue.outbox.settle(
        [
            Settled(file.id, tag.name, state if tag.wanted else None, **more)  # type: ignore[arg-type]
            for file in pending(catalogue, now=math.inf).values()
            for tag in file.tags
            if tag.due
        ]
    )


def counts(catalogue: SqliteCatalogue, target: str = CLOUD) -> dict[str, tuple[int, int, int, int]]:
    found = catalogue.outbox.counts(target)
    return {each.name: (each.ours, each.foreign, each.waiting, each.refused) for each in found}


def test_a_committed_result_waits_to_be_pushed(catalogue: SqliteCatalogue) -> None:
    assert catalogue.outbox.targets() == []
    catalogue.commit([followed(outcome(tags={"objects": ["Cat"], "music": ["Jazz"]}), path="Söng/a.jpg")])
    (file,) = pending(catalogue).values()
    assert (file.file_id, file.path, file.folder) == ("42", "Söng/a.jpg", "Söng")
    assert {tag.name: tag.state for tag in file.tags} == {"Cat": State.NEW, "Jazz": State.NEW}
    assert catalogue.outbox.targets() == [CLOUD]
    assert pending(catalogue, OTHER) == {}


def test_what_is_confirmed_waits_no_more(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    assert catalogue.outbox.next_due(CLOUD) == 0
    settle(catalogue)
    assert pending(catalogue) == {}
    assert catalogue.outbox.next_due(CLOUD) is None
    catalogue.commit([followed(outcome(version="2-10"))])
    assert pending(catalogue) == {}


def test_a_tag_that_is_gone_from_the_result_is_to_be_removed_only_if_it_is_ours(
    catalogue: SqliteCatalogue,
) -> None:
    for state, expected in ((State.OURS, {"Cat": False}), (State.SENT, {"Cat": False}), (State.FOREIGN, {})):
        catalogue.commit([followed(outcome())])
        settle(catalogue, state)
        catalogue.commit([outcome(tags={"objects": []}, version=f"{state}-10")])
        assert due(catalogue) == expected
        settle(catalogue)
        assert counts(catalogue) == {}


def test_a_request_that_nobody_answered_stays_due(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    (file,) = pending(catalogue).values()
    catalogue.outbox.sent([(file.id, "Cat", State.SENT)])
    assert [tag.state for tag in pending(catalogue)["42"].tags] == [State.SENT]
    catalogue.commit([outcome(tags={"objects": []}, version="2-10")])
    assert due(catalogue) == {"Cat": False}
    catalogue.commit([outcome(version="3-10")])
    assert due(catalogue) == {"Cat": True}


def test_an_answer_to_what_is_wanted_otherwise_by_now(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    (file,) = pending(catalogue).values()
    catalogue.outbox.sent([(file.id, "Cat", State.SENT)])
    catalogue.commit([outcome(tags={"objects": []}, version="2-10")])
    assert due(catalogue) == {"Cat": False}
    catalogue.outbox.settle([Settled(file.id, "Cat", State.OURS)])
    assert due(catalogue) == {"Cat": False}
    catalogue.outbox.sent([(file.id, "Cat", State.SENT)])
    catalogue.commit([outcome(version="3-10")])
    assert due(catalogue) == {"Cat": True}
    catalogue.outbox.settle([Settled(file.id, "Cat", None)])
    assert due(catalogue) == {"Cat": True}


def test_a_later_try_is_not_due_before(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    settle(catalogue, State.SENT, problem="500", retry_at=100.0)
    assert (due(catalogue, now=99.0), catalogue.outbox.next_due(CLOUD)) == ({}, 100.0)
    assert due(catalogue, now=100.0) == {"Cat": True}
    (tag,) = pending(catalogue, now=100.0)["42"].tags
    assert (tag.attempts, tag.problem) == (1, "500")
    settle(catalogue)
    assert counts(catalogue) == {"Cat": (1, 0, 0, 0)}


def test_what_is_refused_is_left_alone_until_something_changes(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    settle(catalogue, State.NEW, problem="restricted")
    assert (due(catalogue), counts(catalogue)) == ({}, {"Cat": (0, 0, 0, 1)})
    catalogue.commit([followed(outcome(version="2-10"))])
    assert due(catalogue) == {}
    catalogue.outbox.retry(CLOUD)
    assert due(catalogue) == {"Cat": True}
    settle(catalogue, State.NEW, problem="restricted")
    catalogue.commit([followed(outcome(version="3-10"), path="b/a.jpg")])
    assert due(catalogue) == {"Cat": True}


def test_other_rules_change_what_is_wanted(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    settle(catalogue)
    tiger = Tag("Tiger", 0.5, "objects", "cat")
    catalogue.update_tags([Retagged(known(catalogue).id, "objects", "rules-2", (tiger,))])
    assert due(catalogue) == {"Cat": False, "Tiger": True}


def test_a_tag_that_two_recognizers_give_is_wanted_while_one_does(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(tags={"objects": ["Cat"], "landmarks": ["Cat"]}))])
    settle(catalogue)
    catalogue.update_tags([Retagged(known(catalogue).id, "objects", "rules-2", ())])
    assert due(catalogue) == {}
    catalogue.update_tags([Retagged(known(catalogue).id, "landmarks", "rules-2", ())])
    assert due(catalogue) == {"Cat": False}


def test_names_of_people_are_pushed_where_that_is_asked_for(catalogue: SqliteCatalogue) -> None:
    catalogue.outbox.add_target(OTHER, people=True)
    here, there = Remote(CLOUD, "42", "a.jpg"), Remote(OTHER, "7", "b/a.jpg")
    catalogue.commit([replace(searched("a.jpg", detection()), remotes=(here, there))])
    catalogue.face_store.regroup(np.array([1]), np.array([1]), np.array([0.25], np.float32))
    assert due(catalogue, OTHER) == {}
    catalogue.face_store.rename(1, "Ada")
    assert (due(catalogue), due(catalogue, OTHER)) == ({}, {"Ada": True})
    catalogue.face_store.rename(1, "Bob")
    assert due(catalogue, OTHER) == {"Bob": True}
    catalogue.face_store.remove([1])
    assert due(catalogue, OTHER) == {}
    catalogue.face_store.split([1])
    catalogue.face_store.rename(2, "Eve")
    catalogue.outbox.add_target(CLOUD, people=True)
    assert due(catalogue) == due(catalogue, OTHER) == {"Eve": True}
    catalogue.outbox.add_target(CLOUD, people=False)
    assert due(catalogue) == {}
    catalogue.face_store.reset_people()
    assert due(catalogue, OTHER) == {}


def test_an_ignored_file_wants_no_tags_and_one_that_is_gone_is_left_alone(
    catalogue: SqliteCatalogue,
) -> None:
    catalogue.commit([followed(outcome(tags={"objects": ["Cat", "Dog"]}))])
    (file,) = pending(catalogue).values()
    catalogue.outbox.settle([Settled(file.id, "Cat", State.OURS)])
    id_ = known(catalogue).id
    catalogue.missing([id_], Gone.DELETED)
    assert due(catalogue) == {}
    catalogue.found([id_])
    assert due(catalogue) == {"Dog": True}
    catalogue.missing([id_], Gone.IGNORED)
    assert due(catalogue) == {"Cat": False}


def test_the_outbox_outlives_a_forgotten_file_that_is_only_ignored(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(name), name, name) for name in ("a.jpg", "b.jpg")])
    settle(catalogue)
    catalogue.missing([known(catalogue, "a.jpg").id], Gone.IGNORED)
    catalogue.missing([known(catalogue, "b.jpg").id], Gone.DELETED)
    assert due(catalogue) == {"Cat": False}
    assert catalogue.purge(timedelta(0)) == 2
    assert pending(catalogue).keys() == {"a.jpg"}
    settle(catalogue)
    assert counts(catalogue) == {}


def test_a_tag_stays_while_the_recognizer_that_gave_it_fails(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(tags={"objects": ["Cat"], "music": ["Jazz"]}))])
    settle(catalogue)
    catalogue.commit(
        [outcome(tags={"music": ["Rock"]}, failures={"objects": Reason.INFERENCE}, version="2-10")]
    )
    assert due(catalogue) == {"Jazz": False, "Rock": True}
    settle(catalogue)
    catalogue.commit([outcome(failures={"": Reason.DECODE}, version="3-10")])
    assert due(catalogue) == {}
    catalogue.commit([outcome(tags={"objects": []}, version="3-10")])
    assert due(catalogue) == {"Cat": False, "Rock": False}


def test_a_file_with_a_new_id_begins_anew(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(), "42")])
    settle(catalogue)
    catalogue.commit([followed(outcome(version="2-10"), "43")])
    (file,) = pending(catalogue).values()
    assert (file.file_id, [tag.state for tag in file.tags]) == ("43", [State.NEW])
    assert counts(catalogue) == {"Cat": (0, 0, 1, 0)}


def test_a_moved_file_keeps_what_is_known_of_its_tags(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    settle(catalogue)
    catalogue.move(known(catalogue).id, HERE, "/new", "b.jpg")
    catalogue.outbox.follow([Followed(HERE, "/new", "b.jpg", Remote(CLOUD, "42", "new/b.jpg"))])
    catalogue.update_tags([Retagged(known(catalogue, "b.jpg", "/new").id, "objects", "r", ())])
    (file,) = pending(catalogue).values()
    assert (file.path, due(catalogue)) == ("new/b.jpg", {"Cat": False})


def test_a_file_at_two_places_wants_what_either_wants(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(tags={"objects": ["Cat"]}), path="one/a.jpg")])
    catalogue.commit([followed(outcome("b.jpg", tags={"objects": ["Dog"]}), path="two/b.jpg")])
    assert due(catalogue) == {"Cat": True, "Dog": True}
    settle(catalogue)
    catalogue.missing([known(catalogue, "b.jpg").id], Gone.IGNORED)
    assert due(catalogue) == {"Dog": False}


def test_known_files_are_followed_from_then_on(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(), outcome("b.jpg")])
    a = Followed(HERE, "/data", "a.jpg", Remote(CLOUD, "42", "a.jpg"))
    nobody = Followed(HERE, "/data", "nobody.jpg", Remote(CLOUD, "43", "nobody.jpg"))
    catalogue.outbox.follow([a, nobody])
    assert pending(catalogue).keys() == {"42"}
    settle(catalogue)
    catalogue.outbox.follow([a])
    assert pending(catalogue) == {}


def test_a_withdrawn_target_wants_nothing_and_a_forgotten_one_is_gone(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome(tags={"objects": ["Cat", "Dog"]}))])
    (file,) = pending(catalogue).values()
    catalogue.outbox.settle([Settled(file.id, "Cat", State.OURS), Settled(file.id, "Dog", State.FOREIGN)])
    catalogue.outbox.withdraw(CLOUD)
    assert due(catalogue) == {"Cat": False}
    catalogue.commit([outcome(version="2-10")])
    assert due(catalogue) == {"Cat": False}
    catalogue.outbox.forget(CLOUD)
    assert (catalogue.outbox.targets(), pending(catalogue)) == ([], {})


def test_pages_go_folder_by_folder_and_name_each_file_once(catalogue: SqliteCatalogue) -> None:
    paths = ["a/b.jpg", "a/c/x.jpg", "a/d.jpg", "a\udcff/e.jpg", "z.jpg", "é/x.jpg"]
    catalogue.commit([followed(outcome(f"{n}.jpg"), str(n), path) for n, path in enumerate(reversed(paths))])
    pages = list(catalogue.outbox.pending(CLOUD, now=0, size=2))
    assert [len(page) for page in pages] == [2, 2, 2]
    found = [file.path for page in pages for file in page]
    assert found == ["z.jpg", "a/b.jpg", "a/d.jpg", "a/c/x.jpg", "a\udcff/e.jpg", "é/x.jpg"]


@pytest.mark.parametrize("text", ["\udcff broken", ""])
def test_a_problem_may_be_any_text(catalogue: SqliteCatalogue, text: str) -> None:
    catalogue.commit([followed(outcome())])
    settle(catalogue, State.SENT, problem=text, retry_at=1.0)
    assert due(catalogue, now=2.0) == {"Cat": True}


def test_answers_are_noted_by_who_hears_them(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([followed(outcome())])
    (file,) = pending(catalogue).values()
    with catalogue.outbox.noting() as note, ThreadPoolExecutor(2) as pool:
        with catalogue._database.writing():
            waiting = pool.submit(note, [Settled(file.id, "Cat", State.OURS)])
            with pytest.raises(TimeoutError):
                waiting.result(0.05)
        waiting.result()
    assert counts(catalogue) == {"Cat": (1, 0, 0, 0)}


def test_a_rehearsal_leaves_nothing_behind(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    outbox, file = catalogue.outbox, Followed(HERE, "/data", "a.jpg", Remote(CLOUD, "42", "a.jpg"))
    outbox.remember([file])
    with outbox.rehearsal() as rehearsed:
        rehearsed.add_target(CLOUD, people=True)
        assert rehearsed.next_due(CLOUD) == 0
    assert outbox.targets() == []
    outbox.follow([file])
    assert due(catalogue) == {"Cat": True}
