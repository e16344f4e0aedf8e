from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.catalogue import DECODING, Failure, Retagged, SqliteCatalogue
from recognize_cli.catalogue.codec import decode_scores, decode_tags, encode_scores, encode_tags
from recognize_cli.errors import CatalogueUnusable
from recognize_cli.records import ClassScore, Gone, Reason, Skipped, Tag
from tests.catalogue.making import HERE, known, outcome, query, tag_names

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.builds(Tag, TEXTS, NUMBERS, st.just("objects"), TEXTS)))
def test_tags_survive_the_column(tags: list[Tag]) -> None:
    assert decode_tags(encode_tags(tags), "objects", "") == tuple(tags)


@given(st.lists(st.builds(ClassScore, TEXTS, NUMBERS, st.none() | TEXTS)))
def test_scores_survive_the_column(top: list[ClassScore]) -> None:
    assert decode_scores(encode_scores(top), "") == tuple(top)


def test_a_result_is_known_as_it_was_made(catalogue: SqliteCatalogue) -> None:
    made = outcome(tags={"objects": ("Cat", "Animal"), "faces": ()})
    catalogue.commit([made])
    result = known(catalogue).result("objects")
    assert result is not None
    assert (result.version, result.model, result.rules) == ("1-10", "model-1", "rules-1")
    assert result.tags == made.result.tags
    assert catalogue.scores(known(catalogue).id, "objects") == made.result.scores[0].top
    assert tag_names(known(catalogue), "faces") == []
    assert known(catalogue).result("music") is None
    assert catalogue.scores(known(catalogue).id, "music") == ()


def test_a_new_result_replaces_the_old_one_of_its_recognizer(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(tags={"objects": ("Cat",), "faces": ("Face",)})])
    catalogue.commit([outcome(tags={"objects": ("Dog",)}, rules={"objects": "rules-2"})])
    file = known(catalogue)
    assert (tag_names(file, "objects"), tag_names(file, "faces")) == (["Dog"], ["Face"])
    assert [(result.recognizer, result.rules) for result in file.results] == [
        ("faces", "rules-1"),
        ("objects", "rules-2"),
    ]


def test_a_changed_file_loses_what_was_known_of_its_old_version(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(tags={"faces": ("Face",)}, failures={"objects": Reason.INFERENCE})])
    catalogue.commit([outcome(version="2-10", tags={"music": ("Rock",)})])
    assert [result.recognizer for result in known(catalogue).results] == ["music"]
    assert known(catalogue).failures == ()


def test_a_changed_file_that_cannot_be_read_has_no_result(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    catalogue.commit([outcome(version="2-10", failures={DECODING: Reason.DECODE})])
    file = known(catalogue)
    assert file.results == ()
    assert file.failure(DECODING) == Failure(DECODING, "2-10", Reason.DECODE, " failed", "decoder-1")


def test_an_unchanged_file_that_cannot_be_read_keeps_its_results(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome()])
    catalogue.commit([outcome(failures={DECODING: Reason.IO})])
    assert tag_names(known(catalogue)) == ["Cat"]
    assert known(catalogue).failure(DECODING) is not None


def test_a_success_deletes_the_failures_of_its_stage_and_of_decoding(catalogue: SqliteCatalogue) -> None:
    failed = {DECODING: Reason.TIMEOUT, "objects": Reason.INFERENCE, "faces": Reason.INFERENCE}
    catalogue.commit([outcome(failures=failed)])
    assert {failure.stage for failure in known(catalogue).failures} == set(failed)
    catalogue.commit([outcome(tags={"objects": ("Cat",)})])
    assert [failure.stage for failure in known(catalogue).failures] == ["faces"]


def test_one_recognizer_may_fail_where_others_succeed(catalogue: SqliteCatalogue) -> None:
    catalogue.commit(
        [
            outcome(
                tags={"objects": ("Cat",), "music": ()},
                failures={"faces": Reason.INFERENCE, "x": Reason.CRASH},
            )
        ]
    )
    file = known(catalogue)
    assert [result.recognizer for result in file.results] == ["music", "objects"]
    assert [failure.stage for failure in file.failures] == ["faces", "x"]


def test_a_message_may_name_a_file_that_is_not_utf8(catalogue: SqliteCatalogue) -> None:
    made = outcome(failures={DECODING: Reason.IO})
    skipped = Skipped(made.result.file, Reason.IO, "cannot open \udce9.jpg: é")
    catalogue.commit([replace(made, result=replace(made.result, failures=(skipped,)))])
    failure = known(catalogue).failure(DECODING)
    assert failure is not None
    assert failure.message == r"cannot open \udce9.jpg: é"


def test_a_batch_is_stored_whole_or_not_at_all(catalogue: SqliteCatalogue) -> None:
    good, bad = outcome("a.jpg"), outcome("b.jpg")
    no_number = (Tag("Cat", float("nan"), "objects", "cat"),)
    with pytest.raises(ValueError, match="not JSON compliant"):
        catalogue.commit([good, replace(bad, result=replace(bad.result, tags=no_number))])
    assert catalogue.known(HERE, "/data") == {}
    catalogue.commit([good])
    assert list(catalogue.known(HERE, "/data")) == ["a.jpg"]


def test_tags_are_counted_by_file(catalogue: SqliteCatalogue) -> None:
    catalogue.commit(
        [
            outcome("a.jpg", tags={"objects": ("Cat", "Animal"), "faces": ("Cat",)}),
            outcome("b.jpg", tags={"objects": ("Dog", "Animal")}),
            outcome("c.jpg", tags={"objects": ("Cat", "Öl")}),
            outcome("d.jpg", tags={"objects": ("Dog",)}),
            outcome("e.jpg", tags={"objects": ()}),
        ]
    )
    catalogue.missing([known(catalogue, "d.jpg").id], Gone.DELETED)
    assert list(catalogue.tags().items()) == [("Animal", 2), ("Cat", 2), ("Dog", 1), ("Öl", 1)]


def test_stored_scores_come_with_their_file(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome("é\udce9.jpg", directory="/data/trip", file_id="1:2"), outcome(directory="/")])
    first, second = sorted(catalogue.iter_scores("objects"), key=lambda stored: stored.scores.file.path)
    assert (first.scores.file.path, second.scores.file.path) == ("a.jpg", "data/trip/é\udce9.jpg")
    assert second.scores.file == replace(
        outcome("data/trip/é\udce9.jpg", file_id="1:2").result.file, source=HERE
    )
    assert second.scores.top == (ClassScore("cat", 0.75, "n1"),)
    assert (second.scores.model, second.rules, [tag.name for tag in second.tags]) == (
        "model-1",
        "rules-1",
        ["Cat"],
    )


def test_a_rebuild_touches_every_result_of_its_recognizer_once(catalogue: SqliteCatalogue) -> None:
    catalogue.commit([outcome(f"{n}.jpg", tags={"objects": (), "faces": ()}) for n in range(1100)])
    catalogue.missing([known(catalogue, "7.jpg").id], Gone.IGNORED)
    seen = []
    for stored in catalogue.iter_scores("objects", except_rules="rules-2"):
        seen.append(stored.id)
        catalogue.update_tags(
            [Retagged(stored.id, "objects", "rules-2", (Tag("New", 0.5, "objects", "cat"),))]
        )
    assert len(seen) == len(set(seen)) == 1100
    assert catalogue.tags() == {"New": 1099}
    assert tag_names(known(catalogue, "7.jpg")) == ["New"]
    assert tag_names(known(catalogue, "8.jpg"), "faces") == []
    assert list(catalogue.iter_scores("objects", except_rules="rules-2")) == []
    assert len(list(catalogue.iter_scores("objects"))) == 1100


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.sampled_from(["tags", "scores"]), st.sampled_from(['[["a",', "7", '["a"]', '[["a",1]]', "", "{"]))
def test_a_damaged_column_names_the_catalogue(tmp_path: Path, column: str, text: str) -> None:
    path = tmp_path / "catalogue.sqlite3"
    with SqliteCatalogue.open(path) as catalogue:
        catalogue.commit([outcome()])
    query(path, f"UPDATE results SET {column} = ?", text)
    with SqliteCatalogue.open(path) as catalogue:
        with pytest.raises(CatalogueUnusable, match="it is damaged"):
            list(catalogue.iter_scores("objects"))
        with pytest.raises(CatalogueUnusable, match=str(path)):
            tag_names(known(catalogue)) if column == "tags" else catalogue.scores(1, "objects")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("files", "kind", "imagf"),
        ("files", "kind", b"\xff"),
        ("failures", "reason", "?"),
        ("files", "version", b"\xff"),
    ],
)
def test_a_damaged_row_names_the_catalogue(
    catalogue: SqliteCatalogue, path: Path, table: str, column: str, value: object
) -> None:
    catalogue.commit([outcome(tags={"objects": ()}, failures={"faces": Reason.CRASH})])
    catalogue.close()
    query(path, f"UPDATE {table} SET {column} = CAST(? AS TEXT)", value)
    with SqliteCatalogue.open(path) as again:
        with pytest.raises(CatalogueUnusable, match=str(path)):
            again.known(HERE, "/data")
        if table == "files":
            with pytest.raises(CatalogueUnusable, match=str(path)):
                list(again.iter_scores("objects"))
