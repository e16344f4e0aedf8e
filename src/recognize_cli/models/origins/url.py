"""Files below a web address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.models.download import download_all

if TYPE_CHECKING:
    from recognize_cli.models.entries import UrlSource
    from recognize_cli.models.origins.order import Order


def gather(source: UrlSource, order: Order) -> None:
    """Delivers the files of an order; raises OriginFailed."""
    download_all(source.base, order)
