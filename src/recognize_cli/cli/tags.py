"""`recognize tags`: what is known of tags, without a look at any file."""

from __future__ import annotations

import logging
import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import (
    catalogue_option,
    format_option,
    must_exist,
    rules_option,
    wait_option,
)
from recognize_cli.cli.output import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.rules import RuleSet

_LOG = logging.getLogger(__name__)
_BATCH = 500


@click.group(
    "tags",
    cls=Group,
    examples="""
        recognize tags list
        recognize tags rebuild --rules ~/rules.yml
    """,
)
def command() -> None:
    """List the tags that are known, and make them anew from other rules."""


@command.command("list", examples="recognize tags list --format json | jq '.tags.Cat'")
@format_option("text", "json", default="text")
@catalogue_option
def list_tags(format: str, catalogue: Path) -> None:
    """List the tags of all known files, each with the number of files that have it."""
    from recognize_cli.catalogue import SqliteCatalogue

    must_exist(catalogue)
    with SqliteCatalogue.open(catalogue) as opened:
        counts = opened.tags()
    if format == "json":
        write_json({"type": "tags", "schema": 1, "tags": counts})
        return
    width = max((len(str(count)) for count in counts.values()), default=0)
    for name, count in counts.items():
        sys.stdout.write(f"{count:>{width}}  {name}\n")


@command.command("rebuild", examples="recognize tags rebuild --rules ~/rules.yml")
@rules_option
@wait_option
@catalogue_option
def rebuild(rules: Path | None, wait: bool, catalogue: Path) -> None:
    """Make the tags of all known files anew from their stored scores; no model runs, no file is read.

    The next scan with the same rules then finds nothing to do.
    """
    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.locking import acquire
    from recognize_cli.resources import shipped
    from recognize_cli.rules import load_rules

    must_exist(catalogue)
    loaded = load_rules(rules or shipped("rules.yml"))
    with acquire(catalogue, wait=wait), SqliteCatalogue.open(catalogue) as opened:
        seen = changed = 0
        for name in loaded.tables:
            more_seen, more_changed = _rebuild(opened, loaded, name)
            seen, changed = seen + more_seen, changed + more_changed
    _LOG.info("%d results made by other rules, the tags of %d changed", seen, changed)


def _rebuild(catalogue: SqliteCatalogue, rules: RuleSet, recognizer: str) -> tuple[int, int]:
    """Applies the rules to what others made; returns how many results that was, and how many changed."""
    from recognize_cli.catalogue import Retagged

    stored = catalogue.iter_scores(recognizer, except_rules=rules.fingerprint)
    seen = changed = 0
    while batch := list(islice(stored, _BATCH)):
        retagged = [
            Retagged(each.id, recognizer, rules.fingerprint, rules.apply(each.scores)) for each in batch
        ]
        catalogue.update_tags(retagged)
        seen += len(batch)
        changed += sum(new.tags != old.tags for new, old in zip(retagged, batch, strict=True))
    return seen, changed
