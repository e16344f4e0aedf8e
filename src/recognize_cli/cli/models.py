"""recognize models: which models there are, which are installed, and how they get here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recognize_cli.cli.commands import Group
from recognize_cli.cli.options import format_option, lock_option, option, progress_option, store_option
from recognize_cli.cli.output import write_json
from recognize_cli.cli.progress import byte_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.errors import ModelError
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.store import Store

command = Group(
    "models",
    help="Model files: list, fetch and verify them.",
    needs_config=False,
    examples="""
        recognize models list
        recognize models fetch
        recognize models fetch --from /media/usb efficientnet-lite2
    """,
)


@command.command("list", examples="recognize models list --format json")
@format_option("text", "json", default="text")
@store_option
@lock_option
def list_models(format: str, store: Path | None, lock: Path | None) -> None:
    """List all models, and say which are installed."""
    opened, locked = _store(store), _lock(lock)
    if format == "json":
        write_json(_document(locked, opened, [_described(entry, opened) for entry in locked.models]))
        return
    _write_table(
        ("NAME", "RECOGNIZER", "TIER", "DOWNLOAD", "LICENCE", "INSTALLED", "DEFAULT"),
        [
            (
                entry.name,
                entry.recognizer,
                entry.tier.value,
                f"{'' if entry.size_is_known else '<= '}{entry.download_size / 1e6:.1f} MB",
                entry.licence,
                _yes_no(opened.installed(entry)),
                _yes_no(entry.default),
            )
            for entry in locked.models
        ],
    )
    notices = [f"{entry.name}: {entry.notice}" for entry in locked.models if entry.notice]
    if notices:
        click.echo("\n" + "\n".join(notices))


@command.command(
    "fetch",
    examples="""
        recognize models fetch
        recognize models fetch --all
        recognize models fetch --from /media/usb
    """,
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("--all", "everything", is_flag=True, configurable=False, help="Every model of the lock file.")
@option(
    "-r", "--recognizer", multiple=True, metavar="NAME", configurable=False, help="Only models of this one."
)
@option(
    "--from",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    configurable=False,
    help="Take the files, or the packages that they come in, from a folder, and use no network.",
)
@progress_option
@store_option
@lock_option
def fetch_models(
    names: tuple[str, ...],
    everything: bool,
    recognizer: tuple[str, ...],
    directory: Path | None,
    progress: bool | None,
    store: Path | None,
    lock: Path | None,
) -> None:
    """Fetch models, check them and install them; without a NAME the default ones.

    A model that is installed and whole is not fetched again. A download that was cut off goes on where it
    stopped.
    """
    from recognize_cli.models.fetch import fetch

    opened, locked = _store(store), _lock(lock)
    for entry in _chosen(locked, names, everything, recognizer):
        state, _ = _verdict(entry, opened)
        if state != "ok":
            with byte_progress(entry.name, progress) as report:
                fetch(entry, opened, directory=directory, progress=report)
        click.echo(f"{entry.name}  {_location(entry, opened)}")


@command.command("verify", examples="recognize models verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@format_option("text", "json", default="text")
@store_option
@lock_option
def verify_models(names: tuple[str, ...], format: str, store: Path | None, lock: Path | None) -> None:
    """Check the bytes of installed models; of those named, that they are installed."""
    opened, locked = _store(store), _lock(lock)
    entries = [locked.entry(name) for name in names] or [e for e in locked.models if opened.installed(e)]
    found = [(entry, _verdict(entry, opened)) for entry in entries]
    if format == "json":
        checks: list[dict[str, object]] = [
            {"name": entry.name, "state": state} for entry, (state, _) in found
        ]
        write_json(_document(locked, opened, checks))
    else:
        _write_table(("NAME", "STATE"), [(entry.name, state) for entry, (state, _) in found])
    for _, (_, problem) in found:
        if problem is not None:
            raise problem


@command.command("lock", examples="recognize models lock --check --lock my.lock")
@option("--check", is_flag=True, configurable=False, help="Only say whether the file is right.")
@lock_option
def show_lock(check: bool, lock: Path | None) -> None:
    """Print the lock file in use, after checking it."""
    locked = _lock(lock)
    if check:
        click.echo(f"{locked.path}: {len(locked.models)} models, no problem")
    else:
        click.echo(locked.path.read_text("utf-8"), nl=False)


@command.command("path", examples="recognize models path efficientnet-lite2")
@click.argument("name", required=False)
@store_option
@lock_option
def show_path(name: str | None, store: Path | None, lock: Path | None) -> None:
    """Print where models are installed, or the files of one."""
    opened = _store(store)
    if name:
        entry = _lock(lock).entry(name)
        opened.verify(entry)
    for path in opened.files(entry) if name else (opened.root,):
        click.echo(path)


def _store(root: Path | None) -> Store:
    from recognize_cli.models.store import Store

    return Store(root)


def _lock(path: Path | None) -> Lock:
    from recognize_cli.models.lockfile import load_lock

    return load_lock(path)


def _chosen(
    lock: Lock, names: Sequence[str], everything: bool, recognizers: Sequence[str]
) -> Sequence[ModelEntry]:
    """The models that the arguments of fetch mean; raises UsageError where they contradict each other."""
    if names and (everything or recognizers):
        raise click.UsageError("name models, or choose them with --all or --recognizer, but not both")
    if names:
        return [lock.entry(name) for name in names]
    entries = lock.models if everything else lock.defaults()
    known = {entry.recognizer for entry in lock.models}
    for recognizer in recognizers:
        if recognizer not in known:
            raise click.UsageError(
                f"no model is for a recognizer {recognizer!r}; there are {', '.join(sorted(known))}"
            )
    return [entry for entry in entries if not recognizers or entry.recognizer in recognizers]


def _verdict(entry: ModelEntry, store: Store) -> tuple[str, ModelError | None]:
    """``ok``, ``missing`` or ``damaged``, with the error that says more."""
    from recognize_cli.errors import ModelError, ModelMissing

    try:
        store.verify(entry)
    except ModelMissing as error:
        return "missing", error
    except ModelError as error:
        return "damaged", error
    return "ok", None


def _document(lock: Lock, store: Store, models: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        "type": "models",
        "schema": 1,
        "lock": str(lock.path),
        "store": str(store.root),
        "models": models,
    }


def _described(entry: ModelEntry, store: Store) -> dict[str, object]:
    installed = store.installed(entry)
    graphs = {graph: str(path) for graph, path in store.graphs(entry).items()}
    return {
        "name": entry.name,
        "recognizer": entry.recognizer,
        "tier": entry.tier.value,
        "default": entry.default,
        "licence": entry.licence,
        "format": entry.format,
        "download_size": entry.download_size,
        "installed": installed,
        "path": str(_location(entry, store)) if installed else None,
        "graphs": graphs if installed else None,
        "notice": entry.notice,
        "sources": [str(source) for source in entry.sources],
    }


def _location(entry: ModelEntry, store: Store) -> Path:
    """The one file of a model, or the folder of several."""
    paths = store.files(entry)
    return paths[0] if len(paths) == 1 else store.directory(entry)


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _write_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
