"""Asks one server until it gives a sound answer, there is no point in asking, or patience ends."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

import requests
import urllib3

from recognize_cli.dav import redirects
from recognize_cli.dav.body import BodyTooLong, BrokenBody
from recognize_cli.dav.failures import StatusError, failed, name
from recognize_cli.dav.patience import Failure, Patience, Tries, Trouble, retry_after
from recognize_cli.dav.reasons import failure_of, too_slow
from recognize_cli.dav.watch import Watch
from recognize_cli.dav.wire import Question, Wire
from recognize_cli.dav.xml import BadXml, EndsEarly
from recognize_cli.errors import LoginNeeded, LoginRefused, SourceUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
Read = Callable[[Question, requests.Response], T | Failure]

_LOG = logging.getLogger(__name__)

_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_PASSING: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_STREAK: Final = 5  # requests in a row that came to nothing: then it is the server, not a file


class Exchange:
    """The requests of one client to one server; threads share it.

    ``probe`` is a question that a server answers unless it is down as a whole. ``pause`` sleeps, and tells
    whether the run is to stop; ``jitter`` gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        wire: Wire,
        server: str,
        user: str,
        probe: Question,
        patience: Patience,
        *,
        pause: Callable[[float], bool | None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._wire = wire
        self._server = server
        self._user = user
        self._probe = probe
        self._patience = patience
        self._pause = pause
        self._jitter = jitter
        self._first = threading.Lock()
        self._known = False
        self._refused_at = ""
        self._streak = 0
        self._is_waiting = False
        self._under_way: set[Watch] = set()
        self._is_cut = False

    def cut(self) -> None:
        """Ends the requests under way, and all that come after, as if their time were over."""
        self._is_cut = True
        for watch in list(self._under_way):
            watch.cut()

    def perform(
        self,
        question: Question,
        read: Read[T],
        *,
        seconds: float,
        repeatable: bool,
        patience: Patience | None = None,
    ) -> T:
        """What `read` makes of the answer; each try may take ``seconds``.

        ``patience`` is for a question that deserves another than the rest.

        `read` gets answers of any status but 401, 407, 429, 502, 503, 504 and redirects. It may be called
        several times, and gives a Failure for an answer that is worth another try.
        Raises LoginRefused, SourceUnreachable, RequestFailed, and what `read` raises.
        """
        tries = Tries(patience or self._patience, self._jitter)
        hops = 0
        while True:
            outcome = self._try(question, read, seconds)
            if isinstance(outcome, Question):
                question, hops = outcome, hops + 1
                if hops > redirects.MOST:
                    raise SourceUnreachable(source=self._server, problem="it redirects in a circle")
            elif isinstance(outcome, Failure):
                self._wait(tries, outcome, question, repeatable=repeatable)
            else:
                self._streak = 0
                self._is_waiting = False
                return outcome

    def _try(self, question: Question, read: Read[T], seconds: float) -> T | Failure | Question:
        with self._turn(), self._watched(seconds) as watch:
            if watch.expired:  # nothing is sent any more
                return too_slow(seconds)
            try:
                with closing(self._wire.ask(question)) as response:
                    outcome = self._judged(question, response, read)
                return too_slow(seconds) if watch.expired else outcome
            except (BrokenBody, EndsEarly) as error:
                broken = Failure(Trouble.BROKEN, f"of its answer: {error}")
                return too_slow(seconds) if watch.expired else broken
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                return too_slow(seconds) if watch.expired else failure_of(error)
            except (BadXml, BodyTooLong) as error:
                problem = f"of its answer: {error}"
        raise failed(problem)

    def _judged(
        self, question: Question, response: requests.Response, read: Read[T]
    ) -> T | Failure | Question:
        status = response.status_code
        if status == HTTPStatus.UNAUTHORIZED:
            self._refused_at = question.target
            raise self._refusal()
        if status in _BUSY:
            wait = retry_after(response.headers.get("Retry-After"))
            return Failure(Trouble.BUSY, _of_busy(status), wait, status)
        if status in _PASSING:
            return Failure(Trouble.ERROR, f"it answers {name(status)}", status=status)
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return Failure(
                Trouble.LASTING, "the proxy asks for a login; put it into HTTPS_PROXY or HTTP_PROXY"
            )
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._known = True
        if redirects.is_redirect(response):
            return redirects.next_question(self._wire.origin, question, response)
        return read(question, response)

    def _wait(self, tries: Tries, failure: Failure, question: Question, *, repeatable: bool) -> None:
        """Waits for the next try; raises what the failure means if there is to be none."""
        if failure.trouble in {Trouble.BROKEN, Trouble.ERROR} and not repeatable:
            raise self._meaning(failure)
        wait = tries.wait_after(failure)
        if (
            failure.trouble is Trouble.BUSY
            and tries.failed == self._patience.attempts
            and self._is_up(question)
        ):
            failure = replace(failure, trouble=Trouble.ERROR)
            wait = None
        if wait is not None and failure.trouble is Trouble.BUSY and failure.status is not None:
            self._tell_wait(failure.status)
        if wait is None or self._pause(wait):
            raise self._meaning(failure)

    def _tell_wait(self, status: int) -> None:
        """Says once that nothing goes on for a while."""
        if not self._is_waiting:
            self._is_waiting = True
            longest = self._patience.longest_wait
            _LOG.info("%s answers %s; waiting up to %.0f seconds", self._server, name(status), longest)

    def _is_up(self, question: Question) -> bool:
        """Whether the server answers its probe, so that only what was asked for is out of order."""
        if question.target == self._probe.target:
            return False
        try:
            outcome = self._try(
                self._probe, lambda _question, _response: True, self._patience.longest_backoff
            )
        except SourceUnreachable:  # it redirects elsewhere, and so it is up
            return True
        return not isinstance(outcome, Failure)

    def _meaning(self, failure: Failure) -> Exception:
        if failure.trouble in {Trouble.BROKEN, Trouble.ERROR, Trouble.SLOW}:
            self._streak += 1
            if self._streak < _STREAK:
                return (
                    StatusError(failure.status, failure.body) if failure.status else failed(failure.problem)
                )
        return SourceUnreachable(source=self._server, problem=failure.problem)

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[Watch]:
        """Bounds what is asked within it in time, and has it end with `cut`."""
        with Watch(seconds) as watch:
            self._under_way.add(watch)
            if self._is_cut:
                watch.cut()
            try:
                yield watch
            finally:
                self._under_way.discard(watch)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Lets one request at a time through until the server took one, and none after it refused one."""
        if self._known:
            self._check_refused()
            yield
            return
        with self._first:
            self._check_refused()
            yield

    def _check_refused(self) -> None:
        if self._refused_at:
            raise self._refusal()

    def _refusal(self) -> LoginRefused:
        if self._user:
            return LoginRefused(server=self._server, user=self._user)
        url = self._wire.origin + self._refused_at.partition("?")[0]
        return LoginNeeded(server=self._server, url=url)


def _of_busy(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return (
            f"it turns this machine away ({name(status)}), as servers do after wrong passwords;"
            " wait half an hour, then run again"
        )
    return f"it is under maintenance or overloaded ({name(status)}); run again later"
