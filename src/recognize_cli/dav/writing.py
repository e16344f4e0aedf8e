"""Changes on a Nextcloud, tried again while their failure is temporary, and one at a time where it must be.

On SQLite, writes that meet fail with 500 "database is locked": then nothing was done. After any other failure
in the midst of a request nobody knows whether it was done.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from recognize_cli.dav.failures import RequestFailed, StatusError
from recognize_cli.dav.patience import Failure, Patience, Tries, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.dav.client import DavClient, Response

PATIENCE: Final = Patience(attempts=8, backoff=0.1, longest_backoff=5.0)
"""A locked database is free again soon, and many writes may be in line before it."""

_LOCKED: Final = b"database is locked"


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a change; ``unsure``: one of the tries before it may have made that change already."""

    status: int
    body: bytes
    unsure: bool


class Writer:
    """Sends changes from several threads, side by side until the server's database was found locked once.

    ``pause`` sleeps, and tells whether the run is to stop; ``jitter`` gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        client: DavClient,
        *,
        patience: Patience = PATIENCE,
        pause: Callable[[float], bool | None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._patience = patience
        self._pause = pause
        self._jitter = jitter
        self._in_line = threading.Lock()
        self._one_by_one = False

    def change(self, method: str, path: str) -> Written:
        """One change, which does no harm when it is done twice; its answer may have any status but 500.

        Raises what `DavClient.request` raises, and StatusError for 500 to the end.
        """
        tries = Tries(self._patience, self._jitter)
        unsure = False
        while True:
            try:
                answer = self._send(method, path)
            except RequestFailed as error:
                failure: RequestFailed = error
                unsure = True
            else:
                if answer.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                    return Written(answer.status, answer.body, unsure)
                failure = StatusError(answer.status, answer.body)
                if _LOCKED in answer.body:
                    self._one_by_one = True
                else:
                    unsure = True
            wait = tries.wait_after(Failure(Trouble.ERROR, ""))
            if wait is None or self._pause(wait):
                raise failure

    def _send(self, method: str, path: str) -> Response:
        with self._in_line if self._one_by_one else nullcontext():
            return self._client.request(method, path, repeatable=False)
