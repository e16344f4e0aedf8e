"""`recognize tags`: what is known of tags, without a look at any file."""

from __future__ import annotations

import logging
import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import (
    ca_option,
    catalogue_option,
    format_option,
    must_exist,
    option,
    rules_option,
    wait_option,
)
from recognize_cli.cli.output import write_json
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.catalogue.outbox_api import TagCount
    from recognize_cli.errors import ExitCode
    from recognize_cli.rules import RuleSet

_LOG = logging.getLogger(__name__)
_BATCH = 500


@click.group(
    "tags",
    cls=Group,
    examples="""
        recognize tags list
        recognize tags rebuild --rules ~/rules.yml
        recognize tags push
    """,
)
def command() -> None:
    """List the tags that are known, make them anew from other rules, and push them to servers."""


@command.command("list", examples="recognize tags list --format json | jq '.tags.Cat'")
@option("--pushed", is_flag=True, configurable=False, help="List what is known of tags on servers instead.")
@format_option("text", "json", default="text")
@catalogue_option
def list_tags(pushed: bool, format: str, catalogue: Path) -> None:
    """List the tags of all known files, each with the number of files that have it.

    With --pushed: in how many files on each server a tag is ours, was there before, waits, and was refused.
    """
    from recognize_cli.catalogue import SqliteCatalogue

    must_exist(catalogue)
    with SqliteCatalogue.open(catalogue) as opened:
        counts = opened.tags()
        outbox = opened.outbox
        targets = {target: outbox.counts(target) for target in outbox.targets()}
    if format == "json":
        write_json({"type": "tags", "schema": 1, "tags": counts, "pushed": _records(targets)})
        return
    if pushed:
        _write_pushed(targets)
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
        for name in sorted(loaded.recognizers):
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


@command.command("push", examples="recognize tags push nextclouds://alice@cloud.example --retry")
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@option("--retry", is_flag=True, configurable=False, help="Ask again for what a server refused.")
@option(
    "-n",
    "--dry-run",
    is_flag=True,
    configurable=False,
    help="Tell what would be put on files and taken off them, and push nothing.",
)
@ca_option
@wait_option
@catalogue_option
def push(
    addresses: tuple[str, ...], retry: bool, dry_run: bool, ca: Path | None, wait: bool, catalogue: Path
) -> ExitCode:
    """Push the tags that wait for a server, at the servers at ADDRESS or at all that were pushed to.

    `recognize scan --push` says which files are pushed, and pushes by itself; this does the rest, such as
    what other rules or names of people changed since.
    """
    from recognize_cli.cli import outgoing

    must_exist(catalogue)
    return outgoing.push(addresses, catalogue, ca, wait=wait, retry=retry, dry_run=dry_run)


@command.command("reset", examples="recognize tags reset nextclouds://alice@cloud.example --yes")
@click.argument("address")
@option("--yes", is_flag=True, configurable=False, help="Do it without a question.")
@ca_option
@wait_option
@catalogue_option
def reset(address: str, yes: bool, ca: Path | None, wait: bool, catalogue: Path) -> ExitCode:
    """Take all tags that recognize put on files off them again, at the server at ADDRESS.

    Tags that were there before stay. The next `recognize scan --push` puts ours on again.
    """
    from recognize_cli.cli import outgoing

    must_exist(catalogue)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("This takes tags off many files; say --yes if that is meant.")
        click.confirm(f"Take all tags of recognize off the files at {address}?", abort=True, err=True)
    return outgoing.reset(address, catalogue, ca, wait=wait)


def _records(targets: Mapping[str, list[TagCount]]) -> dict[str, dict[str, dict[str, int]]]:
    return {
        target: {
            each.name: {
                "ours": each.ours,
                "foreign": each.foreign,
                "waiting": each.waiting,
                "refused": each.refused,
            }
            for each in counts
        }
        for target, counts in targets.items()
    }


def _write_pushed(targets: Mapping[str, list[TagCount]]) -> None:
    for target, counts in targets.items():
        sys.stdout.write(f"{printable(target)}\n  ours  foreign  waiting  refused  tag\n")
        for each in counts:
            numbers = f"{each.ours:>6}  {each.foreign:>7}  {each.waiting:>7}  {each.refused:>7}"
            sys.stdout.write(f"{numbers}  {printable(each.name)}\n")
