"""The page as HTML: one file without any reference to a network, and none allowed.

Every value goes through `printable` and Jinja's escaping; the page has no data in its script, no inline
handler and no inline style, and its policy lets the browser run this one script and apply this one style.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from recognize_cli.naming import printable
from recognize_cli.review.page import title

if TYPE_CHECKING:
    from recognize_cli.review.page import ReviewPage

_PARTS = ("page", "commands", "memory", "view", "actions", "keys", "find", "copy", "start")
_FACES_AT_ONCE = 24  # of a person; the others unfold
_NOBODY_AT_ONCE = 200


def render(page: ReviewPage) -> str:
    """The whole page; the same text for the same values."""
    style, script = _shipped("review.css"), _script()
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters["title_of"] = title
    return environment.from_string(_shipped("index.html.j2")).render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        faces_at_once=_FACES_AT_ONCE,
        nobody_at_once=_NOBODY_AT_ONCE,
    )


def _shown(value: object) -> object:
    """Valid Unicode without control characters; names come from disks and from people."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shipped(name: str) -> str:
    return files("recognize_cli.review").joinpath(*name.split("/")).read_text(encoding="utf-8")


def _script() -> str:
    """The parts as one script, which leaves nothing in the browser's global scope."""
    parts = "\n".join(_shipped(f"script/{name}.js") for name in _PARTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
