"""Who looks at which file, over whole scans with a real catalogue."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.errors import EngineError, ModelMissing, RecognizeError
from recognize_cli.media.jobs import DecodeResult
from recognize_cli.pipeline import Tools, Tree, results
from recognize_cli.records import FileResult, Kind, Reason, Tag
from recognize_cli.stages.crew import Condition, Crew
from recognize_cli.stages.judging import Policy
from recognize_cli.stages.walk import walk
from tests.sources.memory import MemorySource
from tests.support.recognizers import Shades

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from recognize_cli.protocols import Source
    from recognize_cli.records import Scores
    from recognize_cli.stages.items import Job


@dataclass
class Run:
    """A tree and a catalogue; every call scans once and gives the results by path.

    The tag of a file is the name of its shade, unless the rules say otherwise.
    """

    source: MemorySource
    catalogue: Path
    names: dict[str, str] = field(default_factory=dict)
    rules: str = "rules-1"

    def apply(self, scores: Scores) -> tuple[Tag, ...]:
        best = scores.top[0]
        name = self.names.get(best.name, best.name)
        return (Tag(name, best.score, scores.recognizer, best.name),)

    def __call__(self, crew: Crew, *, full: bool = False) -> dict[str, FileResult]:
        with ThreadPoolExecutor(2) as pool, SqliteCatalogue.open(self.catalogue) as catalogue:

            def submit(source: Source, job: Job) -> Future[DecodeResult]:
                shade = self.source.contents[job.file.path][0]
                return pool.submit(DecodeResult, {None: np.full((8, 8, 3), shade, np.uint8)})

            tools = Tools(
                policy=Policy(crew, dict.fromkeys(crew.members, self.rules), "decoder-1", full=full),
                catalogue=catalogue,
                submit=submit,
                apply=self.apply,
                stop=lambda: False,
                look_ahead=4,
                threads=2,
                batch_size=2,
            )
            found = list(results(Tree(self.source, walk(self.source)), tools))
        return {each.file.path: each for each in found if isinstance(each, FileResult)}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "tree").mkdir()
    source = MemorySource(tmp_path / "tree")
    source.write("tower.jpg", b"\1")
    source.write("cat.jpg", b"\2")
    return Run(source, tmp_path / "catalogue")


@dataclass
class Landmarks:
    """A crew of one recognizer, and one that looks at what it calls ``shade 1``."""

    run: Run
    objects: Shades = field(default_factory=lambda: Shades("objects"))
    landmarks: Shades = field(default_factory=lambda: Shades("landmarks"))
    tags: frozenset[str] = frozenset({"shade 1"})

    def __call__(self, *, full: bool = False) -> dict[str, FileResult]:
        self.objects.seen.clear()
        self.landmarks.seen.clear()
        members = {"objects": self.objects, "landmarks": self.landmarks}
        crew = Crew(members, self.run.apply, conditions={"landmarks": Condition("objects", self.tags)})
        return self.run(crew, full=full)


def test_only_photos_whose_tags_ask_are_searched_for_landmarks(run: Run) -> None:
    scan = Landmarks(run)
    found = scan()
    assert scan.landmarks.seen == ["tower.jpg"]
    assert found["tower.jpg"].recognizers == ("objects", "landmarks")
    assert found["cat.jpg"].recognizers == ("objects",)


def test_what_did_not_ask_is_not_looked_at_by_the_next_run(run: Run) -> None:
    scan = Landmarks(run)
    scan()
    assert all(each.unchanged for each in scan().values())
    assert (scan.objects.seen, scan.landmarks.seen) == ([], [])


def test_what_asks_since_the_rules_changed_is_looked_at_by_one_recognizer(run: Run) -> None:
    scan = Landmarks(run, tags=frozenset({"Tower"}))
    scan()
    assert scan.landmarks.seen == []
    run.names, run.rules = {"shade 2": "Tower"}, "rules-2"
    found = scan()
    assert (scan.objects.seen, scan.landmarks.seen) == ([], ["cat.jpg"])
    assert found["cat.jpg"].recognizers == ("objects", "landmarks")
    scan()
    assert scan.landmarks.seen == []


def test_everything_is_looked_at_again_on_demand(run: Run) -> None:
    scan = Landmarks(run)
    scan()
    scan(full=True)
    assert sorted(scan.objects.seen) == ["cat.jpg", "tower.jpg"]
    assert scan.landmarks.seen == ["tower.jpg"]


@dataclass
class Films:
    """A crew for videos: ``actions``, whose model may be missing, and ``video_objects`` in its place."""

    run: Run
    missing: bool = True
    told: list[RecognizeError] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.members = {name: Shades(name) for name in ("objects", "actions", "video_objects")}
        self.members["actions"].kinds = self.members["video_objects"].kinds = frozenset({Kind.VIDEO})

    def fetch(self, name: str) -> None:
        self.fetched.append(name)
        if self.missing and name == "actions":
            raise ModelMissing(name=name)

    def __call__(self) -> dict[str, FileResult]:
        self.told.clear()
        self.fetched.clear()
        for each in self.members.values():
            each.seen.clear()
        crew = Crew(
            self.members,
            self.run.apply,
            fetch=self.fetch,
            lost=lambda name, error: self.told.append(error),
            stand_ins={"actions": "video_objects"},
        )
        return self.run(crew)


def test_where_actions_cannot_be_had_objects_are_tagged_in_their_place(run: Run) -> None:
    scan = Films(run)
    for name in ("a.mp4", "b.mp4"):
        run.source.write(name, b"\3")
    found = scan()
    assert found["a.mp4"].recognizers == ("video_objects",)
    assert [str(error) for error in scan.told] == [str(ModelMissing(name="actions"))]
    assert scan.fetched.count("actions") == 1
    again = scan()
    assert all(each.unchanged for each in again.values())
    assert again["a.mp4"].tags == found["a.mp4"].tags


def test_once_actions_can_be_had_they_take_their_place(run: Run) -> None:
    scan = Films(run)
    run.source.write("a.mp4", b"\3")
    scan()
    scan.missing = False
    assert scan()["a.mp4"].recognizers == ("actions",)
    assert scan.members["video_objects"].seen == []
    found = scan()
    assert (found["a.mp4"].recognizers, found["a.mp4"].unchanged) == (("actions",), True)


def test_a_model_is_not_fetched_before_a_file_needs_it(run: Run) -> None:
    scan = Films(run)
    scan()
    assert scan.fetched == ["objects"]
    scan()
    assert scan.fetched == []


def test_pictures_that_may_move_are_seen_by_both(run: Run) -> None:
    scan = Films(run, missing=False)
    run.source.write("a.gif", b"\3")
    assert scan()["a.gif"].recognizers == ("objects", "actions")
    lacking = Films(Run(run.source, run.catalogue.with_name("other")))
    assert lacking()["a.gif"].recognizers == ("objects",)


def test_a_file_that_nobody_can_look_at_has_failed_and_is_tried_again(run: Run) -> None:
    def refuse(name: str) -> None:
        raise EngineError(engine="made", problem="it is out of order")

    told: list[RecognizeError] = []
    objects = Shades("objects")
    lost = Crew({"objects": objects}, run.apply, fetch=refuse, lost=lambda _, error: told.append(error))
    for result in run(lost).values():
        assert result.unchanged
        assert not result.tags
        assert [each.reason for each in result.failures] == [Reason.MODEL]
    assert len(told) == 1
    found = run(Crew({"objects": objects}, run.apply))
    assert [each.failures for each in found.values()] == [(), ()]
    assert len(objects.seen) == 2


def test_a_model_that_is_there_and_cannot_be_loaded_is_lost_once(run: Run) -> None:
    told: list[str] = []
    members = {"broken": Shades("broken", loadable=False), "objects": Shades("objects")}
    found = run(Crew(members, run.apply, lost=lambda name, _: told.append(name)))
    assert told == ["broken"]
    assert {each.recognizers for each in found.values()} == {("objects",)}
    members["broken"] = Shades("broken")
    again = run(Crew(members, run.apply))
    assert {each.recognizers for each in again.values()} == {("broken", "objects")}
    assert members["objects"].seen.count("cat.jpg") == 1
