"""Puts `recognize bench` together: which models are measured, with what, and what is remembered of it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from recognize_cli.benching import material
from recognize_cli.benching.measure import Bench, NothingToMeasure, measure
from recognize_cli.benching.whole import Settings
from recognize_cli.cli.bench import RECOGNIZERS
from recognize_cli.cli.bench_report import Measured, Report
from recognize_cli.cli.budget import LOOK_AHEAD
from recognize_cli.cli.building import build, opener
from recognize_cli.cli.installation import choose
from recognize_cli.cli.parameters import value_for
from recognize_cli.errors import (
    ConfigError,
    EngineError,
    ExitCode,
    ModelError,
    ModelMissing,
    NoUsableEngine,
    SourceNotFound,
    severest,
)
from recognize_cli.hardware import probe
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.models.engines import AUTO, engine_for
from recognize_cli.models.hashing import fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.ranking import Rating, default_path, load_ranking, save_ranking
from recognize_cli.models.select import engines_of, lacking
from recognize_cli.models.store import Store
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recognize_cli.benching.material import Material
    from recognize_cli.benching.meter import Meter
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.select import Engine
    from recognize_cli.protocols import Recognizer

_LOG = logging.getLogger(__name__)

_QUIET = 0.1
"""The share of the machine's CPUs that other processes may take before it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What the command line, the environment and the config file say, as one value."""

    folder: str | None
    recognizers: tuple[str, ...]
    backend: tuple[tuple[str | None, str], ...]
    models: tuple[str, ...]
    engines: tuple[str, ...]
    seconds: float
    files: int
    format: str
    jobs: int | None
    threads: int | None
    batch_size: int
    gpu: int | None
    store: Path | None
    lock: Path | None


def run_bench(options: BenchOptions) -> ExitCode:
    """Measures what the options name, tells it on stdout, and remembers it; returns how it went."""
    hardware, store = probe(), Store(options.store)
    entries = _to_measure(options, load_lock(options.lock), store, hardware)
    jobs, threads = options.jobs or hardware.cores, options.threads or hardware.cores
    settings = Settings(jobs, threads, options.batch_size, LOOK_AHEAD * jobs + options.batch_size)
    pairs = [(entry, engine) for entry in entries for engine in _engines(entry, options, hardware)]
    codes: list[ExitCode] = []
    with ExitStack() as stack:
        bench = Bench(
            material=_material(options, entries, store, stack),
            sandbox=stack.enter_context(Sandbox(jobs)),
            apply=load_rules(shipped("rules.yml")).apply,
            settings=settings,
            cores=hardware.cores,
            seconds=options.seconds,
        )
        measured = list(_measured(pairs, store, bench, codes))
    if not measured and not codes:
        raise SourceNotFound(source=options.folder, problem="nothing in it can be measured with")
    ranking = _remember(measured, hardware) if measured and options.folder is None else None
    report = Report(hardware, options.folder, settings, options.seconds, measured, ranking)
    if options.format == "json":
        report.write_json()
    else:
        report.write_text()
    return severest(*codes)


def _to_measure(options: BenchOptions, lock: Lock, store: Store, hardware: Hardware) -> list[ModelEntry]:
    """The models to measure.

    Raises ModelMissing where none is installed, or not one that was asked for; ConfigError for none at all.
    """
    named = bool(options.recognizers or options.models)
    wanted = options.recognizers or RECOGNIZERS
    if options.models:
        chosen = [entry for entry in map(lock.entry, options.models) if entry.recognizer in wanted]
    else:
        chosen = list(_chosen(options, wanted, lock, store, hardware))
    if not chosen:
        raise ConfigError(where="--model", problem=f"none of them is for {' or '.join(wanted)}")
    missing = [entry for entry in chosen if not store.installed(entry)]
    if missing and (named or missing == chosen):
        raise ModelMissing(name=missing[0].name)
    for entry in missing:
        _LOG.info("%s: %s is not installed, and not measured", entry.recognizer, entry.name)
    return [entry for entry in chosen if entry not in missing]


def _chosen(
    options: BenchOptions, wanted: Sequence[str], lock: Lock, store: Store, hardware: Hardware
) -> Iterator[ModelEntry]:
    """The model that a scan would use for each of these recognizers."""
    for name in (name for name in RECOGNIZERS if name in wanted):
        backend = value_for(name, options.backend, "auto")
        try:
            yield choose(name, lock, store, hardware, backend)
        except NoUsableEngine as error:
            if options.recognizers:
                raise
            _LOG.info("%s", error)


def _material(
    options: BenchOptions, entries: Sequence[ModelEntry], store: Store, stack: ExitStack
) -> Material:
    kinds = {kind for entry in entries for kind in build(entry.recognizer, entry, store).kinds}
    if options.folder is not None:
        return material.given(options.folder, kinds, options.files)
    _LOG.info("making media to measure with")
    return material.made(Path(stack.enter_context(TemporaryDirectory(prefix="recognize-bench-"))), kinds)


def _engines(entry: ModelEntry, options: BenchOptions, hardware: Hardware) -> list[Engine]:
    """The engines to measure a model in; raises NoUsableEngine for one that is not installed.

    With a GPU that is, unless others are named, the one that a scan would take.
    """
    if not options.engines and options.gpu is None:
        first, *others = engines_of(entry)
        return [first, *(each for each in others if lacking(each) is None)]
    asked = options.engines or (AUTO,)
    return list(dict.fromkeys(engine_for(entry, name, hardware.cpu, gpu=options.gpu) for name in asked))


def _measured(
    pairs: Sequence[tuple[ModelEntry, Engine]], store: Store, bench: Bench, codes: list[ExitCode]
) -> Iterator[Measured]:
    """What could be measured; why the rest could not is told, and its exit codes are added to ``codes``."""
    for entry, engine in pairs:
        name = entry.recognizer
        _LOG.info(
            "measuring %s: %s in %s, %s, %s", name, entry.name, engine.name, engine.precision, engine.device
        )
        try:
            figures = measure(partial(_build, entry, engine, store), bench)
        except NothingToMeasure as nothing:
            _LOG.warning("%s is not measured: there is %s", name, nothing)
        except (ModelError, EngineError) as error:
            _LOG.error("%s", error)
            codes.append(error.exit_code)
        else:
            if figures.scan.others > _QUIET:
                share = f"{figures.scan.others:.0%}"
                _LOG.warning("other processes took %s of the CPUs: %s could be faster", share, name)
            yield Measured(entry, engine, figures)


def _build(entry: ModelEntry, engine: Engine, store: Store, meter: Meter) -> Recognizer:
    return build(entry.recognizer, entry, store, meter.opener(opener(engine)), engine)


def _remember(measured: Sequence[Measured], hardware: Hardware) -> Path | None:
    """Puts new rates into the ranking of this machine; gives its path, None where nothing is written.

    Those of a GPU are left out: the ranking is of the CPU, whose time tells nothing of how long a GPU takes.
    """
    measured = [each for each in measured if each.engine.gpu is None]
    if not measured:
        return None
    today = datetime.now(UTC).date().isoformat()
    ratings = [
        Rating(
            recognizer=each.entry.recognizer,
            model=each.entry.name,
            fingerprint=fingerprint(each.entry),
            engine=each.engine.name,
            precision=each.engine.precision,
            items_per_second=hardware.cores / each.figures.cpu,
            measured=today,
        )
        for each in measured
    ]
    try:
        save_ranking(load_ranking(hardware).updated(ratings), hardware)
    except OSError as error:
        _LOG.warning("what was measured is not remembered: %s: %s", default_path(), error.strerror)
        return None
    return default_path()
