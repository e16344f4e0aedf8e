"""`recognize doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from recognize_cli.cli import checks, engine_checks
from recognize_cli.cli.checks import Check, State
from recognize_cli.cli.commands import Command
from recognize_cli.cli.invocation import Invocation
from recognize_cli.cli.options import (
    catalogue_option,
    format_option,
    lock_option,
    offline_option,
    store_option,
)
from recognize_cli.cli.output import styler, write_json
from recognize_cli.cli.parameters import in_short
from recognize_cli.cli.settings import effective
from recognize_cli.errors import ConfigError, ExitCode, RecognizeError, severest
from recognize_cli.naming import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.hardware import Hardware

_ROLES = {State.GOOD: "good", State.WARNING: "warning", State.BAD: "error"}


@click.command(
    cls=Command,
    needs_config=False,
    examples="""
        recognize doctor
        recognize doctor --format json | jq '.checks[] | select(.state == "error")'
    """,
)
@format_option("text", "json", default="text")
@catalogue_option
@store_option
@lock_option
@offline_option
@click.pass_context
def command(
    context: click.Context,
    format: str,
    catalogue: Path,
    store: Path | None,
    lock: Path | None,
    offline: bool,
) -> ExitCode:
    """Check what this machine can run, and how to repair what it cannot.

    Ends with 0 if a scan would work, or could once it has fetched its model; else with the code that
    the scan would end with.
    """
    from recognize_cli.hardware import probe

    hardware = probe()
    sections = {
        "machine": list(checks.machine(hardware)),
        "engines": list(engine_checks.engines(hardware)),
        "decoders": list(checks.decoders()),
        "models": list(_models(hardware, store, lock, offline=offline)),
        "files": [*_config(context.find_root()), _rules(), *checks.catalogue(catalogue)],
    }
    code = severest(*(check.code for found in sections.values() for check in found))
    if format == "json":
        write_json(_document(sections, code))
    else:
        _write_text(sections)
    return code


def _models(hardware: Hardware, store: Path | None, lock: Path | None, *, offline: bool) -> Iterator[Check]:
    from recognize_cli.models.lockfile import load_lock
    from recognize_cli.models.store import Store

    try:
        locked = load_lock(lock)
    except RecognizeError as error:
        yield checks.failed("models.lock", error, "use the models.lock that ships with recognize")
        return
    yield from checks.models(locked, Store(store), hardware, offline=offline)
    yield _speed(hardware)


def _speed(hardware: Hardware) -> Check:
    """Whether the models were measured on this machine."""
    from recognize_cli.models.ranking import load_ranking

    ratings = load_ranking(hardware).ratings
    if not ratings:
        return Check("speed", "not measured; `recognize bench` measures how fast models are here")
    rates = ", ".join(f"{each.model} {each.items_per_second:.3g}/s" for each in ratings)
    return Check("speed", f"measured by `recognize bench`, which --backend auto goes by: {rates}")


def _config(root: click.Context) -> Iterator[Check]:
    settings = root.ensure_object(Invocation).settings
    try:
        for problem in settings.problems:
            raise problem
        list(effective(root, settings))
    except ConfigError as error:
        yield checks.failed("config", error, "edit the file; `recognize COMMAND --help` names all options")
    else:
        path = settings.file.path
        yield Check("config", in_short(path) if path else "no config file")


def _rules() -> Check:
    from recognize_cli.resources import shipped
    from recognize_cli.rules import load_rules

    path = shipped("rules.yml")
    try:
        load_rules(path)
    except RecognizeError as error:
        return checks.failed("rules", error, "install recognize again")
    return Check("rules", in_short(path))


def _document(sections: dict[str, list[Check]], code: ExitCode) -> dict[str, object]:
    found = [
        {
            "section": section,
            "name": check.name,
            "state": check.state.value,
            "found": check.found,
            "remedy": check.remedy,
            "code": int(check.code),
        }
        for section, section_checks in sections.items()
        for check in section_checks
    ]
    return {"type": "doctor", "schema": 1, "checks": found, "exit_code": int(code)}


def _write_text(sections: dict[str, list[Check]]) -> None:
    style = styler(sys.stdout)
    width = max(len(check.name) for found in sections.values() for check in found)
    for section, found in sections.items():
        sys.stdout.write(f"{style(section, 'heading')}\n")
        for check in found:
            state = style(f"{check.state.value:<8}", _ROLES[check.state])
            sys.stdout.write(f"  {state} {check.name:<{width}}  {printable(check.found)}\n")
            if check.remedy:
                sys.stdout.write(f"  {'':<8} {'':<{width}}  -> {printable(check.remedy)}\n")
