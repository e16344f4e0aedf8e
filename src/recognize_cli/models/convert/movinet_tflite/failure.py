"""The one exception that is raised inside this package."""

from __future__ import annotations


class Unconvertible(Exception):
    """The file is damaged, or uses what a MoViNet stream does not; the message says what."""
