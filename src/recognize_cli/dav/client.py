"""A client for one WebDAV server and account: gives whole answers, or errors.

How one request goes over the wire, and what of that is webdavclient3, is in `recognize_cli.dav.wire`; how
often it is tried in `recognize_cli.dav.exchange`. The rules:

- tried again are lost connections, time-outs, 429, 502, 503 and 504, and what the caller calls temporary; of
  methods that are not repeatable only those that the server did nothing for;
- a login that was refused is never sent again, by no thread; the first request goes alone for that reason;
- redirects are followed within the server only, and for reading only: credentials go nowhere else;
- every answer is bounded in time and size, and one that breaks off is a failure, never a short answer.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar
from urllib.parse import urlsplit

from recognize_cli.dav.body import BrokenBody, beginning, chunks
from recognize_cli.dav.exchange import Exchange
from recognize_cli.dav.failures import StatusError, failed, name
from recognize_cli.dav.names import decoded, quoted
from recognize_cli.dav.patience import Failure, Patience, Trouble
from recognize_cli.dav.wire import Question, Wire, origin, target
from recognize_cli.dav.xml import Bounds, answers, propfind
from recognize_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    import requests

    from recognize_cli.dav.credentials import Credentials
    from recognize_cli.dav.xml import Answer

T = TypeVar("T")

_XML: Final = {"Content-Type": 'text/xml; charset="utf-8"', "Accept-Encoding": "gzip"}
_GZIP: Final = {"Accept-Encoding": "gzip"}
_SHORT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """How a client behaves; times in seconds, sizes in bytes.

    ``ca`` is a file with certificates of authorities to trust instead of the system's. ``connections`` is how
    many threads can ask at a time; others wait, and that counts. ``deadline`` is the longest that one try may
    take; a download has longer, so that ``slowest`` bytes a second suffice.
    """

    ca: Path | None = None
    connections: int = 4
    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    deadline: float = 600.0
    slowest: int = 16_384
    longest_xml: int = 1 << 29
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one PROPFIND may cost: the time of a try in seconds, its answer in bytes and responses."""

    seconds: float
    bytes: int
    responses: int
    patience: Patience


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. ``headers`` can be looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Multistatus(Generic[T]):
    """What was made of each response of a multistatus.

    ``path`` is the decoded path that was asked in the end, from the root of the server.
    """

    path: str
    items: list[T]
    headers: Mapping[str, str]


class DavClient:
    """Talks to the server at ``base_url`` (http or https, with a path or none) for one account.

    Paths are decoded text below that address; ``""`` is the address itself. All methods may be called from
    several threads. They raise LoginRefused and SourceUnreachable where no other request would do any better,
    and RequestFailed (an OSError) where only this one failed.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None = None,
        options: Options | None = None,
        *,
        pause: Callable[[float], bool | None] = time.sleep,
    ) -> None:
        """``pause`` sleeps, and gives True if the run is to stop (`patience.pausing`).

        Raises ValueError for an address that is not http, ConfigError for a ``ca`` that cannot be read.
        """
        self._options = options or Options()
        ca = self._options.ca
        if ca is not None:
            _check_certificates(ca)
        self._base = decoded(urlsplit(base_url).path).rstrip("/")
        self.url = origin(base_url) + quoted(self._base)
        wire = Wire(
            origin(base_url),
            credentials,
            ca=ca,
            connections=self._options.connections,
            timeout=(self._options.connect_timeout, self._options.read_timeout),
        )
        probe = Question("PROPFIND", self._target("/", None), {"Depth": "0", **_XML}, propfind(()))
        user = credentials.user if credentials else ""
        self._limits = Limits(
            self._options.deadline, self._options.longest_xml, Bounds().responses, self._options.patience
        )
        self._wire = wire
        self._exchange = Exchange(wire, self.url, user, probe, self._options.patience, pause=pause)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> None:
        """Ends the requests under way, and all that come after; they fail as if they took too long."""
        self._exchange.cut()

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        repeatable: bool | None = None,
        temporary: Callable[[Response], bool] = lambda _: False,
        limit: int = _SHORT,
    ) -> Response:
        """One small request; the answer has any status but those that are handled in here.

        ``repeatable`` says that doing it twice does no harm; None decides by the method. ``temporary`` tells
        an answer that is worth another try ("database is locked"). Raises StatusError for 502, 504 and
        temporary answers in the end, RequestFailed for no answer or one longer than ``limit``.
        """

        def read(_: Question, response: requests.Response) -> Response | Failure:
            answer = Response(response.status_code, response.headers, b"".join(chunks(response, limit)))
            if temporary(answer):
                problem = f"it answers {name(answer.status)}"
                return Failure(Trouble.ERROR, problem, status=answer.status, body=answer.body)
            return answer

        question = Question(method, self._target(path, query), {**_GZIP, **(headers or {})}, body)
        twice = method != "POST" if repeatable is None else repeatable
        return self._exchange.perform(question, read, seconds=self._options.deadline, repeatable=twice)

    def propfind(
        self,
        path: str,
        properties: Iterable[str],
        make: Callable[[Answer], T | None],
        *,
        depth: str = "1",
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Multistatus[T]:
        """Asks for properties ``{namespace}name``: what ``make`` gives for each of the responses, but None.

        They are parsed as they arrive, within ``limits`` in the place of the client's own. Raises StatusError
        for another status than 207, RequestFailed for what is no sound multistatus, and what ``make`` raises.
        """
        within = limits or self._limits
        bounds = Bounds(responses=within.responses)

        def read(question: Question, response: requests.Response) -> Multistatus[T]:
            if response.status_code != HTTPStatus.MULTI_STATUS:
                raise _status_error(response)
            pieces = chunks(response, within.bytes)
            items = [item for each in answers(pieces, bounds) if (item := make(each)) is not None]
            return Multistatus(decoded(question.target.partition("?")[0]), items, response.headers)

        asked = {"Depth": depth, **_XML, **(headers or {})}
        question = Question("PROPFIND", self._target(path, None), asked, propfind(properties))
        return self._exchange.perform(
            question, read, seconds=within.seconds, repeatable=True, patience=within.patience
        )

    def download(
        self,
        path: str,
        to: BinaryIO,
        *,
        limit: int,
        expected_size: int | None = None,
    ) -> None:
        """Writes a file into ``to``, from its start, anew with each try.

        Raises StatusError for another status than 200, RequestFailed where it has not ``expected_size`` bytes
        or more than ``limit``, and OSError where it cannot be written.
        """

        def read(_: Question, response: requests.Response) -> None:
            if response.status_code != HTTPStatus.OK:
                raise _status_error(response)
            to.seek(0)
            to.truncate()
            size = 0
            for piece in chunks(response, limit):
                size += to.write(piece)
            if expected_size is not None and size != expected_size:
                if size < expected_size and "Content-Length" not in response.headers:
                    raise BrokenBody(f"{size} of {expected_size} bytes came")
                raise failed(f"it has {size} bytes, not {expected_size}: it changed since it was listed")

        question = Question("GET", self._target(path, None), {})
        seconds = self._options.deadline + (expected_size or limit) / self._options.slowest
        self._exchange.perform(question, read, seconds=seconds, repeatable=True)

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        if path and not path.startswith("/"):
            path = f"/{path}"
        return target(quoted(f"{self._base}{path}") or "/", query)


def _check_certificates(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except FileNotFoundError as error:
        raise ConfigError(where=path, problem="there is no such file with certificates") from error
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(where=path, problem="no certificate (PEM) can be read from it") from error


def _status_error(response: requests.Response) -> StatusError:
    """The error for a status, with as much of the body as may tell why."""
    return StatusError(response.status_code, beginning(response, _SHORT))
