"""Reads models.lock. The file is strict: every key is known, every value has one form.

The keys are explained in docs/models.md. Whatever comes out of here is safe to use as a path
below a folder, as a command-line argument and as part of a web address.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.errors import LockFileError
from recognize_cli.models.convert import CONVERTERS
from recognize_cli.models.entries import (
    Algorithm,
    GitSource,
    LockedFile,
    ModelEntry,
    NpmSource,
    PypiSource,
    Source,
    Tier,
    UrlSource,
)
from recognize_cli.models.table import NAME, Table, TableError
from recognize_cli.models.tasks import task_of
from recognize_cli.resources import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SCHEMA = 1
_LARGEST_FILE = 1 << 36  # 64 GiB; more is a slip of the pen

_PART = r"(?!\.\.?(?:/|$))[A-Za-z0-9._@+-]+"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_FILE = re.compile(
    r"(?:sha256:(?P<sha256>[0-9a-f]{64}) |git:(?P<git>[0-9a-f]{40}) (?P<at_most><=)?)"
    r"(?P<size>[1-9][0-9]{0,11}) (?P<path>\S+)"
)
_PYPI_PACKAGE = re.compile(r"[A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*")
_NPM_PACKAGE = re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]+)*")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+ ()-]*")
_NOTICE = re.compile(r"[!-~](?:[ -~]{0,298}[!-~])?")  # one line of ASCII: it goes to terminals


@dataclass(frozen=True, slots=True)
class Lock:
    """All models of one lock file, in its order; names are unique."""

    path: Path
    models: tuple[ModelEntry, ...]

    def entry(self, name: str) -> ModelEntry:
        """The model of that name; raises LockFileError, which lists the names there are."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise LockFileError(path=self.path, problem=f"it has no model {name!r}; it has {known}")

    def defaults(self) -> tuple[ModelEntry, ...]:
        """The models that are fetched without being named; at most one a recognizer."""
        return tuple(model for model in self.models if model.default)


def load_lock(path: Path | None = None) -> Lock:
    """Reads a lock file, by default the shipped one.

    Raises LockFileError, which names the file, the model and the key.
    """
    path = path or shipped("models.lock")
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise LockFileError(path=path, problem=f"cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # ValueError: bad TOML, bad UTF-8, an endless number
        raise LockFileError(path=path, problem=f"is not TOML: {error}") from error
    try:
        return Lock(path=path, models=_models(Table(document)))
    except TableError as error:
        raise LockFileError(path=path, problem=str(error)) from error


def _models(top: Table) -> tuple[ModelEntry, ...]:
    schema = top.integer("schema", 0, 1 << 31)
    if schema != SCHEMA:
        raise top.error("schema", f"is {schema}, and this recognize reads {SCHEMA}")
    models = tuple(_model(table) for table in top.tables("model"))
    top.close()
    _refuse_doubles("name", "is used by two models", (model.name for model in models))
    _refuse_doubles(
        "default", "two default models of recognizer", (m.recognizer for m in models if m.default)
    )
    return models


def _refuse_doubles(key: str, problem: str, values: Iterable[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise TableError(f"{key}: {problem}: {value!r}")


def _model(table: Table) -> ModelEntry:
    name = table.text("name", NAME)
    table.where = f"model {name!r}, "
    recognizer = table.text("recognizer", NAME)
    entry = ModelEntry(
        name=name,
        recognizer=recognizer,
        tier=Tier(table.choice("tier", *Tier)),
        default=table.flag("default"),
        format=table.choice("format", *CONVERTERS),
        licence=table.text("licence", _LICENCE),
        task=task_of(recognizer, table),
        files=_files(table),
        sources=tuple(_source(source) for source in table.tables("source")),
        notice=table.text("notice", _NOTICE) if "notice" in table else None,
    )
    table.close()
    return entry


def _files(table: Table) -> tuple[LockedFile, ...]:
    files = tuple(_file(table, line) for line in table.texts("files"))
    folded = Counter(file.path.casefold() for file in files)
    for file in files:
        if folded[file.path.casefold()] > 1:
            raise table.error("files", f"{file.path!r} is there twice")
        if any(parent in folded for parent in _parents(file.path.casefold())):
            raise table.error("files", f"{file.path!r} lies below another file")
    return files


def _parents(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _file(table: Table, line: str) -> LockedFile:
    match = _FILE.fullmatch(line)
    if match is None:
        forms = "`sha256:HEX SIZE PATH`, `git:HEX SIZE PATH` or `git:HEX <=SIZE PATH`"
        raise table.error("files", f"{line!r} is not {forms}")
    path, size = match["path"], int(match["size"])
    if not _PATH.fullmatch(path):
        raise table.error("files", f"{path!r} is not a plain path below a folder")
    if size > _LARGEST_FILE:
        raise table.error("files", f"{path!r} has {size} bytes, more than {_LARGEST_FILE}")
    algorithm = Algorithm.SHA256 if match["sha256"] else Algorithm.GIT
    return LockedFile(path, size, algorithm, match[algorithm.value], at_most=match["at_most"] is not None)


def _source(table: Table) -> Source:
    source = _SOURCES[table.choice("kind", *_SOURCES)](table)
    table.close()
    return source


def _root(table: Table) -> str:
    return table.text("root", _PATH) if "root" in table else ""


_SOURCES: dict[str, Callable[[Table], Source]] = {
    "pypi": lambda table: PypiSource(
        table.text("package", _PYPI_PACKAGE), table.text("version", _VERSION), _root(table)
    ),
    "npm": lambda table: NpmSource(
        table.text("package", _NPM_PACKAGE), table.text("version", _VERSION), _root(table)
    ),
    "git": lambda table: GitSource(
        table.text("repository", _REPOSITORY), table.text("commit", _COMMIT), _root(table)
    ),
    "url": lambda table: UrlSource(table.text("base", _URL)),
}
