"""The one exception that is raised inside this package."""

from __future__ import annotations


class Unconvertible(Exception):
    """The model is damaged or uses what has no counterpart here; the message says what and where."""
