"""Faces to people: vectors in, people out. Pure: no file, no database, no clock, the same answer every time.

`group` in ``grouping.py`` is the way in, and the whole procedure in one screen.
"""

from recognize_cli.clustering.grouping import group
from recognize_cli.clustering.problem import Grouping, Problem, Settings

__all__ = ["Grouping", "Problem", "Settings", "group"]
