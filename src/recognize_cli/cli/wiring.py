"""Puts a scan together: from options to the tools that the pipeline works with."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from recognize_cli.catalogue import NullCatalogue, SqliteCatalogue
from recognize_cli.cli.installation import build, choose, fetch_if_missing
from recognize_cli.cli.output import default_format, destination, styler
from recognize_cli.cli.progress import above_bar, file_progress
from recognize_cli.cli.trees import Selection, filters, trees, why
from recognize_cli.errors import ExitCode
from recognize_cli.hardware import probe
from recognize_cli.interrupt import Interrupt
from recognize_cli.locking import acquire
from recognize_cli.media.fingerprint import decoder_fingerprint
from recognize_cli.media.jobs import DecodeJob, DecodeResult, Limits
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.naming import printable
from recognize_cli.pipeline import Tools, scan
from recognize_cli.records import Kind
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules
from recognize_cli.sinks.jsonl import JsonSink
from recognize_cli.sinks.text import TextSink
from recognize_cli.stages.reconcile import Policy
from recognize_cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from io import BufferedIOBase, TextIOWrapper
    from pathlib import Path
    from typing import IO

    from recognize_cli.catalogue import Catalogue
    from recognize_cli.hardware import Hardware
    from recognize_cli.protocols import Recognizer, Sink, Source
    from recognize_cli.rules import RuleSet
    from recognize_cli.stages.items import Job

_LOG = logging.getLogger(__name__)
NO_RULES = "none"
"""The fingerprint of the rules of recognizers that have none, whose results never need new tags for that."""

_LOOK_AHEAD = 4
"""Files decoded or being decoded for each decoding process: enough that neither decoders nor models wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What the command line, the environment and the config file say, as one value."""

    sources: tuple[str, ...]
    recognizers: tuple[str, ...]
    backend: str
    models: tuple[str, ...]
    rules: Path | None
    scores: bool
    changed_only: bool
    format: str | None
    output: Path | None
    progress: bool | None
    catalogue: Path
    no_catalogue: bool
    full: bool
    retry: bool
    wait: bool
    filters: list[tuple[bool, str]]
    one_file_system: bool
    follow_symlinks: bool
    files_from: BufferedIOBase | None
    nul: bool
    max_size: int | None
    explain: str | None
    max_duration: float | None
    timeout: float
    jobs: int | None
    threads: int | None
    batch_size: int
    nice: int | None
    offline: bool
    store: Path | None
    lock: Path | None


def run_scan(options: ScanOptions) -> ExitCode:
    """Scans what the options name and reports it; returns how it went."""
    tally = Tally()
    with ExitStack() as stack:
        rules, hardware = _rules(options), probe()
        catalogue = stack.enter_context(_catalogue(options, tally))
        recognizers = _recognizers(options, hardware)
        for each in recognizers.values():
            stack.callback(each.close)
        # Only from here on does a signal end the run in order: what came before leaves nothing to save.
        stop = stack.enter_context(Interrupt(_remaining(options, tally)))
        jobs, threads = options.jobs or hardware.cores, options.threads or hardware.cores
        sandbox = stack.enter_context(Sandbox(jobs, timeout=options.timeout))
        stop.on_abort(sandbox.abort)
        stream = stack.enter_context(destination(options.output, on_abort=stop.on_abort))
        sink = stack.enter_context(_sink(options, stream))
        progress = stack.enter_context(closing(file_progress(options.progress)))
        tools = Tools(
            policy=_policy(options, recognizers, rules),
            catalogue=catalogue,
            submit=partial(_submit, sandbox, recognizers),
            apply=rules.apply,
            stop=stop,
            look_ahead=_LOOK_AHEAD * jobs + options.batch_size,
            threads=threads,
            batch_size=options.batch_size,
        )
        selected = trees(_selection(options), stop, tally.problem)
        scan(selected, tools, sink, progress, tally, changed_only=options.changed_only)
        if stop.requested:
            tally.stopped(stop.requested, stop.exit_code)
        sink.summary(tally.summary([_absolute(name) for name in options.sources]))
    _LOG.info("%s", tally)
    return tally.exit_code


def explain_path(options: ScanOptions) -> ExitCode:
    """Says on stdout whether a path takes part in a scan, and why."""
    _, sentence = why(_selection(options), options.explain or "")
    sys.stdout.write(printable(sentence) + "\n")
    return ExitCode.DONE


def _selection(options: ScanOptions) -> Selection:
    return Selection(
        options.sources,
        filters(options.filters, max_size=options.max_size, one_file_system=options.one_file_system),
        options.follow_symlinks,
        options.files_from,
        options.nul,
    )


def _policy(options: ScanOptions, recognizers: dict[str, Recognizer], rules: RuleSet) -> Policy:
    return Policy(
        recognizers,
        rules={name: rules.fingerprint if name in rules.tables else NO_RULES for name in recognizers},
        decoder=decoder_fingerprint(),
        full=options.full,
        retry=options.retry,
        with_scores=options.scores,
    )


def _absolute(source: str) -> str:
    return source if source == "-" else os.path.abspath(source)


def _remaining(options: ScanOptions, tally: Tally) -> float | None:
    """What is left of the time limit, in seconds."""
    return None if options.max_duration is None else max(0.0, options.max_duration - tally.seconds)


def _rules(options: ScanOptions) -> RuleSet:
    path = options.rules or shipped("rules.yml")
    rules = load_rules(path)
    if rules.warnings:
        count = len(rules.warnings)
        _LOG.warning("%d lines of %s have no effect; `recognize rules check` names them", count, path)
    return rules


@contextmanager
def _catalogue(options: ScanOptions, tally: Tally) -> Iterator[Catalogue]:
    if options.no_catalogue:
        yield NullCatalogue()
        return
    with (
        acquire(options.catalogue, wait=options.wait, stop=lambda: _remaining(options, tally) == 0),
        SqliteCatalogue.open(options.catalogue) as catalogue,
    ):
        yield catalogue


def _recognizers(options: ScanOptions, hardware: Hardware) -> dict[str, Recognizer]:
    """The recognizers asked for; their models are fetched if need be, and loaded later."""
    lock, store = load_lock(options.lock), Store(options.store)
    recognizers = {}
    for name in dict.fromkeys(options.recognizers):
        entry = choose(name, lock, store, hardware, options.backend, options.models)
        fetch_if_missing(entry, store, offline=options.offline, progress=options.progress)
        recognizers[name] = build(entry, store)
    return recognizers


def _sink(options: ScanOptions, stream: TextIOWrapper) -> Sink:
    format_ = options.format or default_format(options.output)
    if format_ == "text":
        return TextSink(above_bar(stream), styler(stream), scores=options.scores)
    return JsonSink(cast("IO[bytes]", stream.buffer), lines=format_ == "jsonl", scores=options.scores)


def _submit(
    sandbox: Sandbox, recognizers: dict[str, Recognizer], source: Source, job: Job
) -> Future[DecodeResult]:
    """Has the file decoded: of an image what all recognizers want to see of it, or the whole of it."""
    path = source.local_path(job.file)
    if job.file.kind is not Kind.IMAGE:
        return sandbox.submit(DecodeJob(path, job.file.kind))
    views = {recognizers[name].view for name in job.wanted}
    min_side = max(Limits.max_side if view is None else view.min_side for view in views)
    common = views.pop() if len(views) == 1 else None
    return sandbox.submit(DecodeJob(path, job.file.kind, min_side, common))
