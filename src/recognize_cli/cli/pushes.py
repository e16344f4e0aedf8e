"""The pushes that a scan is asked for: which tags go where."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from recognize_cli.cli.remotes import check_address, is_nextcloud
from recognize_cli.cli.trees import STDIN, is_address
from recognize_cli.errors import ConfigError, ExitCode
from recognize_cli.pushing.destinations import OwnFiles, Twins
from recognize_cli.pushing.pushes import Pushes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.catalogue import Catalogue
    from recognize_cli.cli.remotes import Remotes
    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.protocols import Sink
    from recognize_cli.pushing.destinations import Destination
    from recognize_cli.tally import Tally

_LOG = logging.getLogger(__name__)


def check(options: ScanOptions) -> None:
    """Raises UserError where options ask for pushes that cannot be."""
    if not (options.push or options.push_to):
        how = {
            "--dry-run": options.dry_run,
            "--push-people": options.push_people,
            "--map": options.push_map,
        }
        for option in (option for option, given in how.items() if given):
            raise ConfigError(where=option, problem="says how to push; give --push or --push-to as well")
        return
    if options.no_catalogue:
        problem = "what was pushed must be remembered; leave --no-catalogue out"
        raise ConfigError(where="--push", problem=problem)
    if options.push_to:
        if not is_nextcloud(options.push_to):
            problem = "only a Nextcloud has tags; write nextclouds://user@host/path"
            raise ConfigError(where="--push-to", problem=problem)
        check_address(options.push_to)
        _folders(options)
    elif options.push_map:
        raise ConfigError(where="--map", problem="maps to a folder of --push-to; give that as well")
    elif not any(map(is_nextcloud, options.sources)):
        where = (
            "a Nextcloud: other servers have no tags" if any(map(is_address, options.sources)) else "a server"
        )
        problem = f"no SOURCE is on {where}; say with --push-to which Nextcloud has the same files"
        raise ConfigError(where="--push", problem=problem)


@contextmanager
def pushing(
    options: ScanOptions, catalogue: Catalogue, remotes: Remotes, stop: Callable[[], bool], tally: Tally
) -> Iterator[Pushes | None]:
    """What pushes, None if nothing is to be pushed; the options have passed `check`."""
    if catalogue.outbox is None or not (options.push or options.push_to):
        yield None
        return
    destinations: list[Destination] = [OwnFiles(remotes.clouds.keys())] if options.push else []
    if options.push_to:
        twins = Twins(partial(remotes.source, options.push_to), _folders(options))
        destinations.append(twins)
    with Pushes(
        catalogue.outbox,
        destinations,
        remotes.tags,
        people=options.push_people,
        stop=stop,
        problem=tally.problem,
        retry=options.retry,
        dry_run=options.dry_run,
    ) as pushes:
        yield pushes
    if options.push_to and twins.absent:
        _LOG.warning(
            "%d files got no tags on %s, for there is no file with the same path and size",
            twins.absent,
            options.push_to,
        )


def report(pushes: Pushes, sink: Sink, tally: Tally, options: ScanOptions) -> None:
    """Pushes the rest and counts it; in a dry run tells the sink what would be changed.

    A tag that waits or is refused counts as a file that cannot be read does: with --changed-only those that
    are known to be refused are passed over.
    """
    if options.dry_run:
        for change in pushes.changes():
            sink.change(change)
        return
    counts = pushes.finish()
    tally.pushed = dict(counts)
    if counts["waiting"] or counts["newly_refused" if options.changed_only else "refused"]:
        tally.codes.append(ExitCode.SOME_FAILED)


def _folders(options: ScanOptions) -> dict[str, str]:
    """Which local folder is which of --push-to; raises ConfigError."""
    folders = {}
    for each in options.push_map:
        local, equals, remote = each.partition("=")
        if not (local and equals):
            raise ConfigError(where="--map", problem="is written LOCAL=REMOTE, such as /data/alice/files=/")
        folders[os.path.realpath(local)] = remote
    if folders:
        return folders
    trees = [source for source in options.sources if not is_address(source)]
    if len(trees) != 1 or trees[0] == STDIN or os.path.isfile(trees[0]):
        problem = "say with --map LOCAL=REMOTE where on the server the files are, unless SOURCE is one folder"
        raise ConfigError(where="--push-to", problem=problem)
    return {os.path.realpath(trees[0]): ""}
