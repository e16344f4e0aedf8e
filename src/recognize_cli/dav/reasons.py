"""Why an exchange failed, in words for people; never what was sent, for that may hold a password."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from recognize_cli.dav.patience import Failure, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError, ConnectionError)
_SLOW = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)


def too_slow(seconds: float) -> Failure:
    """A try took longer than it may."""
    return Failure(Trouble.SLOW, f"it gave no whole answer within {seconds:.0f} s")


def failure_of(error: Exception) -> Failure:
    """What an exception of requests or urllib3 means."""
    causes = list(_causes(error))
    if isinstance(error, requests.exceptions.SSLError) and not _any(causes, _CUT):
        return Failure(Trouble.LASTING, _of_tls(causes))
    if isinstance(error, requests.exceptions.ProxyError):
        return Failure(Trouble.OFFLINE, f"its proxy does not let us through ({_system(causes)})")
    if _any(causes, (urllib3.exceptions.NameResolutionError,)):
        return Failure(Trouble.OFFLINE, "its name has no address; check the name, and the network")
    if _any(causes, _NOT_SENT):
        return Failure(
            Trouble.OFFLINE, f"no connection ({_system(causes)}); check the address, and the network"
        )
    if _any(causes, _SLOW):
        return Failure(Trouble.BROKEN, "it went silent")
    if isinstance(error, requests.exceptions.InvalidHeader):
        return Failure(Trouble.BROKEN, "its answer has headers that contradict each other")
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError)):
        return Failure(Trouble.BROKEN, "it broke the connection off")
    return Failure(Trouble.LASTING, f"no request can be made of this address ({type(error).__name__})")


def _of_tls(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not to be trusted ({cause.verify_message}); if an authority of your own"
                " signed it, name that one's certificate"
            )
    return f"no encrypted connection comes about ({_system(causes)}); check that the server speaks TLS there"


def _any(causes: list[BaseException], kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _system(causes: list[BaseException]) -> str:
    """What the operating system says, or else the name of the innermost error."""
    for cause in causes:
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, ssl.SSLError):
            return (cause.reason or "TLS error").replace("_", " ").lower()
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return type(causes[-1]).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it wraps, however it does that; the outermost first."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
            waiting += [one for one in inner if isinstance(one, BaseException)]
