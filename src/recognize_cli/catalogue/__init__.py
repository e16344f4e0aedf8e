"""What is known of files between runs. The only place with SQL; see `api` for what it promises."""

from recognize_cli.catalogue.api import (
    DECODING,
    GRACE,
    Catalogue,
    Failure,
    Known,
    KnownResult,
    Moved,
    Outcome,
    Retagged,
    StoredScores,
    Unvisited,
)
from recognize_cli.catalogue.null import NullCatalogue
from recognize_cli.catalogue.sqlite import SqliteCatalogue

__all__ = [
    "DECODING",
    "GRACE",
    "Catalogue",
    "Failure",
    "Known",
    "KnownResult",
    "Moved",
    "NullCatalogue",
    "Outcome",
    "Retagged",
    "SqliteCatalogue",
    "StoredScores",
    "Unvisited",
]
