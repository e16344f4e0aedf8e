"""Options that several commands share, as decorators; each command looks and behaves alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from platformdirs import user_data_path, user_state_path

from recognize_cli.cli.parameters import Option, in_short
from recognize_cli.errors import CatalogueUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

SHARED = frozenset({"ca", "catalogue", "lock", "offline", "progress", "rules", "store"})
"""Options with one variable for all commands, which may stand at the top level of the config file."""

_OUTPUT = "Output"


def option(*declarations: str, **attributes: Any) -> Callable[[F], F]:
    """`click.option` with a variable, a section of the help and a place in the config file; see `Option`."""
    return click.option(*declarations, cls=Option, **attributes)


def default_catalogue() -> Path:
    """Where the catalogue is unless ``--catalogue`` says otherwise."""
    return user_state_path("recognize") / "catalogue.sqlite3"


def catalogue_option(command: F) -> F:
    """``--catalogue FILE``, as the parameter `catalogue`: a Path, always given."""
    return option(
        "--catalogue",
        type=click.Path(dir_okay=False, path_type=Path),
        default=default_catalogue,
        show_default=in_short(default_catalogue()),
        metavar="FILE",
        shared=True,
        section="Catalogue",
        help="The file that remembers what is known of every file.",
    )(command)


def must_exist(catalogue: Path) -> None:
    """Raises CatalogueUnusable where there is no catalogue: only a scan makes one."""
    if not catalogue.exists():
        raise CatalogueUnusable(path=catalogue, problem="it does not exist yet; `recognize scan` makes it")


def wait_option(command: F) -> F:
    """``--wait``, as the parameter `wait`."""
    return option("--wait", is_flag=True, help="Wait for another run to end instead of exiting with 11.")(
        command
    )


def store_option(command: F) -> F:
    """``--store DIR``, as the parameter `store`: a Path, or None for the default place."""
    return option(
        "--store",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="RECOGNIZE_MODELS",
        show_default=in_short(user_data_path("recognize") / "models"),
        metavar="DIR",
        shared=True,
        section="Models",
        help="Where models are installed.",
    )(command)


def lock_option(command: F) -> F:
    """``--lock FILE``, as the parameter `lock`: a Path, or None for the shipped one."""
    return option(
        "--lock",
        type=click.Path(dir_okay=False, path_type=Path),
        show_default="the one that ships with recognize",
        metavar="FILE",
        shared=True,
        section="Models",
        help="The models.lock that says which files may run.",
    )(command)


def rules_option(command: F) -> F:
    """``--rules FILE``, as the parameter `rules`: a Path, or None for the shipped one."""
    return option(
        "--rules",
        type=click.Path(dir_okay=False, path_type=Path),
        show_default="the one that ships with recognize",
        metavar="FILE",
        shared=True,
        help="Rules that make tags of classes; those of Recognize for Nextcloud work too.",
    )(command)


def format_option(*formats: str, default: str | None = None) -> Callable[[F], F]:
    """``--format``, as the parameter `format`.

    Without a `default` it is None unless given; `output.default_format` then chooses.
    """
    return option(
        "--format",
        type=click.Choice(formats),
        default=default,
        show_default=default or "text on a terminal, jsonl otherwise",
        section=_OUTPUT,
        help="How results are written.",
    )


def output_option(command: F) -> F:
    """``-o/--output FILE``, as the parameter `output`: a Path or None; see `output.destination`."""
    return option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        section=_OUTPUT,
        help="Write results to a file, which is replaced as a whole at the end.",
    )(command)


def progress_option(command: F) -> F:
    """``--progress/--no-progress``, as the parameter `progress`: None unless given."""
    return option(
        "--progress/--no-progress",
        default=None,
        show_default="on a terminal",
        shared=True,
        section=_OUTPUT,
        help="Show a progress bar on stderr; without one, a line a minute is logged.",
    )(command)


def ca_option(command: F) -> F:
    """``--ca FILE``, as the parameter `ca`: a Path or None."""
    return option(
        "--ca",
        type=click.Path(dir_okay=False, path_type=Path),
        show_default="those of the system",
        metavar="FILE",
        shared=True,
        section="Servers",
        help="The certificates (PEM) that servers must be signed by, for an authority of your own.",
    )(command)


def offline_option(command: F) -> F:
    """``--offline``, as the parameter `offline`."""
    return option(
        "--offline",
        is_flag=True,
        shared=True,
        section="Models",
        help="Fetch nothing from the network; use what is installed.",
    )(command)
