"""What a push would do, for a dry run: the same plans, and nothing is asked for or noted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from recognize_cli.pushing.plan import keys_of, needs_look, plan
from recognize_cli.records import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recognize_cli.catalogue.outbox_api import Outbox, PushTag
    from recognize_cli.protocols import TagServer


def preview(outbox: Outbox, server: TagServer, target: str) -> Iterator[Change]:
    """The files that a push would change, by folder and name; raises OSError for a folder without answer.

    ``outbox`` is a rehearsal of one.
    """
    outbox.begin(target)
    key, folder = keys_of(server), None
    listing: Mapping[str, frozenset[str]] = {}
    for page in outbox.pending(target, now=math.inf):
        for file in page:
            if needs_look(file) and file.folder != folder:
                folder, listing = file.folder, server.tags_in(file.folder)
            existing = listing.get(file.file_id) if file.folder == folder else None
            planned = plan(file, existing, key)
            assign, unassign = _names(planned.assign), _names(planned.unassign)
            if assign or unassign:
                yield Change(target, file.path, assign, unassign)


def _names(tags: tuple[PushTag, ...]) -> tuple[str, ...]:
    return tuple(tag.name for tag in tags)
