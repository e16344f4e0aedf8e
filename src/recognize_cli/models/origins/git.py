"""Raw files of one commit, over the web."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.models.download import download_all

if TYPE_CHECKING:
    from recognize_cli.models.entries import GitSource
    from recognize_cli.models.origins.order import Order


def gather(source: GitSource, order: Order) -> None:
    """Delivers the files of an order; raises OriginFailed."""
    base = f"{order.mirrors.git}/{source.repository}/{source.commit}/{source.root}"
    download_all(base.rstrip("/"), order)
