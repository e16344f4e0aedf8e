"""Files out of a wheel, fetched by the installed pip, so that mirrors and proxies set up for it work.

Only wheels: to look at a source distribution pip runs its build script, which nobody has verified.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.models.archives import unpack
from recognize_cli.models.origins.client import run_client
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from recognize_cli.models.entries import PypiSource
    from recognize_cli.models.origins.order import Order

_PROGRESS = re.compile(r"Progress (\d{1,15}) of (\d{1,15})")


def gather(source: PypiSource, order: Order) -> None:
    """Delivers the files of an order from a wheel; raises OriginFailed."""
    with tempfile.TemporaryDirectory(dir=order.scratch, prefix="pip-") as name:
        folder = Path(name)
        run_client(
            _command(source), folder, {**os.environ, "TMPDIR": name}, lambda line: _report(line, order)
        )
        wheels = list(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise OriginFailed(f"pip left {len(wheels)} wheels where one was expected")
        unpack(wheels[0], source.root, order)


def _command(source: PypiSource) -> list[str]:
    # It runs in an empty folder: a pip.py where the user stands is not taken for pip.
    return [
        *(sys.executable, "-m", "pip", "download"),
        *("--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "raw", "--dest", "."),
        f"{source.package}=={source.version}",
    ]


def _report(line: str, order: Order) -> None:
    """Passes on how much of the wheel is there, as a share of the files that are wanted from it."""
    match = _PROGRESS.match(line)
    if match and int(match[2]) > 0:
        order.report(min(order.size, order.size * int(match[1]) // int(match[2])))
