from __future__ import annotations

from dataclasses import replace

from recognize_cli.records import Box, Face, Scores, Tag
from recognize_cli.stages.items import Job, Scored
from recognize_cli.stages.tag import tag, with_faces
from tests.support.records import media_file, result, scores


def first_class(each: Scores) -> tuple[Tag, ...]:
    return tuple(Tag(top.name.title(), top.score, each.recognizer, top.name) for top in each.top[:1])


def test_new_and_kept_scores_give_their_tags() -> None:
    file = media_file()
    kept, new = scores(file, ("jazz", 0.4), recognizer="music"), scores(file, ("tabby", 0.9), ("tiger", 0.1))
    scored = Scored(Job(file, ("objects",), kept=(kept,)), scores=(new,))
    (out,) = tag([scored], first_class, ["music", "objects"])
    assert not isinstance(out, type(None))
    assert [(each.name, each.recognizer) for each in out.tags] == [("Jazz", "music"), ("Tabby", "objects")]
    assert out.recognizers == ("music", "objects")
    assert not out.unchanged


def test_what_is_finished_passes_through() -> None:
    known = result(unchanged=True)
    assert list(tag([known], first_class, [])) == [known]


BOX = Box(0, 0, 1, 1)


def test_people_with_a_name_are_tags_the_surest_face_of_each() -> None:
    faces = (
        Face(1, BOX, 0.6, person=3, name="Ann"),
        Face(2, BOX, 0.9, person=3, name="Ann"),
        Face(3, BOX, 0.8, person=4),
        Face(4, BOX, 0.7),
        Face(5, BOX, 0.7, person=5, name="Bo"),
    )
    seen = replace(result(), recognizers=("objects", "faces"))
    out = with_faces(seen, faces)
    assert out.faces == faces
    people = (Tag("Ann", 0.9, "faces", "person 3"), Tag("Bo", 0.7, "faces", "person 5"))
    assert out.tags == seen.tags + people


def test_a_result_without_faces_stays_without() -> None:
    """What an earlier run found does not belong to a run that was not asked for faces."""
    faces = (Face(1, BOX, 0.6, person=3, name="Ann"),)
    assert with_faces(result(), faces) == result()
