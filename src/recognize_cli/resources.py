"""What is installed: the files that ship with the program, and the versions of other packages."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def shipped(name: str) -> Path:
    """The path of a shipped file.

    In an installed wheel all of them lie in the package's data folder; in a checkout rules.yml
    and models.lock lie at the top level, where people edit them.
    """
    packaged = _PACKAGE / "data" / name
    return packaged if packaged.exists() else _CHECKOUT / name


def installed_version(distribution: str) -> str | None:
    """The version of an installed package, which is not imported for it; None if there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
