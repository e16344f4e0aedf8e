"""Faces to people: vectors in, people out. Pure: no file, no database, no clock, the same answer every time.

`group` in ``grouping.py`` is the way in, and the whole procedure in one screen.

Everything scales with `Settings.distance`, the one number that belongs to a model: two groups of faces are
one person as long as the root of the mean squared distance between their faces is not greater. To find it for
a model, group labelled faces of people with few and many photos and of people seen once, with a grid of
values, and take the middle of those with which pairwise and BCubed F1 are best
(``bench/grouping_scores.py``). For embeddings that separate people it lies below nearly all distances between
two people (one pair in some thousands may be nearer): with many strangers a smaller value is the safer one.
"""

from recognize_cli.clustering.grouping import group
from recognize_cli.clustering.problem import Grouping, Problem, Settings

__all__ = ["Grouping", "Problem", "Settings", "group"]
