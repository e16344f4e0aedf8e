"""From the scores of a photo to its tags."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from recognize_cli.records import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from recognize_cli.records import ClassScore, Scores

CONSIDERED = 7
"""How many of the best classes of a photo count."""

NEVER = math.inf
"""The threshold of a rule that never gives a tag."""

LONGEST_NAME = 64
"""Bytes of UTF-8 of a tag that is the name of a class."""

_SEMANTICS = 1
"""Raise it when the same rules and scores would give other tags: fingerprints then change."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The tags that a class gives from a probability of ``threshold`` (0 to 1, or `NEVER`) on."""

    label: str | None = None
    categories: tuple[str, ...] = ()
    threshold: float = NEVER

    @property
    def tags(self) -> tuple[str, ...]:
        """The label and the categories, each once."""
        return tuple(dict.fromkeys((self.label, *self.categories) if self.label else self.categories))


@dataclass(frozen=True, slots=True)
class NameRule:
    """The tags of a recognizer whose classes are names, such as landmarks, too many to list.

    Of its ``most`` best classes each one gives its own name and the categories, from a probability of
    ``threshold`` on.
    """

    threshold: float
    categories: tuple[str, ...] = ()
    most: int = 1

    def apply(self, scores: Scores) -> Iterator[Tag]:
        """The tags of a file, each once."""
        given: set[str] = set()
        for seen in sorted(scores.top, key=_rank)[: self.most]:
            if seen.score < self.threshold:
                return
            for name in (_cut(seen.name), *self.categories):
                if name not in given:
                    given.add(name)
                    yield Tag(name, seen.score, scores.recognizer, seen.name)


@dataclass(frozen=True)
class RuleSet:
    """The rules of each recognizer, and how they are applied; immutable, safe between threads.

    ``tables`` holds for each recognizer its rules, under the id of a class or under its name in lower
    case; ``names`` holds the rule of each whose classes are names. ``warnings`` are lines for the user about
    what in the file has no effect.
    """

    tables: Mapping[str, Mapping[str, Rule]]
    warnings: tuple[str, ...] = ()
    names: Mapping[str, NameRule] = field(default_factory=dict)

    @property
    def recognizers(self) -> frozenset[str]:
        """Those that the rules give tags to."""
        return frozenset({*self.tables, *self.names})

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of what the rules mean: comments, order and spelling of the file do not count."""
        meaning: dict[str, object] = {
            name: {
                key: [sorted(rule.tags), rule.threshold] for key, rule in sorted(table.items()) if rule.tags
            }
            for name, table in sorted(self.tables.items())
        }
        for name, rule in sorted(self.names.items()):
            meaning[name] = [sorted(rule.categories), rule.threshold, rule.most]
        return hashlib.sha256(json.dumps([_SEMANTICS, meaning]).encode()).hexdigest()

    def find(self, recognizer: str, name: str, class_id: str | None = None) -> Rule | None:
        """The rule of a class: by its id, or else by its name in upper or lower case."""
        table = self.tables.get(recognizer, {})
        rule = table.get(class_id) if class_id else None
        return rule or table.get(name.lower())

    def apply(self, scores: Scores) -> tuple[Tag, ...]:
        """The tags of a photo, best first, then by name; none for a recognizer without rules.

        Of the best `CONSIDERED` classes, one whose probability reaches the threshold of its rule gives
        the tags of that rule. A tag that two or more of them carry is also given when the root of the sum
        of their squared probabilities reaches the largest of their thresholds. The score of a tag is the
        better of the two, its class the most probable one that led to it.

        Of a recognizer whose classes are names, `NameRule` says it.
        """
        if names := self.names.get(scores.recognizer):
            return _best_first(names.apply(scores))
        hits: dict[str, list[tuple[ClassScore, float]]] = {}
        for seen in sorted(scores.top, key=_rank)[:CONSIDERED]:
            if rule := self.find(scores.recognizer, seen.name, seen.id):
                for name in rule.tags:
                    hits.setdefault(name, []).append((seen, rule.threshold))
        tags = [tag for name, carriers in hits.items() if (tag := _decide(name, carriers, scores.recognizer))]
        return _best_first(tags)


def _best_first(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    return tuple(sorted(tags, key=lambda tag: (-tag.score, tag.name)))


def _cut(name: str) -> str:
    """A name as a tag: at most `LONGEST_NAME` bytes, whole characters."""
    return name.encode()[:LONGEST_NAME].decode(errors="ignore").strip()


def _rank(seen: ClassScore) -> tuple[float, str, str]:
    return -seen.score, seen.id or "", seen.name


def _decide(name: str, carriers: list[tuple[ClassScore, float]], recognizer: str) -> Tag | None:
    """The tag, if its carriers (most probable first, with the thresholds of their rules) suffice."""
    alone = next((seen for seen, threshold in carriers if seen.score >= threshold), None)
    if len(carriers) > 1:
        together = math.hypot(*(seen.score for seen, _ in carriers))
        if together >= max(threshold for _, threshold in carriers):
            best = carriers[0][0]
            return Tag(name, min(max(together, best.score), 1.0), recognizer, best.name)
    return Tag(name, alone.score, recognizer, alone.name) if alone else None
