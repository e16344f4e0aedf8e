"""Which redirects are followed: within one server, for reading."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from recognize_cli.dav.wire import Question, origin
from recognize_cli.errors import SourceUnreachable

if TYPE_CHECKING:
    import requests

MOST: Final = 5

_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_READING: Final = frozenset({"GET", "PROPFIND"})
_SHOWN: Final = 200


def is_redirect(response: requests.Response) -> bool:
    """Whether an answer sends us elsewhere."""
    return response.status_code in _STATUSES and "Location" in response.headers


def next_question(home: str, question: Question, response: requests.Response) -> Question:
    """The same question where the answer points to; ``home`` is the origin that credentials are for.

    Raises SourceUnreachable, which names both addresses, for any place but that and any method that changes
    something.
    """
    try:
        there = urlsplit(urljoin(home + question.target, response.headers["Location"]))
        place = origin(there.geturl())
    except ValueError:
        raise SourceUnreachable(source=home, problem="it redirects to an address that is none") from None
    shown = ascii(f"{place}{there.path}"[:_SHOWN])[1:-1]
    if place != home:
        problem = (
            f"it redirects to {shown}, and passwords are not sent on; if that is right, give that address"
        )
        if home.startswith("https:") and place.startswith("http:"):
            problem = f"it redirects to {shown}, which is not encrypted; set that right at the server"
        raise SourceUnreachable(source=home, problem=problem)
    asks_page = response.status_code == HTTPStatus.SEE_OTHER and question.method != "GET"
    if asks_page or question.method not in _READING:
        problem = f"it redirects {question.method} {question.target[:_SHOWN]} to {shown}; give that address"
        raise SourceUnreachable(source=home, problem=problem)
    path = there.path or "/"
    return replace(question, target=f"{path}?{there.query}" if there.query else path)
