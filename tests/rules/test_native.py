"""Our own format: what it means, and what each mistake in it is answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import ExitCode, RulesError
from recognize_cli.rules.engine import NameRule, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.rules import RuleSet

    Load = Callable[[str], RuleSet]

HEAD = "version: 1\nobjects:\n  defaults: {threshold: 0.4}\n  shared:\n    cat: {label: cat}\n  classes:\n"


def test_a_rule_says_label_categories_and_threshold(load: Load) -> None:
    rules = load(
        HEAD + "    n02123045 tabby: {label: house cat, categories: [animal, Pet], threshold: 0.2}\n"
    )
    expected = Rule("House cat", ("Animal", "Pet"), 0.2)
    assert rules.find("objects", "anything", "n02123045") == expected
    assert rules.find("objects", "TABBY") == expected
    assert rules.find("objects", "tiger cat") is None


@pytest.mark.parametrize("key", ["n02123045", "tabby", "Tabby", "n02123045 tabby", "n02123045   TABBY"])
def test_a_key_is_an_id_a_name_or_both(load: Load, key: str) -> None:
    assert load(HEAD + f"    {key}: {{label: A}}\n").find("objects", "", "n02123045") == Rule("A", (), 0.4)


def test_see_takes_over_what_the_rule_does_not_say(load: Load) -> None:
    rules = load(
        HEAD
        + "    tabby: {see: cat, threshold: 0.1}\n"
        + "    tiger cat: {see: tabby, categories: [Animal]}\n"
        + "    Persian cat: {see: n02123159, label: Fluff, categories: []}\n"
    )
    assert rules.find("objects", "tabby") == Rule("Cat", (), 0.1)
    assert rules.find("objects", "tiger cat") == Rule("Cat", ("Animal",), 0.1)
    assert rules.find("objects", "persian cat") == Rule("Fluff", (), 0.1)


def test_a_shared_rule_goes_before_a_class_of_that_name(load: Load) -> None:
    rules = load(
        "version: 1\nobjects: {shared: {bee: {label: B, threshold: 0}}, classes: {bee: {see: bee}}}\n"
    )
    assert rules.find("objects", "bee") == Rule("B", (), 0.0)


MUSIC = "version: 1\nmusic:\n  shared:\n    metal: {label: Metal, threshold: 0.2}\n  classes:\n"


def test_classes_without_ids_go_by_their_names(load: Load) -> None:
    rules = load(MUSIC + "    Heavy Metal: {see: metal}\n    hip-hop: {label: Rap, threshold: 0.1}\n")
    assert rules.find("music", "heavy metal") == Rule("Metal", (), 0.2)
    assert rules.find("music", "Hip-Hop") == Rule("Rap", (), 0.1)
    assert rules.find("music", "rock") is None
    assert rules.find("objects", "tabby") is None


def test_sections_do_not_know_each_other(load: Load) -> None:
    rules = load(HEAD + "    tabby: {see: cat}\n" + MUSIC.partition("\n")[2] + "    metal: {see: metal}\n")
    assert rules.find("objects", "tabby") == Rule("Cat", (), 0.4)
    assert rules.find("music", "metal") == Rule("Metal", (), 0.2)
    assert rules.find("music", "tabby") is rules.find("objects", "metal") is None


@pytest.mark.parametrize("empty", ["{}", "", "null", "~", "{label: null, categories: }", "{categories: []}"])
def test_an_empty_rule_gives_no_tag(load: Load, empty: str) -> None:
    rule = load(HEAD + f"    tabby: {empty}\n").find("objects", "tabby")
    assert rule is not None
    assert rule.tags == ()


def test_words_that_yaml_takes_for_something_else_are_tags(load: Load) -> None:
    rule = load(HEAD + "    tabby: {label: no, categories: [yes, 1984, 'null', 2026-01-01]}\n").find(
        "objects", "tabby"
    )
    assert rule is not None
    assert rule.tags == ("No", "Yes", "1984", "Null", "2026-01-01")


def test_an_ambiguous_name_is_not_used_for_scores_without_an_id(load: Load) -> None:
    rules = load(HEAD + "    n02012849 crane: {label: Bird}\n")
    assert rules.find("objects", "crane", "n02012849") == Rule("Bird", (), 0.4)
    assert rules.find("objects", "crane", "n03126707") is None
    assert rules.find("objects", "crane") is None


def test_a_shared_rule_that_nobody_uses_is_worth_a_warning(load: Load) -> None:
    [warning] = load(HEAD + "    tabby: {label: A}\n").warnings
    assert warning.endswith("rules.yml:5: no rule has `see: cat`")


def test_the_fingerprint_does_not_follow_the_spelling(load: Load) -> None:
    one = load(HEAD + "    tabby: {see: cat}\n    beagle: {label: Dog, threshold: 0.50}\n").fingerprint
    text = "version: 1 # a comment\nobjects:\n  classes:\n    beagle: {threshold: 5e-1, label: 'dog'}\n"
    two = load(text + "    n02123045: {label: Cat, categories: [], threshold: .4}\n").fingerprint
    assert one == two
    assert load(HEAD + "    tabby: {see: cat}\n").fingerprint != one


def test_a_section_for_names_says_threshold_categories_and_how_many(load: Load) -> None:
    rules = load("version: 1\nlandmarks: {threshold: 0.9, categories: [landmark, Trip], most: 2}\n")
    assert rules.names == {"landmarks": NameRule(0.9, ("Landmark", "Trip"), 2)}
    assert rules.tables == {}
    assert rules.recognizers == {"landmarks"}


def test_only_the_threshold_of_names_must_be_said(load: Load) -> None:
    rules = load(HEAD + "    tabby: {see: cat}\nlandmarks: {threshold: .5}\n")
    assert rules.names == {"landmarks": NameRule(0.5, (), 1)}
    assert rules.recognizers == {"objects", "landmarks"}


def test_a_file_without_a_section_for_names_gives_none(load: Load) -> None:
    rules = load(HEAD + "    tabby: {see: cat}\n")
    assert rules.names == {}
    assert rules.recognizers == {"objects"}


NAMES = "version: 1\nlandmarks:\n"
MISTAKES = {
    "no version": ("objects: {}\n", 1, "`version` must be 1"),
    "later version": ("# hm\nversion: 2\nobjects: {}\n", 2, "`version` must be 1"),
    "version is a list": ("version: [1]\n", 1, "`version` must be 1"),
    "no rules": ("version: 1\n", 1, "there are no rules"),
    "names without threshold": (NAMES + "  most: 1\n", 2, "`landmarks` has no `threshold`"),
    "names with nothing": (NAMES, 2, "`landmarks` has no `threshold`"),
    "names in a list": (NAMES + "  - a\n", 3, "`landmarks` must be a map"),
    "names with classes": (NAMES + "  classes: {}\n", 3, "`landmarks`; known are threshold, categories"),
    "names from too high": (NAMES + "  threshold: 2\n", 3, "`threshold` of `landmarks` must be"),
    "no name at all": (NAMES + "  threshold: 1\n  most: 0\n", 4, "`most` of `landmarks` must be"),
    "too many names": (NAMES + "  threshold: 1\n  most: 8\n", 4, "a whole number from 1 to 7"),
    "names in halves": (NAMES + "  threshold: 1\n  most: 1.5\n", 4, "a whole number from 1 to 7"),
    "categories of names": (NAMES + "  threshold: 1\n  categories: A\n", 4, "must be a list"),
    "only shared rules": (HEAD, 2, "there are no rules"),
    "unknown section": ("version: 1\nplanets: {}\n", 2, "unknown key `planets` in the file; known are"),
    "objects is a text": ("version: 1\nobjects: yes\n", 2, "`objects` must be a map"),
    "section without rules": (HEAD + "    tabby: {}\nmusic: {}\n", 8, "write them below `music`, `classes`"),
    "class of another section": (MUSIC + "    tabby: {}\n", 6, "`tabby` names no class of the model"),
    "see into another section": (MUSIC + "    rock: {see: cat}\n", 6, "there is no rule `cat`"),
    "no default in this section": (MUSIC + "    rock: {label: A}\n", 6, "`rock` has no `threshold`"),
    "unknown class without id": (MUSIC + "    rok: {}\n", 6, "no class of the model; is it `rock`"),
    "name of a class twice": (MUSIC + "    Rock: {}\n    rock: {}\n", 7, "is the same class as `Rock`"),
    "unknown part": ("version: 1\nobjects:\n  class: {}\n", 3, "unknown key `class` in `objects`"),
    "unknown default": ("version: 1\nobjects:\n  defaults:\n    label: A\n", 4, "key `label` in `defaults`"),
    "default out of range": ("version: 1\nobjects:\n  defaults:\n    threshold: 4\n", 4, "of `defaults`"),
    "unknown class": (HEAD + "    taby: {}\n", 7, "no class of the model; is it `n02123045 tabby`"),
    "unknown id": (HEAD + "    n00000001: {}\n", 7, "`n00000001` names no class"),
    "wrong id": (HEAD + "    n02123045 beagle: {}\n", 7, "is it `n02123045 tabby`?"),
    "ambiguous class": (HEAD + "    crane: {}\n", 7, "write `n02012849 crane` or `n03126707 crane`"),
    "class twice": (HEAD + "    tabby: {}\n    n02123045: {}\n", 8, "is the same class as `tabby`"),
    "key twice": (HEAD + "    tabby: {}\n    lynx: {}\n    tabby: {}\n", 9, "`tabby` is already in line 7"),
    "unknown field": (HEAD + "    tabby:\n      tag: A\n", 8, "unknown key `tag` in `tabby`; known"),
    "field twice": (HEAD + "    tabby:\n      label: A\n      label: B\n", 9, "`label` is already in line 8"),
    "rule is a text": (HEAD + "    tabby: Cat\n", 7, "`tabby`: write label, categories, threshold, see"),
    "rule is a list": (HEAD + "    tabby:\n      - Cat\n", 8, "`tabby`: write label"),
    "label is a list": (HEAD + "    tabby:\n      label: [A]\n", 8, "`label` of `tabby` must be a text"),
    "label is blank": (HEAD + "    tabby: {label: '  '}\n", 7, "`label` of `tabby` must be a text"),
    "label is long": (HEAD + f"    tabby: {{label: {'x' * 65}}}\n", 7, "at most 64 printable"),
    "label of two lines": (HEAD + '    tabby: {label: "a\\nb"}\n', 7, "printable characters"),
    "categories is a text": (HEAD + "    tabby: {categories: A}\n", 7, "must be a list, such as [Animal"),
    "category is a map": (HEAD + "    tabby:\n      categories:\n      - {a: b}\n", 9, "an item in"),
    "category is nothing": (HEAD + "    tabby: {categories: [A, '']}\n", 7, "an item in `categories`"),
    "threshold is a word": (HEAD + "    tabby:\n      threshold: high\n", 8, "`threshold` of `tabby`"),
    "threshold in quotes": (HEAD + "    tabby: {threshold: '0.5'}\n", 7, "without quotes"),
    "threshold too high": (HEAD + "    tabby: {threshold: 1.01}\n", 7, "from 0 to 1"),
    "threshold negative": (HEAD + "    tabby: {threshold: -0.1}\n", 7, "from 0 to 1"),
    "threshold not a number": (HEAD + "    tabby: {threshold: .nan}\n", 7, "from 0 to 1"),
    "threshold a percentage": (HEAD + "    tabby: {threshold: 50%}\n", 7, "from 0 to 1"),
    "threshold a list": (HEAD + "    tabby: {threshold: [0.5]}\n", 7, "from 0 to 1"),
    "no threshold": (
        "version: 1\nobjects:\n  classes:\n    tabby: {label: A}\n",
        4,
        "`tabby` has no `threshold`; give it one, or set one for all under `defaults`",
    ),
    "see nothing": (HEAD + "    tabby: {see: dog}\n", 7, "`tabby`: see: there is no rule `dog`"),
    "see a class without rule": (HEAD + "    tabby: {see: beagle}\n", 7, "there is no rule `beagle`"),
    "see an ambiguous name": (
        HEAD + "    n02012849 crane: {}\n    tabby: {see: crane}\n",
        8,
        "there is no rule `crane`",
    ),
    "see itself": (HEAD + "    tabby: {see: tabby}\n", 7, "in a circle: `tabby` -> `tabby`"),
    "see in a circle": (
        HEAD + "    tabby: {see: lynx}\n    lynx: {see: beagle}\n    beagle: {see: lynx}\n",
        9,
        "in a circle: `lynx` -> `beagle` -> `lynx`",
    ),
    "shared see in a circle": (
        "version: 1\nobjects:\n  shared:\n    a: {see: b}\n    b: {see: a}\n  classes: {tabby: {}}\n",
        5,
        "in a circle: `a` -> `b` -> `a`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_line_key_and_remedy(
    load: Load, text: str, line: int, problem: str
) -> None:
    with pytest.raises(RulesError) as caught:
        load(text)
    place, _, message = str(caught.value).partition(": ")
    assert place.endswith(f"rules.yml:{line}")
    assert problem in message
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_long_chain_of_see_is_refused(load: Load) -> None:
    links = "".join(f"    r{number}: {{see: r{number + 1}}}\n" for number in range(500))
    text = f"version: 1\nobjects:\n  shared:\n{links}    r500: {{}}\n  classes:\n    tabby: {{see: r0}}\n"
    with pytest.raises(RulesError, match="leads over more than 8 rules"):
        load(text)
