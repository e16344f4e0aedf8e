"""The seams: what a source, a model session, a recognizer, a sink and a progress display promise.

Every adapter passes the contract suite of its seam in tests/contracts/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import (
        Batch,
        Detection,
        FileResult,
        Kind,
        Listing,
        MediaFile,
        Removed,
        Scores,
        Unreadable,
        View,
    )


class Source(Protocol):
    """A tree of files.

    `id` is how records name it. `storage` and `base` place it: two sources with the same
    storage whose bases overlap hold the same files there, so the catalogue knows them once.
    """

    @property
    def id(self) -> str: ...

    @property
    def storage(self) -> str: ...

    @property
    def base(self) -> str: ...

    def listing(self, directory: str) -> Listing:
        """All names in a directory (``""`` is the root).

        Raises SourceNotFound for the root and OSError for any other directory that cannot be listed.
        """
        ...

    def local_path(self, file: MediaFile) -> str:
        """A path on this machine under which a decoder can read the file."""
        ...

    def id_at(self, path: str) -> str | None:
        """The id of what is at a path now, None for nothing; ``path`` is absolute within the storage.

        It tells a file that moved from one with a second name. Raises OSError where it cannot be found out.
        """
        ...


class Session(Protocol):
    """A loaded model. `run` may be called from several threads at once."""

    @property
    def inputs(self) -> Sequence[str]: ...

    @property
    def outputs(self) -> Sequence[str]: ...

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the model on named arrays, first axis the batch; raises EngineError."""
        ...

    def close(self) -> None: ...


class FaceModel(Protocol):
    """Finds faces and describes them. `analyse` may be called from several threads at once."""

    def analyse(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """The faces of an upright image (H×W×3 RGB), the surest first; raises EngineError."""
        ...

    def close(self) -> None: ...


class Recognizer(Protocol):
    """Turns decoded media into scores and faces. `run` may be called from several threads at once."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> frozenset[Kind]: ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same file could get other scores: another model, another recipe."""
        ...

    @property
    def view(self) -> View | None:
        """What it wants to see of an image, None for the whole of it.

        It makes the view itself where it is given the whole image.
        """
        ...

    def load(self) -> None:
        """Loads the model, if it is not loaded yet; raises EngineError or ModelError."""
        ...

    def run(self, batch: Batch) -> Sequence[Scores]:
        """The scores of each input of the batch, in order; raises EngineError."""
        ...

    def close(self) -> None: ...


class Sink(Protocol):
    """Takes results, one by one, in the order in which they were committed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def result(self, result: FileResult) -> None: ...

    def removed(self, removed: Removed) -> None: ...

    def unreadable(self, unreadable: Unreadable) -> None: ...

    def summary(self, summary: Mapping[str, object]) -> None:
        """The last call of a run that was not killed."""
        ...


class Progress(Protocol):
    """Shows a person, on stderr, how far a run is."""

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        """One more file is done."""
        ...

    def close(self) -> None: ...
