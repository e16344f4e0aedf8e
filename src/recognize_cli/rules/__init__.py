"""Rules: which tags the classes of a model give, and from which probability on.

A rules file is read by `load_rules`; the `RuleSet` that comes out turns scores into tags. Nothing in
here knows a model, a file system tree or a catalogue.
"""

from recognize_cli.rules.engine import NameRule, Rule, RuleSet
from recognize_cli.rules.loader import by_class, load_rules

__all__ = ["NameRule", "Rule", "RuleSet", "by_class", "load_rules"]
