from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.records import Kind, Reason, Tag
from recognize_cli.stages.crew import Condition, Crew
from recognize_cli.stages.infer import infer, preload
from recognize_cli.stages.items import Job, Ready, Scored
from tests.support.recognizers import UNLUCKY, Shades
from tests.support.records import decoded, media_file, result, scores

if TYPE_CHECKING:
    from recognize_cli.records import Scores


def no_tags(scores: Scores) -> tuple[Tag, ...]:
    return ()


def crew(*recognizers: Shades) -> Crew:
    return Crew({each.name: each for each in recognizers}, no_tags)


def ready(count: int, *wanted: str) -> list[Ready]:
    files = [media_file(f"{index}.jpg") for index in range(count)]
    return [Ready(Job(file, wanted), decoded(file, index)) for index, file in enumerate(files)]


def test_batches_are_filled_and_nothing_is_lost() -> None:
    shades = Shades()
    out = list(infer(ready(10, "shades"), crew(shades), threads=2, batch_size=4))
    assert sorted(item.job.file.path for item in out if isinstance(item, Scored)) == [
        f"{index}.jpg" for index in range(10)
    ]
    assert sorted(shades.batches) == [2, 4, 4]


def test_a_bad_input_fails_alone_and_only_for_its_recognizer() -> None:
    lucky = Shades("lucky")
    lucky.run = lambda batch: [scores(each.file, recognizer="lucky") for each in batch.inputs]  # type: ignore[method-assign]
    both = crew(Shades(), lucky)
    out = list(infer(ready(16, "shades", "lucky"), both, threads=2, batch_size=8))
    failed = [item for item in out if isinstance(item, Scored) and item.failures]
    assert [item.job.file.path for item in failed] == [f"{UNLUCKY}.jpg"]
    (failure,) = failed[0].failures
    assert (failure.reason, failure.recognizer) == (Reason.INFERENCE, "shades")
    assert [each.recognizer for each in failed[0].scores] == ["lucky"]


def test_a_model_that_cannot_be_loaded_costs_only_its_own_scores() -> None:
    lost: list[str] = []
    both = Crew(
        {"broken": Shades("broken", loadable=False), "shades": Shades()},
        no_tags,
        lost=lambda name, error: lost.append(f"{name}: {error}"),
    )
    out = list(infer(ready(5, "broken", "shades"), both, threads=2, batch_size=1))
    assert [[each.recognizer for each in item.scores] for item in out if isinstance(item, Scored)] == [
        ["shades"]
    ] * 5
    assert all(isinstance(item, Scored) and not item.failures for item in out)
    assert lost == ["broken: made: it cannot be loaded"]


def test_what_is_finished_passes_through_and_loads_no_model() -> None:
    known = result(unchanged=True)
    broken = crew(Shades(loadable=False))
    assert list(infer([known], broken, threads=1, batch_size=4)) == [known]


def test_a_recognizer_looks_only_at_what_asks_for_it() -> None:
    eager, picky = Shades("eager"), Shades("picky")
    both = Crew(
        {"eager": eager, "picky": picky},
        lambda scores: (Tag(scores.top[0].name, 1.0, "eager", ""),),
        conditions={"picky": Condition("eager", frozenset({"shade 2", "shade 5"}))},
    )
    out = list(infer(ready(8, "eager", "picky"), both, threads=2, batch_size=3))
    assert sorted(picky.seen) == ["2.jpg", "5.jpg"]
    names = {
        item.job.file.path: [each.recognizer for each in item.scores]
        for item in out
        if isinstance(item, Scored)
    }
    assert names["2.jpg"] == ["eager", "picky"]
    assert names["3.jpg"] == ["eager"]


def test_a_model_that_no_file_asks_for_is_not_loaded() -> None:
    picky = Shades("picky")
    both = Crew(
        {"eager": Shades("eager"), "picky": picky},
        no_tags,
        conditions={"picky": Condition("eager", frozenset({"x"}))},
    )
    jobs = ready(4, "eager", "picky")
    list(preload([each.job for each in jobs], both))
    list(infer(jobs, both, threads=1, batch_size=2))
    assert picky.loads == 0


def test_earlier_scores_ask_as_new_ones_do() -> None:
    picky = Shades("picky")
    both = Crew(
        {"eager": Shades("eager"), "picky": picky},
        lambda scores: (Tag("x", 1.0, "eager", ""),),
        conditions={"picky": Condition("eager", frozenset({"x"}))},
    )
    file = media_file()
    kept = (scores(file, ("x", 1.0), recognizer="eager"),)
    list(infer([Ready(Job(file, ("picky",), kept), decoded(file))], both, threads=1, batch_size=1))
    assert picky.seen == [file.path]


def test_videos_fill_a_batch_sooner_than_photos() -> None:
    shades = Shades()
    films = [media_file(f"{index}.mp4", kind=Kind.VIDEO) for index in range(4)]
    jobs = [Ready(Job(film, ("shades",)), decoded(film)) for film in films]
    list(infer(jobs, crew(shades), threads=1, batch_size=4))
    assert shades.batches == [1, 1, 1, 1]


def test_files_that_want_different_recognizers_do_not_share_a_batch() -> None:
    first, second = Shades("first"), Shades("second")
    mixed = [*ready(2, "first"), *ready(2, "second"), *ready(2, "first", "second")]
    out = list(infer(mixed, crew(first, second), threads=1, batch_size=2))
    assert [len(item.scores) for item in out if isinstance(item, Scored)] == [1, 1, 1, 1, 2, 2]


def test_in_a_hurry_batches_do_not_wait_to_be_full() -> None:
    shades = Shades()
    known = result(unchanged=True)
    out = infer(
        [*ready(2, "shades"), known, *ready(1, "shades")],
        crew(shades),
        threads=1,
        batch_size=8,
        hurry=lambda: True,
    )
    assert [type(item) for item in out] == [Scored, Scored, type(known), Scored]
    assert shades.batches == [1, 1, 1]
