"""What of a tree is left out: marker files, include and exclude rules, a size limit. Pure: no I/O.

Markers are facts of the tree: what they cover loses its tags. Rules and limits are options of a
run: what they leave out is left as it is. docs/filters.md says the same at length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from recognize_cli.errors import ConfigError
from recognize_cli.naming import printable
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ALL_KINDS = frozenset(Kind)

MARKERS: Mapping[str, frozenset[Kind]] = {
    ".nomedia": ALL_KINDS,
    ".noimage": frozenset({Kind.IMAGE}),
    ".nomusic": frozenset({Kind.AUDIO}),
    ".novideo": frozenset({Kind.VIDEO}),
}


def allowed(kinds: frozenset[Kind], names: Iterable[str]) -> frozenset[Kind]:
    """The kinds allowed in a directory and below it.

    ``kinds`` are those allowed in the directory above, ``names`` everything in this one: a marker
    counts by its exact name, whatever it is (a file, a link, a directory).
    """
    for name in names:
        if name in MARKERS:
            kinds -= MARKERS[name]
    return kinds


class Why(StrEnum):
    """Why a path is in or out."""

    SELECTED = "selected"
    MARKER = "marker"  # a marker file covers its kind
    RULE = "rule"  # an --exclude matches
    NO_RULE = "no-rule"  # there is an --include, and no rule matches
    TOO_LARGE = "too-large"  # --max-size
    LINK = "link"  # a symbolic link that is not followed
    DEVICE = "device"  # another file system, with -x
    NOT_MEDIA = "not-media"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``--include`` or ``--exclude`` with its pattern."""

    include: bool
    pattern: str

    def __str__(self) -> str:
        return f"--{'include' if self.include else 'exclude'} '{printable(self.pattern)}'"


class Filters:
    """The options of a run that narrow a tree.

    The rules are tried in order. A rule matches a file if its pattern matches the file's path or
    that of a directory above it; the first that matches decides. A file that none matches is in,
    unless there is an ``--include``. Rules are named by their index here, `unmatched` standing for
    none of them.
    """

    def __init__(
        self, rules: Sequence[Rule] = (), *, max_size: int | None = None, one_file_system: bool = False
    ) -> None:
        """``max_size`` is in bytes. Raises ConfigError for a pattern that can match nothing."""
        self.rules = tuple(rules)
        self.max_size = max_size
        self.one_file_system = one_file_system
        self.unmatched = len(self.rules)
        self._patterns = tuple(_Pattern(rule) for rule in self.rules)
        self._includes = (
            *(rule.include for rule in self.rules),
            not any(rule.include for rule in self.rules),
        )

    def includes(self, rule: int) -> bool:
        """Whether files for which this rule decides are in."""
        return self._includes[rule]

    def first_for_directory(self, above: int, path: str) -> int:
        """The first rule that matches a directory or one above it; ``above`` is the latter."""
        return self._first(above, path, is_directory=True)

    def first_for_file(self, above: int, path: str) -> int:
        """The rule that decides for a file; ``above`` is the one of its directory."""
        return self._first(above, path, is_directory=False)

    def closes(self, rule: int, directory: str) -> bool:
        """Whether no file below a directory can be in, ``rule`` being the first that matches it."""
        if self._includes[rule]:
            return False
        earlier = zip(self._includes, self._patterns[:rule], strict=False)
        return not any(include and pattern.may_match_below(directory) for include, pattern in earlier)

    def judge(self, rule: int, size: int) -> Why:
        """Whether a file is in, its deciding rule and its size in bytes being known."""
        if not self._includes[rule]:
            return Why.NO_RULE if rule == self.unmatched else Why.RULE
        if self.max_size is not None and size > self.max_size:
            return Why.TOO_LARGE
        return Why.SELECTED

    def _first(self, above: int, path: str, *, is_directory: bool) -> int:
        name = path.rpartition("/")[2]
        for index in range(above):
            if self._patterns[index].matches(path, name, is_directory=is_directory):
                return index
        return above


class _Pattern:
    """A compiled pattern: one glob, or several where it has braces."""

    def __init__(self, rule: Rule) -> None:
        import bracex

        try:
            expanded = bracex.expand(rule.pattern, keep_escapes=True)
        except bracex.ExpansionLimitException as error:
            raise ConfigError(where=rule, problem="its braces stand for too many patterns") from error
        self._globs = tuple(_Glob(rule, glob) for glob in expanded or [""])

    def matches(self, path: str, name: str, *, is_directory: bool) -> bool:
        """Whether it matches this very path, whose last part is ``name``."""
        return any(glob.matches(path, name, is_directory=is_directory) for glob in self._globs)

    def may_match_below(self, directory: str) -> bool:
        """False only where it can match nothing below a directory, given that it does not match that one."""
        return any(glob.may_match_below(directory) for glob in self._globs)


class _Glob:
    """A compiled pattern without braces."""

    def __init__(self, rule: Rule, glob: str) -> None:
        segments = [segment for segment in glob.split("/") if segment]
        _check(rule, segments)
        self._anchored = glob.startswith("/")
        self._directories_only = glob.endswith("/")
        while len(segments) > 1 and segments[0] == "**":  # a leading ** is what no leading slash means
            del segments[0]
            self._anchored = False
        while len(segments) > 1 and segments[-1] == "**":  # all below a directory: that directory
            del segments[-1]
            self._directories_only = True
        self._name_only = not self._anchored and len(segments) == 1
        self._segments = tuple(None if "**" in segment else _compiled(segment) for segment in segments)
        free = () if self._anchored or self._name_only else ("**",)
        self._expression = _compiled("/".join((*free, *segments)))

    def matches(self, path: str, name: str, *, is_directory: bool) -> bool:
        if self._directories_only and not is_directory:
            return False
        return self._expression.fullmatch(name if self._name_only else path) is not None

    def may_match_below(self, directory: str) -> bool:
        if not self._anchored:
            return True
        for segment, name in zip(self._segments, directory.split("/"), strict=False):
            if segment is None:
                return True
            if not segment.fullmatch(name):
                return False
        return True


def _check(rule: Rule, segments: list[str]) -> None:
    if not segments:
        raise ConfigError(where=rule, problem="the pattern is empty")
    if not {".", ".."}.isdisjoint(segments):
        problem = "a pattern has no . or .. in it; a leading / stands for the top of the source"
        raise ConfigError(where=rule, problem=problem)


def _compiled(glob: str) -> re.Pattern[str]:
    from wcmatch import glob as globbing

    flags = globbing.GLOBSTAR | globbing.DOTGLOB | globbing.CASE | globbing.FORCEUNIX
    (expression,), _ = globbing.translate(glob, flags=flags)
    return re.compile(expression)
