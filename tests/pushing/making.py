"""Followed files and pushers as these tests need them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recognize_cli.catalogue.outbox_api import Remote
from recognize_cli.pushing.runner import Pusher
from tests.catalogue.making import outcome

if TYPE_CHECKING:
    from recognize_cli.catalogue import Outcome
    from recognize_cli.catalogue.outbox_api import Outbox
    from recognize_cli.protocols import TagServer

TARGET = "https://alice@cloud.example"


class Time:
    """A clock that stands still but for who waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def tagged(name: str, *tags: str, file_id: str, folder: str = "", **file: Any) -> Outcome:
    """What a run learned of a file whose tags are pushed."""
    path = f"{folder}/{name}" if folder else name
    found = outcome(name, directory=f"/{folder}", tags={"objects": tags}, file_id=file_id, **file)
    return replace(found, remotes=(Remote(TARGET, file_id, path),))


def pusher(outbox: Outbox, server: TagServer, **how: Any) -> Pusher:
    """A pusher that waits without waiting."""
    time = Time()
    return Pusher(
        outbox, server, TARGET, **{"clock": time, "sleep": time.sleep, "jitter": lambda: 1.0, **how}
    )
