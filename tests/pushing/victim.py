"""Pushes what waits in a catalogue to a test server, until it is killed. Run by test_killed.py.

python -m tests.pushing.victim CATALOGUE HOST
"""

from __future__ import annotations

import sys
from pathlib import Path

from recognize_cli.catalogue import SqliteCatalogue
from recognize_cli.dav.client import DavClient
from recognize_cli.dav.credentials import Credentials
from recognize_cli.dav.nextcloud import sign_in
from recognize_cli.dav.systemtags import SystemTags
from recognize_cli.pushing.runner import Pusher
from recognize_cli.secret import Secret
from tests.dav.clouds import PASSWORD
from tests.pushing.making import TARGET


def push(path: Path, host: str, *, workers: int = 3) -> None:
    """Pushes as the program does, but for shorter waits."""
    with (
        SqliteCatalogue.open(path) as catalogue,
        DavClient(f"http://{host}", Credentials("alice", Secret(PASSWORD))) as client,
    ):
        server = SystemTags(client, sign_in(client, ""))
        with Pusher(catalogue.outbox, server, TARGET, workers=workers, jitter=lambda: 0.01) as pusher:
            pusher.run()


if __name__ == "__main__":
    push(Path(sys.argv[1]), sys.argv[2])
