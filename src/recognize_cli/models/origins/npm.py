"""Files out of an npm package: by the npm client where there is one, else one by one from a CDN."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.models.archives import unpack
from recognize_cli.models.download import download_all
from recognize_cli.models.origins.client import run_client
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from recognize_cli.models.entries import NpmSource
    from recognize_cli.models.origins.order import Order


def gather(source: NpmSource, order: Order) -> None:
    """Delivers the files of an order; raises OriginFailed, which says why both ways failed."""
    try:
        _from_client(source, order)
    except OriginFailed as without_client:
        try:
            _from_cdn(source, order)
        except OriginFailed as error:
            raise OriginFailed(f"npm: {without_client}; CDN: {error}") from error


def _from_client(source: NpmSource, order: Order) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OriginFailed("not on this machine")
    with tempfile.TemporaryDirectory(dir=order.scratch, prefix="npm-") as name:
        folder = Path(name)
        options = ["--ignore-scripts", "--loglevel=error", "--pack-destination", name]
        run_client([npm, "pack", *options, f"{source.package}@{source.version}"], folder, os.environ)
        tarballs = list(folder.glob("*.tgz"))
        if len(tarballs) != 1:
            raise OriginFailed(f"left {len(tarballs)} tarballs where one was expected")
        unpack(tarballs[0], f"package/{source.root}".rstrip("/"), order)


def _from_cdn(source: NpmSource, order: Order) -> None:
    base = f"{order.mirrors.npm}/{source.package}@{source.version}/{source.root}"
    download_all(base.rstrip("/"), order)
