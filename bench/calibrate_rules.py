"""How right the tags of rules.yml are, and where its thresholds could be.

    recognize scan PHOTOS --scores --no-catalogue --format jsonl -o photos.jsonl
    recognize scan PEOPLE --scores --no-catalogue --format jsonl -o people.jsonl
    python bench/calibrate_rules.py photos.jsonl --labels PHOTOS/labels.csv --people people.jsonl

The labels are a CSV file with the columns `file` and `wnid`. The tags that the rules give for the class of
a photo are right, all others are wrong, even where the photo shows them too. On the photos of people no tag
is right. Prints the tables of docs/rules.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.records import ClassScore, Kind, MediaFile, Scores
from recognize_cli.resources import shipped
from recognize_cli.rules import Rule, RuleSet, by_class, load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

OBJECTS = "objects"
STEP = 0.05
LOWEST, HIGHEST = 0.35, 0.6  # no threshold is chosen beyond these, whatever few photos say
SWEEP = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class Photo:
    """What a model saw in a photo, and the tags that are right for it."""

    scores: Scores
    right: frozenset[str]
    labelled: bool


@dataclass
class Count:
    """Tags given and missed on a number of photos."""

    given: int = 0
    right: int = 0
    wanted: int = 0
    wrong_photos: int = 0
    people_tagged: int = 0

    def add(self, photo: Photo, rules: RuleSet) -> None:
        """Counts the tags that the rules give a photo."""
        tags = {tag.name for tag in rules.apply(photo.scores)}
        if not photo.labelled:
            self.people_tagged += bool(tags)
            return
        self.given += len(tags)
        self.right += len(tags & photo.right)
        self.wanted += len(photo.right)
        self.wrong_photos += bool(tags - photo.right)

    def row(self, name: str) -> str:
        """A line of a Markdown table."""
        precision = f"{self.right / self.given:.1%}" if self.given else "-"
        recall = f"{self.right / self.wanted:.1%}" if self.wanted else "-"
        return (
            f"| {name} | {self.given} | {precision} | {recall} | {self.wrong_photos} | {self.people_tagged} |"
        )


HEADER = (
    "| thresholds | tags | precision | recall | photos with a wrong tag | people with a tag |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path, help="records of labelled photos")
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--people", type=Path, help="records of photos of people")
    parser.add_argument("--rules", type=Path, default=shipped("rules.yml"))
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    rules = load_rules(arguments.rules)
    photos = list(read_labelled(arguments.photos, arguments.labels, rules))
    photos += list(read_people(arguments.people)) if arguments.people else []
    sys.stdout.write("\n".join(report(photos, rules, arguments.folds)) + "\n")


def report(photos: list[Photo], rules: RuleSet, folds: int) -> Iterator[str]:
    """The lines of all tables."""
    labelled = [photo for photo in photos if photo.labelled]
    tagged = sum(bool(photo.right) for photo in labelled)
    people = len(photos) - len(labelled)
    yield f"{len(labelled)} labelled photos, {tagged} of classes with tags; {people} photos of people\n"
    yield HEADER
    yield count(photos, rules).row("rules.yml")
    yield cross_validated(photos, rules, folds).row(f"chosen without the photo, {folds} folds")
    for threshold in SWEEP:
        uniform = with_thresholds(rules, partial(_always, threshold))
        yield count(photos, uniform).row(f"all {threshold}")
    yield ""
    yield from kinds_table(photos, rules)


def read_labelled(records: Path, labels: Path, rules: RuleSet) -> Iterator[Photo]:
    """The photos that are in both files."""
    with labels.open(newline="", encoding="utf-8") as file:
        classes = {row["file"]: row["wnid"] for row in csv.DictReader(file)}
    tags = {label.id: frozenset(rule.tags) for label, rule in by_class(rules)}
    for scores in read_scores(records):
        if class_id := classes.get(scores.file.path):
            yield Photo(scores, tags[class_id], labelled=True)


def read_people(records: Path) -> Iterator[Photo]:
    """Photos for which no tag is right."""
    return (Photo(scores, frozenset(), labelled=False) for scores in read_scores(records))


def read_scores(records: Path) -> Iterator[Scores]:
    """The scores in the JSON lines of `recognize scan --scores`."""
    for line in records.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["type"] == "file":
            file = MediaFile(record["source"], record["path"], Kind.IMAGE, 0, "", 0.0)
            top = tuple(ClassScore(name, score) for name, score in record["scores"][OBJECTS])
            yield Scores(file, OBJECTS, "", top)


def count(photos: Iterable[Photo], rules: RuleSet) -> Count:
    """The tags that rules give photos."""
    total = Count()
    for photo in photos:
        total.add(photo, rules)
    return total


def kind(rule: Rule) -> str:
    """What a rule is about at its most general: the last of its tags."""
    return rule.tags[-1] if rule.tags else ""


def with_thresholds(rules: RuleSet, threshold: Callable[[str], float]) -> RuleSet:
    """The same rules with a threshold for each kind."""
    table = rules.tables[OBJECTS]
    return RuleSet(
        {
            OBJECTS: {
                key: Rule(rule.label, rule.categories, threshold(kind(rule))) for key, rule in table.items()
            }
        }
    )


def _always(threshold: float, _kind: str) -> float:
    return threshold


def extremes(photos: Iterable[Photo], rules: RuleSet) -> tuple[dict[str, float], dict[str, float]]:
    """By tag: the lowest score where it is right, the highest where it is wrong."""
    lowest: dict[str, float] = {}
    highest: dict[str, float] = {}
    everything = with_thresholds(rules, partial(_always, 0.0))
    for photo in photos:
        for tag in everything.apply(photo.scores):
            if tag.name in photo.right:
                lowest[tag.name] = min(lowest.get(tag.name, 1.0), tag.score)
            else:
                highest[tag.name] = max(highest.get(tag.name, 0.0), tag.score)
    return lowest, highest


def choose(photos: Iterable[Photo], rules: RuleSet) -> dict[str, float]:
    """For each kind the first threshold above all wrong tags of that kind, between LOWEST and HIGHEST."""
    _, highest = extremes(photos, rules)
    kinds = {kind(rule) for rule in rules.tables[OBJECTS].values()}
    steps = {name: (int(highest.get(name, 0.0) / STEP) + 1) * STEP for name in kinds}
    return {name: min(max(step, LOWEST), HIGHEST) for name, step in steps.items()}


def cross_validated(photos: list[Photo], rules: RuleSet, folds: int) -> Count:
    """The tags of each photo under thresholds that were chosen without it."""
    total = Count()
    for fold in range(folds):
        chosen = choose([photo for index, photo in enumerate(photos) if index % folds != fold], rules)
        judged = with_thresholds(rules, chosen.__getitem__)
        for photo in photos[fold::folds]:
            total.add(photo, judged)
    return total


def kinds_table(photos: list[Photo], rules: RuleSet) -> Iterator[str]:
    """What the photos say about the threshold of each kind."""
    lowest, highest = extremes(photos, rules)
    thresholds: dict[str, set[float]] = defaultdict(set)
    for rule in rules.tables[OBJECTS].values():
        thresholds[kind(rule)].add(rule.threshold)
    yield "| kind | thresholds in the file | lowest right | highest wrong |"
    yield "| --- | --- | ---: | ---: |"
    for name in sorted(thresholds.keys() & (lowest.keys() | highest.keys())):
        used = ", ".join(f"{value:g}" for value in sorted(thresholds[name]))
        right, wrong = (f"{found[name]:.2f}" if name in found else "-" for found in (lowest, highest))
        yield f"| {name} | {used} | {right} | {wrong} |"


if __name__ == "__main__":
    main()
