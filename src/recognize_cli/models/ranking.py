"""How fast models are on this machine, as `recognize bench` measured it, and remembered from run to run.

One JSON file beside the catalogue. It holds for the machine that it names and for the very models that it
names: on another machine, or for another version of a model, it says nothing. What cannot be read says
nothing either; a new measurement replaces it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from recognize_cli.locking import make_private_directories
from recognize_cli.models.hashing import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.select import Engine

_LOG = logging.getLogger(__name__)

_SCHEMA = 1
_LARGEST = 1 << 20
"""Bytes that are read at most; a thousand ratings take a quarter of it."""


@dataclass(frozen=True, slots=True)
class Rating:
    """How many items a second a model does when all cores work for it alone.

    It follows from the CPU time that one item takes, so that what else ran at the time counts for little.
    ``fingerprint`` is the model's, ``measured`` the day in UTC.
    """

    recognizer: str
    model: str
    fingerprint: str
    engine: str
    precision: str
    items_per_second: float
    measured: str

    @property
    def key(self) -> tuple[str, ...]:
        """What it is a rating of."""
        return self.recognizer, self.fingerprint, self.engine, self.precision


@dataclass(frozen=True, slots=True)
class Ranking:
    """All ratings of this machine."""

    ratings: tuple[Rating, ...] = ()

    def rate(self, entry: ModelEntry, engine: Engine) -> float | None:
        """Items a second of a model in an engine; None where that was never measured."""
        key = entry.recognizer, fingerprint(entry), engine.name, engine.precision
        return next((each.items_per_second for each in self.ratings if each.key == key), None)

    def fastest(self, entry: ModelEntry, engines: Sequence[Engine]) -> Engine:
        """The engine that a model is fastest in; the first of them where they were not all measured."""
        rates = [self.rate(entry, engine) for engine in engines]
        known = [rate for rate in rates if rate is not None]
        return engines[rates.index(max(known))] if known and len(known) == len(rates) else engines[0]

    def updated(self, ratings: Iterable[Rating]) -> Ranking:
        """The same with newer ratings in the place of those that they replace."""
        merged = {each.key: each for each in (*self.ratings, *ratings)}
        return Ranking(tuple(merged.values()))


NOT_MEASURED = Ranking()


def default_path() -> Path:
    """Where the ranking is."""
    return user_state_path("recognize") / "bench.json"


def load_ranking(hardware: Hardware, path: Path | None = None) -> Ranking:
    """The ranking of this machine; an empty one where there is none, or none that can be read."""
    file = path or default_path()
    try:
        with file.open("rb") as stream:
            return _parsed(stream.read(_LARGEST), hardware)
    except FileNotFoundError:
        return NOT_MEASURED
    except (OSError, ValueError, ArithmeticError, KeyError, TypeError, RecursionError) as error:
        _LOG.debug("%s is not used: %s: %s", file, type(error).__name__, error)
        return NOT_MEASURED


def save_ranking(ranking: Ranking, hardware: Hardware, path: Path | None = None) -> None:
    """Writes the ranking of this machine, whole or not at all; raises OSError."""
    file = path or default_path()
    make_private_directories(file.parent)
    document = {
        "schema": _SCHEMA,
        "machine": _machine(hardware),
        "ratings": [asdict(each) for each in ranking.ratings],
    }
    new = file.with_name(f".{file.name}-{secrets.token_hex(6)}.tmp")
    try:
        with new.open("w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _machine(hardware: Hardware) -> dict[str, object]:
    """What decides how fast a model is."""
    cpu = hardware.cpu
    flags = None if cpu.flags is None else sorted(cpu.flags)
    return {"architecture": cpu.architecture, "cpu": cpu.model, "flags": flags, "cores": hardware.cores}


def _parsed(content: bytes, hardware: Hardware) -> Ranking:
    """Raises ValueError, KeyError or TypeError for what `save_ranking` did not write."""
    document = json.loads(content)
    if document["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {document['schema']}")
    if document["machine"] != _machine(hardware):
        raise ValueError("it is of another machine")
    return Ranking(tuple(_rating(each) for each in document["ratings"]))


def _rating(written: dict[str, object]) -> Rating:
    rate = written["items_per_second"]
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"{rate!r} is no rate")
    texts = {each.name: written[each.name] for each in fields(Rating) if each.name != "items_per_second"}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a name in it is no text")
    return Rating(items_per_second=float(rate), **texts)  # type: ignore[arg-type]
