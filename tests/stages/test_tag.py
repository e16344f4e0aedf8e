from __future__ import annotations

from recognize_cli.records import Scores, Tag
from recognize_cli.stages.items import Job, Scored
from recognize_cli.stages.tag import tag
from tests.support.records import media_file, result, scores


def first_class(each: Scores) -> tuple[Tag, ...]:
    return tuple(Tag(top.name.title(), top.score, each.recognizer, top.name) for top in each.top[:1])


def test_new_and_kept_scores_give_their_tags() -> None:
    file = media_file()
    kept, new = scores(file, ("jazz", 0.4), recognizer="music"), scores(file, ("tabby", 0.9), ("tiger", 0.1))
    (out,) = tag([Scored(Job(file, ("objects",), kept=(kept,)), scores=(new,))], first_class)
    assert not isinstance(out, type(None))
    assert [(each.name, each.recognizer) for each in out.tags] == [("Jazz", "music"), ("Tabby", "objects")]
    assert out.recognizers == ("music", "objects")
    assert not out.unchanged


def test_what_is_finished_passes_through() -> None:
    known = result(unchanged=True)
    assert list(tag([known], first_class)) == [known]
