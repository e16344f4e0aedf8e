"""From scores to tags: what the documentation promises, on made rules."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recognize_cli.records import ClassScore, Scores
from recognize_cli.rules.engine import CONSIDERED, LONGEST_NAME, NEVER, NameRule, Rule, RuleSet
from tests.support.records import media_file

CAT = Rule("Cat", ("Animal",), 0.5)
DOG = Rule("Dog", ("Animal",), 0.3)
RULES = RuleSet({"objects": {"tabby": CAT, "lynx": CAT, "n01": DOG, "beagle": DOG, "never": Rule("X", ())}})

CLASSES = [f"class {number}" for number in range(10)]
probabilities = st.floats(0, 1).filter(lambda value: value == 0 or value > 1e-6)
rules_of_classes = st.dictionaries(
    st.sampled_from(CLASSES),
    st.builds(
        Rule,
        st.none() | st.sampled_from("ABC"),
        st.lists(st.sampled_from("BCDE"), max_size=3).map(tuple),
        st.floats(0, 1) | st.just(NEVER),
    ),
)
tops = st.dictionaries(st.sampled_from(CLASSES), probabilities, max_size=10).map(
    lambda seen: tuple(ClassScore(name, score) for name, score in seen.items())
)


def scores(*top: tuple[str, float] | ClassScore, recognizer: str = "objects") -> Scores:
    classes = tuple(each if isinstance(each, ClassScore) else ClassScore(*each) for each in top)
    return Scores(media_file(), recognizer, "model", classes)


def tags(*top: tuple[str, float] | ClassScore) -> dict[str, float]:
    return {tag.name: pytest.approx(tag.score) for tag in RULES.apply(scores(*top))}


def test_a_class_gives_its_tags_from_its_threshold_on() -> None:
    assert tags(("tabby", 0.5)) == {"Cat": 0.5, "Animal": 0.5}
    assert tags(("tabby", 0.499)) == {}


def test_two_classes_give_their_common_tag_together() -> None:
    assert tags(("tabby", 0.4), ("lynx", 0.3)) == {"Cat": 0.5, "Animal": 0.5}


def test_a_sum_must_reach_the_largest_threshold() -> None:
    assert tags(("tabby", 0.3), ("beagle", 0.3)) == {"Dog": 0.3, "Animal": 0.3}
    assert tags(("tabby", 0.4), ("beagle", 0.29)) == {}


def test_the_class_of_a_tag_is_the_most_probable_one_that_led_to_it() -> None:
    found = {tag.name: tag.class_name for tag in RULES.apply(scores(("tabby", 0.35), ("beagle", 0.32)))}
    assert found == {"Dog": "beagle", "Animal": "beagle"}
    found = {tag.name: tag.class_name for tag in RULES.apply(scores(("lynx", 0.4), ("tabby", 0.45)))}
    assert found == {"Cat": "tabby", "Animal": "tabby"}


def test_only_the_best_classes_count() -> None:
    better = [(f"unknown {number}", 0.51 + number / 100) for number in range(CONSIDERED)]
    assert tags(*better[1:], ("tabby", 0.5)) == {"Cat": 0.5, "Animal": 0.5}
    assert tags(*better, ("tabby", 0.5)) == {}


def test_the_id_of_a_class_goes_before_its_name_and_upper_case_does_not_count() -> None:
    assert tags(ClassScore("tabby", 0.4, "n01")) == {"Dog": 0.4, "Animal": 0.4}
    assert tags(ClassScore("Tabby", 0.6, "n99")) == {"Cat": 0.6, "Animal": 0.6}


def test_a_rule_without_a_threshold_never_gives_a_tag_and_spoils_no_other() -> None:
    assert tags(("never", 1.0), ("tabby", 0.6)) == {"Cat": 0.6, "Animal": 0.6}


def test_a_recognizer_without_rules_has_no_tags() -> None:
    assert RULES.apply(scores(("tabby", 1.0), recognizer="music")) == ()


def test_tags_come_best_first_and_then_by_name() -> None:
    applied = RULES.apply(scores(("beagle", 0.4), ("lynx", 0.55)))
    assert [tag.name for tag in applied] == ["Animal", "Cat", "Dog"]
    assert all(tag.recognizer == "objects" for tag in applied)


def by_the_book(table: dict[str, Rule], top: tuple[ClassScore, ...]) -> dict[str, float]:
    """The definition in docs/rules.md, word for word."""
    best = sorted(top, key=lambda seen: (-seen.score, seen.name))[:7]
    found: dict[str, float] = {}
    for tag in "ABCDE":
        carriers = [seen for seen in best if seen.name in table and tag in table[seen.name].tags]
        alone = [seen.score for seen in carriers if seen.score >= table[seen.name].threshold]
        together = math.sqrt(sum(seen.score**2 for seen in carriers))
        needed = max((table[seen.name].threshold for seen in carriers), default=NEVER)
        assume(abs(together - needed) > 1e-9)
        if len(carriers) >= 2 and together >= needed:
            alone.append(min(together, 1.0))
        if alone:
            found[tag] = max(alone)
    return found


@given(rules_of_classes, tops)
def test_tags_are_those_of_the_definition(table: dict[str, Rule], top: tuple[ClassScore, ...]) -> None:
    applied = RuleSet({"objects": table}).apply(scores(*top))
    assert {tag.name: tag.score for tag in applied} == pytest.approx(by_the_book(table, top))
    assert len({tag.name for tag in applied}) == len(applied)
    assert all(0 <= tag.score <= 1 for tag in applied)
    assert all(tag.name in table[tag.class_name].tags for tag in applied)


@given(rules_of_classes, tops, st.randoms())
def test_the_order_of_the_input_does_not_count(
    table: dict[str, Rule], top: tuple[ClassScore, ...], random: object
) -> None:
    shuffled = list(top)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    rules = RuleSet({"objects": table})
    assert rules.apply(scores(*shuffled)) == rules.apply(scores(*top))


@given(rules_of_classes, tops.filter(bool), st.data())
def test_a_higher_score_never_costs_a_tag(
    table: dict[str, Rule], top: tuple[ClassScore, ...], data: st.DataObject
) -> None:
    top = top[:CONSIDERED]
    index = data.draw(st.integers(0, len(top) - 1))
    more = data.draw(st.floats(top[index].score, 1))
    raised = (*top[:index], replace(top[index], score=more), *top[index + 1 :])
    rules = RuleSet({"objects": table})
    before = {tag.name: tag.score for tag in rules.apply(scores(*top))}
    after = {tag.name: tag.score for tag in rules.apply(scores(*raised))}
    assert all(after.get(name, -1) >= score - 1e-12 for name, score in before.items())


def test_the_fingerprint_follows_the_meaning() -> None:
    base = RuleSet({"objects": {"a": CAT, "b": DOG}})
    same = RuleSet(
        {"objects": {"b": DOG, "a": replace(CAT, label=None, categories=("Animal", "Cat"))}}, ("w",)
    )
    assert same.fingerprint == base.fingerprint
    for other in (replace(CAT, threshold=0.51), replace(CAT, label="Kitten"), replace(CAT, categories=())):
        assert RuleSet({"objects": {"a": other, "b": DOG}}).fingerprint != base.fingerprint
    assert RuleSet({"music": {"a": CAT, "b": DOG}}).fingerprint != base.fingerprint


def named(rule: NameRule, *top: tuple[str, float]) -> list[tuple[str, float, str]]:
    """Name, score and class of each tag."""
    applied = RuleSet({}, names={"landmarks": rule}).apply(scores(*top, recognizer="landmarks"))
    assert {tag.recognizer for tag in applied} <= {"landmarks"}
    return [(tag.name, tag.score, tag.class_name) for tag in applied]


def test_the_best_name_is_a_tag_and_so_are_the_categories() -> None:
    rule = NameRule(0.9, ("Landmark",))
    top = ("nuraghe Orolo", 0.93), ("Su Nuraxi", 0.92)
    assert named(rule, *reversed(top)) == [
        ("Landmark", 0.93, "nuraghe Orolo"),
        ("nuraghe Orolo", 0.93, "nuraghe Orolo"),
    ]
    assert named(rule, ("Su Nuraxi", 0.9)) == [
        ("Landmark", 0.9, "Su Nuraxi"),
        ("Su Nuraxi", 0.9, "Su Nuraxi"),
    ]
    assert named(rule, ("Su Nuraxi", 0.899), ("nuraghe Orolo", 0.8)) == []
    assert named(rule) == []


def test_as_many_names_count_as_the_rule_says() -> None:
    rule = NameRule(0.5, ("Landmark",), most=2)
    assert named(rule, ("A", 0.6), ("B", 0.7), ("C", 0.55)) == [
        ("B", 0.7, "B"),
        ("Landmark", 0.7, "B"),
        ("A", 0.6, "A"),
    ]
    assert named(rule, ("A", 0.4), ("B", 0.4)) == []  # no sums


def test_a_long_name_is_cut_between_characters() -> None:
    [(name, _, whole)] = named(NameRule(0.5), ("x" + "é" * 40, 0.6))
    assert name == "x" + "é" * 31
    assert whole == "x" + "é" * 40
    [(name, *_)] = named(NameRule(0.5), ("word " * 20, 0.6))
    assert name == "word " * 12 + "word"


@given(st.text(min_size=1).filter(str.strip))
def test_a_name_as_a_tag_is_its_beginning(name: str) -> None:
    for cut, _, _ in named(NameRule(0), (name, 0.5)):
        assert len(cut.encode()) <= LONGEST_NAME
        assert cut in name


def test_the_fingerprint_follows_the_rules_for_names() -> None:
    base = RuleSet({}, names={"landmarks": NameRule(0.9, ("A", "B"))})
    same = RuleSet({}, names={"landmarks": NameRule(0.9, ("B", "A"))})
    assert same.fingerprint == base.fingerprint
    others = NameRule(0.8, ("A", "B")), NameRule(0.9, ("A",)), NameRule(0.9, ("A", "B"), 2)
    prints = {RuleSet({}, names={"landmarks": rule}).fingerprint for rule in others}
    assert len(prints | {base.fingerprint, RuleSet({}).fingerprint}) == 5
