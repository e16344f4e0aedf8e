"""Puts a scan together: from options to the tools that the pipeline works with."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from recognize_cli.catalogue import NullCatalogue, SqliteCatalogue
from recognize_cli.cli.budget import plan, watch
from recognize_cli.cli.crew import Recruiter
from recognize_cli.cli.output import default_format, destination, styler
from recognize_cli.cli.progress import above_bar, file_progress
from recognize_cli.cli.pushes import check, pushing, report
from recognize_cli.cli.remotes import Remotes, check_address
from recognize_cli.cli.trees import Selection, filters, is_address, trees, why
from recognize_cli.errors import ExitCode
from recognize_cli.hardware import probe
from recognize_cli.heap import keep_little, seldom_collect
from recognize_cli.interrupt import Interrupt
from recognize_cli.locking import acquire
from recognize_cli.media.fingerprint import decoder_fingerprint
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.naming import printable
from recognize_cli.pipeline import Tools, scan
from recognize_cli.pushing.pushes import CONNECTIONS
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules
from recognize_cli.sinks.jsonl import JsonSink
from recognize_cli.sinks.text import TextSink
from recognize_cli.stages.intake import Intake
from recognize_cli.stages.judging import Policy
from recognize_cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import TextIOWrapper
    from typing import IO

    from recognize_cli.catalogue import Catalogue
    from recognize_cli.cli.budget import Budget
    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.hardware import Hardware
    from recognize_cli.protocols import Listings, Sink
    from recognize_cli.rules import RuleSet
    from recognize_cli.stages.crew import Crew

_LOG = logging.getLogger(__name__)
NO_RULES = "none"
"""The fingerprint of the rules of recognizers that have none, whose results never need new tags for that."""


def run_scan(options: ScanOptions) -> ExitCode:
    """Scans what the options name and reports it; returns how it went."""
    tally = Tally()
    keep_little()
    seldom_collect()
    # NumPy is busy in as many threads as models are already; its own would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for address in filter(is_address, options.sources):
        check_address(address)
    check(options)
    with ExitStack() as stack:
        rules, hardware = _rules(options), probe()
        catalogue = stack.enter_context(_catalogue(options, tally))
        crew, recruiter = _crew(options, hardware, rules, tally)
        budget = plan(options, hardware, recruiter.entries, recruiter.openvino)
        for each in crew.members.values():
            stack.callback(each.close)
        # Only from here on does a signal end the run in order: what came before leaves nothing to save.
        stop = stack.enter_context(Interrupt(_remaining(options, tally)))
        remotes = stack.enter_context(_remotes(options, stop, catalogue.listings))
        stop.on_abort(remotes.abort)
        sandbox = Sandbox(budget.jobs, timeout=options.timeout, max_resident=budget.max_resident)
        stack.enter_context(sandbox)
        stop.on_abort(sandbox.abort)
        intake = Intake(
            sandbox,
            crew,
            downloads=options.downloads,
            waiting=2 * budget.jobs,
            previews=options.previews,
            stop=stop,
        )
        stack.enter_context(intake)
        stream = stack.enter_context(destination(options.output, on_abort=stop.on_abort))
        sink = stack.enter_context(_sink(options, stream))
        progress = stack.enter_context(closing(file_progress(options.progress)))
        tools = Tools(
            policy=_policy(options, crew, rules, budget),
            catalogue=catalogue,
            submit=intake.submit,
            apply=rules.apply,
            stop=stop,
            look_ahead=budget.look_ahead,
            threads=budget.threads,
            batch_size=budget.batch_size,
            short_of_memory=watch(budget.limit, sandbox.resident, engines=recruiter.starts_processes),
            ordered=options.ordered,
        )
        pushes = stack.enter_context(pushing(options, catalogue, remotes, stop, tally))
        tools = replace(tools, remotes=pushes.remotes, meanwhile=pushes.step) if pushes else tools
        selected = trees(_selection(options, remotes), stop, tally.problem)
        scan(selected, tools, sink, progress, tally, changed_only=options.changed_only)
        if pushes:
            report(pushes, sink, tally, options)
        if stop.requested:
            tally.stopped(stop.requested, stop.exit_code)
        sink.summary(tally.summary([_absolute(name) for name in options.sources]))
    _LOG.info("%s", tally)
    return tally.exit_code


def explain_path(options: ScanOptions) -> ExitCode:
    """Says on stdout whether a path takes part in a scan, and why."""
    with _remotes(options, lambda: False) as remotes:
        _, sentence = why(_selection(options, remotes), options.explain or "")
    sys.stdout.write(printable(sentence) + "\n")
    return ExitCode.DONE


def _remotes(options: ScanOptions, stop: Callable[[], bool], listings: Listings | None = None) -> Remotes:
    return Remotes(
        stop=stop,
        ca=options.ca,
        connections=options.downloads + CONNECTIONS + 1,
        spool_limit=options.temporary,
        listings=None if options.full else listings,
        whole=options.files_from is None and not any(include for include, _ in options.filters),
    )


def _selection(options: ScanOptions, remotes: Remotes) -> Selection:
    return Selection(
        options.sources,
        filters(options.filters, max_size=options.max_size, one_file_system=options.one_file_system),
        remotes.source,
        options.follow_symlinks,
        options.files_from,
        options.nul,
    )


def _policy(options: ScanOptions, crew: Crew, rules: RuleSet, budget: Budget) -> Policy:
    return Policy(
        crew,
        rules={name: rules.fingerprint if name in rules.recognizers else NO_RULES for name in crew.members},
        decoder=decoder_fingerprint(budget.max_resident),
        full=options.full,
        retry=options.retry,
        with_scores=options.scores,
    )


def _absolute(source: str) -> str:
    return source if source == "-" or is_address(source) else os.path.abspath(source)


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


def _crew(options: ScanOptions, hardware: Hardware, rules: RuleSet, tally: Tally) -> tuple[Crew, Recruiter]:
    """The crew, and who put it together."""
    recruiter = Recruiter(
        load_lock(options.lock),
        Store(options.store),
        hardware,
        backend=options.backend,
        engine=options.engine,
        gpu=options.gpu,
        models=options.models,
        offline=options.offline,
        progress=options.progress,
    )
    crew = recruiter.crew(
        options.recognizers,
        rules.apply,
        tally.problem,
        landmarks_for=options.landmarks_for,
        stand_ins=options.video_objects,
    )
    return crew, recruiter


def _sink(options: ScanOptions, stream: TextIOWrapper) -> Sink:
    format_ = options.format or default_format(options.output)
    if format_ == "text":
        return TextSink(above_bar(stream), styler(stream), scores=options.scores)
    return JsonSink(cast("IO[bytes]", stream.buffer), lines=format_ == "jsonl", scores=options.scores)
