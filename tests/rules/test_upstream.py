"""The flat format of Recognize for Nextcloud, as its own program reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import RulesError
from recognize_cli.records import ClassScore, Scores
from recognize_cli.rules.engine import NEVER, Rule
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.rules import RuleSet

    Load = Callable[[str], RuleSet]

EDITED = """
# my own
tabby:
  label: kitty
  threshold: 0.1
  priority: 5
  categories:
    - animal
    - pets

tiger cat:
  see: tabby
  threshold: 0.9

big cat:
  categories: [animal]
  threshold: 0.2

lynx:
  see: big cat

beagle:
  label: dog

crane:
  label: bird
  threshold: 0.3

kimono:
"""


def test_keys_are_classes_or_what_others_point_to(load: Load) -> None:
    rules = load(EDITED)
    kitty = Rule("Kitty", ("Animal", "Pets"), 0.1)
    assert rules.find("objects", "tabby", "n02123045") == kitty
    assert rules.find("objects", "tiger cat", "n02123159") == kitty, "of a rule with see nothing else counts"
    assert rules.find("objects", "Lynx") == Rule(None, ("Animal",), 0.2)
    assert rules.find("objects", "kimono") == Rule()
    assert rules.find("objects", "leopard") is None


def test_a_name_stands_for_all_classes_that_have_it(load: Load) -> None:
    rules = load(EDITED)
    assert rules.find("objects", "crane", "n02012849") == rules.find("objects", "crane", "n03126707")


def test_a_rule_without_threshold_gives_nothing_not_even_in_a_sum(load: Load) -> None:
    rules = load("beagle: {categories: [animal]}\ntabby: {categories: [animal], threshold: 0.3}\n")
    assert rules.find("objects", "beagle") == Rule(None, ("Animal",), NEVER)
    top = (ClassScore("beagle", 0.6), ClassScore("tabby", 0.2))
    assert rules.apply(Scores(media_file(), "objects", "m", top)) == ()


def test_what_has_no_effect_is_a_warning(load: Load) -> None:
    warnings = load(EDITED + "unicorn:\n  label: horse\n  threshold: 0.1\nlion:\n  thresgold: 0.2\n").warnings
    assert [warning.partition("rules.yml:")[2] for warning in warnings] == [
        "22: `beagle` has no threshold, so it never gives a tag",
        "30: `unicorn` names no class of the model, and no rule points to it",
        "34: `lion` has the unknown key `thresgold`, which does nothing",
    ]


MISTAKES = {
    "see nothing": ("tabby:\n  see: cat\n", 1, "`tabby`: see: there is no rule `cat`"),
    "see in a circle": ("tabby: {see: lynx}\nlynx: {see: tabby}\n", 2, "`tabby` -> `lynx` -> `tabby`"),
    "class twice": ("tabby: {}\nlynx: {}\nTabby: {}\n", 3, "`Tabby` is the same class as `tabby`"),
    "key twice": ("tabby: {}\nlynx: {}\ntabby: {}\n", 3, "`tabby` is already in line 1"),
    "threshold": ("tabby:\n  label: cat\n  threshold: 10\n", 3, "`threshold` of `tabby` must be a number"),
    "rule is a text": ("tabby: cat\n", 1, "`tabby`: write label, categories, threshold, see below it"),
    "another kind of file": ("name: x\nservices: {web: {image: nginx}}\n", 1, "`name`: write label"),
    "no class at all": ("\n\nservices: {}\n", 3, "none of its keys is the name of a class"),
    "empty map": ("{}\n", 1, "none of its keys is the name of a class"),
}


@pytest.mark.parametrize(("text", "line", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_line_key_and_remedy(
    load: Load, text: str, line: int, problem: str
) -> None:
    with pytest.raises(RulesError) as caught:
        load(text)
    place, _, message = str(caught.value).partition(": ")
    assert place.endswith(f"rules.yml:{line}")
    assert problem in message
