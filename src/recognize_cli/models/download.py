"""Downloads a file whose digest and size, or largest size, are known: resumes, verifies, renames.

A server may be slow, break off, ignore Range, answer 416, lie about the length or send other bytes.
Whatever it does, the file at the target is the right one, or there is none.
"""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from recognize_cli import __version__
from recognize_cli.models.hashing import digest_of, is_the_file
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile
    from recognize_cli.models.origins.order import Order, Report

_CHUNK = 1 << 16
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds between two bytes
_ATTEMPTS = 6
_CONNECT_ATTEMPTS = 3  # a host that cannot be reached now will not be in a minute, and a scan waits for it
_TEMPORARY = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0


class _Retry(urllib3.Retry):
    """Retries as urllib3 does, and does not let a server make it wait for hours."""

    def get_retry_after(self, response: Any) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, _LONGEST_WAIT)


class _BrokenOff(Exception):
    """The body ended early; another attempt may go on from there."""


class Downloader:
    """A client for many files of one host. ``backoff`` is the first wait in seconds before a retry."""

    def __init__(self, backoff: float = 0.5) -> None:
        self._backoff = backoff
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"recognize-cli/{__version__}"
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = HTTPAdapter(
            max_retries=_Retry(
                total=_ATTEMPTS - 1,
                connect=_CONNECT_ATTEMPTS - 1,
                redirect=None,
                backoff_factor=backoff,
                backoff_max=_LONGEST_WAIT,
                status_forcelist=_TEMPORARY,
                allowed_methods={"GET"},
            )
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __enter__(self) -> Downloader:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(self, url: str, file: LockedFile, order: Order, report: Report) -> None:
        """Downloads and delivers one file; raises OriginFailed.

        The bytes so far lie in the order's scratch folder under the digest, so a later call resumes.
        Wrong bytes are thrown away and fetched once more from the start.
        """
        part = order.scratch / f"{file.digest}.part"
        found = ""
        for _ in range(2):
            self._complete(url, part, file, report)
            if order.deliver(part, file):
                return
            found = f"{file.algorithm}:{digest_of(part, file.algorithm)}"
            part.unlink()
        raise OriginFailed(
            f"{redacted(url)} is not the file that models.lock names:"
            f" expected {file.checksum}, found {found} (twice)"
        )

    def _complete(self, url: str, part: Path, file: LockedFile, report: Report) -> None:
        """Requests what is missing of `part` until it has as many bytes as the file."""
        problem = ""
        for attempt in range(_ATTEMPTS):
            have = part.stat().st_size if part.exists() else 0
            if _is_whole(part, have, file):
                return
            if have > file.size:
                part.unlink()
                have = 0
            if attempt > 1:
                time.sleep(min(self._backoff * 2**attempt, _LONGEST_WAIT))
            try:
                self._append(url, part, have, file, report)
                return
            except _BrokenOff as error:
                problem = str(error)
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
                # requests lets a ValueError through for a redirect to an address that is not one.
                raise OriginFailed(f"{redacted(url)}: {_reason(error)}") from error
        raise OriginFailed(f"{redacted(url)}: no end after {_ATTEMPTS} attempts; at the last one {problem}")

    def _append(self, url: str, part: Path, have: int, file: LockedFile, report: Report) -> None:
        """One request; appends to `part`, or writes it anew where the server does not resume.

        Raises _BrokenOff unless `part` has as many bytes as the file at the end; where that number is not
        known, as many as the server announced.
        """
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416 or (response.status_code == 206 and _start(response) != have):
                part.unlink(missing_ok=True)
                raise _BrokenOff("the server could not resume")
            if response.status_code not in (200, 206):
                raise OriginFailed(f"{redacted(url)}: HTTP {response.status_code} {response.reason}")
            if response.status_code == 200:
                have = 0
            _refuse_more_than(file.size - have, response, file.size)
            with part.open("ab" if have else "wb") as stream:
                for chunk in _body(response):
                    have += len(chunk)
                    if have > file.size:
                        raise _too_long(url, file.size)
                    stream.write(chunk)
                    report(have)
        if not file.fits(have):
            raise _BrokenOff(f"the server sent {have} of {file.size} bytes")


def _is_whole(part: Path, have: int, file: LockedFile) -> bool:
    """Whether nothing is missing; a size that is not known is no help, and then the digest says it."""
    return have > 0 and is_the_file(part, file) if file.at_most else have == file.size


def _body(response: requests.Response) -> Iterator[bytes]:
    """The bytes as they come over the wire: a compressed body is not unpacked."""
    try:
        yield from response.raw.stream(_CHUNK, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise _BrokenOff(f"the connection broke ({type(error).__name__})") from error


def _start(response: requests.Response) -> int | None:
    """The offset at which a partial body begins."""
    match = re.match(r"bytes (\d{1,15})-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _refuse_more_than(missing: int, response: requests.Response, size: int) -> None:
    length = response.headers.get("Content-Length", "")
    if re.fullmatch(r"[0-9]{1,15}", length) and int(length) > missing:
        raise _too_long(response.url, size)


def _too_long(url: str, size: int) -> OriginFailed:
    return OriginFailed(
        f"{redacted(url)}: the server sends more than the {size} bytes that models.lock names"
    )


def redacted(url: str) -> str:
    """The address without user, password and query."""
    return re.sub(r"\?\S*", "", re.sub(r"//[^/@\s]*@", "//", url))


def _reason(error: Exception) -> str:
    """What went wrong: of many attempts the last, and without the address, which is told already."""
    failed = error.args[0] if error.args else None
    last = getattr(failed, "reason", None)  # of urllib3's MaxRetryError, which requests wraps
    text = str(last if isinstance(last, Exception) else error)
    return redacted(re.sub(r"^\w+\(host=[^)]*\): ", "", text)) or type(error).__name__


def download_all(base: str, order: Order) -> None:
    """Fetches each missing file of an order from ``base``/path; raises OriginFailed."""
    done = 0
    with Downloader() as client:
        for file in order.files:
            if not order.has(file):
                client.fetch(f"{base}/{file.path}", file, order, functools.partial(_report_sum, order, done))
            done += order.size_here(file)
            order.report(done)


def _report_sum(order: Order, done: int, more: int) -> None:
    order.report(done + more)
