"""recognize rules: check a rules file, and look up what leads to which tag."""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import format_option, rules_option
from recognize_cli.cli.output import write_json
from recognize_cli.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recognize_cli.labels import Label
    from recognize_cli.rules import NameRule, Rule, RuleSet

    Classes = list[tuple[Label, Rule]]

_SCHEMA = 1

command = Group(
    "rules",
    help="Which tags the classes of the models give: check and show.",
    needs_config=False,
    examples="""
        recognize rules check my-rules.yml
        recognize rules show tabby
        recognize rules show Cat --rules my-rules.yml
    """,
)


@command.command("check", examples="recognize rules check my-rules.yml")
@click.argument(
    "file", type=click.Path(dir_okay=False, path_type=Path), envvar="RECOGNIZE_RULES", required=False
)
@format_option("text", "json", default="text")
def check_rules(file: Path | None, format: str) -> None:
    """Find the mistakes in a rules file.

    Without a FILE that is the one that RECOGNIZE_RULES names, or else the one that ships with recognize. An
    error names the line and the key. What has no effect, such as a rule for a class that the model does not
    have, is reported and is no error.
    """
    from recognize_cli.rules import load_rules

    path = file or shipped("rules.yml")
    rules = load_rules(path)
    classes = _classes(rules)
    giving = [label for label, rule in classes if rule.tags]
    count = len(_carriers(classes))
    if format == "json":
        write_json(
            {
                "type": "rules-check",
                "schema": _SCHEMA,
                "file": str(path),
                "fingerprint": rules.fingerprint,
                "classes": len(classes),
                "classes_with_tags": len(giving),
                "tags": count,
                "warnings": list(rules.warnings),
            }
        )
        return
    for warning in rules.warnings:
        click.echo(warning)
    click.echo(f"{path}: no errors; {len(giving)} of {len(classes)} classes give {count} tags")


@command.command(
    "show",
    examples="""
        recognize rules show
        recognize rules show golden retriever
        recognize rules show Animal --format json
    """,
)
@click.argument("words", nargs=-1, metavar="[CLASS|TAG]")
@format_option("text", "json", default="text")
@rules_option
def show_rules(words: tuple[str, ...], format: str, rules: Path | None) -> None:
    """Show the tags of a class, or the classes of a tag.

    Without either, all tags are listed. The number is the probability from which on a class alone gives the
    tag. A class goes by its name or its WordNet id.
    """
    from recognize_cli.rules import load_rules

    loaded = load_rules(rules or shipped("rules.yml"))
    classes = _classes(loaded)
    carriers = _carriers(classes)
    asked, tags, names = classes, carriers, dict(loaded.names)
    if words:
        asked, tags, names = _matching(" ".join(words), classes, carriers, names)
    if format == "json":
        write_json(_document(asked, tags, names))
        return
    for line in _lines(asked, tags) if words else _overview(tags):
        click.echo(line)
    for name, rule in names.items():
        click.echo(_naming(name, rule))


def _classes(rules: RuleSet) -> Classes:
    """The classes of all recognizers that the file has rules for."""
    from recognize_cli.rules import by_class

    return [pair for recognizer in rules.tables for pair in by_class(rules, recognizer)]


def _carriers(classes: Classes) -> dict[str, Classes]:
    """The classes behind each tag; tags by name, classes with the lowest threshold first."""
    carriers: dict[str, Classes] = {}
    for label, rule in sorted(classes, key=lambda each: each[1].threshold):
        for tag in rule.tags:
            carriers.setdefault(tag, []).append((label, rule))
    return dict(sorted(carriers.items()))


def _matching(
    wanted: str, classes: Classes, carriers: dict[str, Classes], names: dict[str, NameRule]
) -> tuple[Classes, dict[str, Classes], dict[str, NameRule]]:
    """What is of that name: classes, tags, rules for names that give such a category.

    Raises UsageError, with what is near, if there is nothing.
    """
    asked = [(label, rule) for label, rule in classes if _names(wanted, label)]
    tags = {name: givers for name, givers in carriers.items() if name.lower() == wanted.lower()}
    naming = {key: rule for key, rule in names.items() if wanted.lower() in map(str.lower, rule.categories)}
    if asked or tags or naming:
        return asked, tags, naming
    categories = (category for rule in names.values() for category in rule.categories)
    words = (*carriers, *(label.name for label, _ in classes), *categories)
    known = {name.lower(): name for name in words}
    near = [known[name] for name in difflib.get_close_matches(wanted.lower(), known)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise click.UsageError(f"There is no class and no tag {wanted!r}.{hint}")


def _names(wanted: str, label: Label) -> bool:
    return wanted.lower() in (label.id, label.name.lower(), str(label).lower())


def _lines(asked: Classes, tags: dict[str, Classes]) -> Iterator[str]:
    for label, rule in asked:
        yield f"class {_described(label)}: {_giving(rule)}"
    for name, givers in tags.items():
        yield f"tag {name}: {_count(givers)}"
        for label, rule in givers:
            yield f"  {_threshold(rule)}  {_described(label)}"


def _overview(tags: dict[str, Classes]) -> Iterator[str]:
    return (f"{name:24} {_count(givers)}" for name, givers in tags.items())


def _naming(recognizer: str, rule: NameRule) -> str:
    given = ", ".join(["its name", *rule.categories])
    best = "the best one" if rule.most == 1 else f"each of the best {rule.most}"
    return f"any class of {recognizer}: {given} from {rule.threshold:.2f}, for {best}"


def _described(label: Label) -> str:
    return f"{label.name} ({label.id})" if label.id else label.name


def _giving(rule: Rule) -> str:
    if not rule.tags or not math.isfinite(rule.threshold):
        return "no tag"
    return f"{', '.join(rule.tags)} from {_threshold(rule)}"


def _threshold(rule: Rule) -> str:
    return f"{rule.threshold:.2f}" if math.isfinite(rule.threshold) else "never"


def _count(givers: Classes) -> str:
    return f"{len(givers)} class{'es' if len(givers) > 1 else ''}"


def _document(asked: Classes, tags: dict[str, Classes], names: dict[str, NameRule]) -> dict[str, object]:
    return {
        "type": "rules",
        "schema": _SCHEMA,
        "classes": [
            {**_class(label, rule), "label": rule.label, "categories": list(rule.categories)}
            for label, rule in asked
        ],
        "tags": [
            {"name": name, "classes": [_class(label, rule) for label, rule in givers]}
            for name, givers in tags.items()
        ],
        "names": [
            {
                "recognizer": recognizer,
                "threshold": rule.threshold,
                "categories": list(rule.categories),
                "most": rule.most,
            }
            for recognizer, rule in names.items()
        ],
    }


def _class(label: Label, rule: Rule) -> dict[str, object]:
    """A class as JSON; the threshold is null where the class never gives a tag."""
    threshold = rule.threshold if math.isfinite(rule.threshold) else None
    return {"class": label.name, "id": label.id, "threshold": threshold}
