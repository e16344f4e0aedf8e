"""The seams: what sources, sessions, recognizers, sinks, tag servers and progress displays promise.

Every adapter passes the contract suite of its seam in tests/contracts/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import (
        Batch,
        Change,
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

    @property
    def is_local(self) -> bool:
        """Whether its files lie on this machine: to lease one costs nothing then."""
        ...

    def lease(self, file: MediaFile, *, preview: bool = False) -> AbstractContextManager[str]:
        """A path on this machine under which a decoder can read the file, as long as the context lasts.

        With ``preview`` an upright picture of at most 1024 px will do in the place of an image. Entering
        raises FileFailure where this file cannot be had, SourceError where no other could be, either.
        """
        ...

    def id_at(self, path: str) -> str | None:
        """The id of what is at a path now, None for nothing; ``path`` is absolute within the storage.

        It tells a file that moved from one with a second name. Raises OSError where it cannot be found out.
        """
        ...


class Listings(Protocol):
    """Remembers what directories held, between runs, by the version that their servers gave them."""

    def get(self, storage: str, directory: str, version: str) -> Listing | None:
        """What a directory held at a version, None if that is not known; ``directory`` is absolute."""
        ...

    def put(self, storage: str, directory: str, version: str, listing: Listing) -> None:
        """Remembers it in the place of any other version, and nothing below directories that are gone."""
        ...

    def sizes(self, storage: str, base: str) -> Mapping[str, int]:
        """How many entries each directory at and below `base` had when a run last read all of them.

        Their paths are relative to `base`. Empty where that is not known.
        """
        ...

    def put_sizes(self, storage: str, base: str, sizes: Mapping[str, int]) -> None:
        """Remembers them in the place of others; none forgets them."""
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


class ActionModel(Protocol):
    """Knows actions in clips of videos. `classify` may be called from several threads at once."""

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities of each clip [clips, classes]; raises EngineError.

        ``clips`` are [clips, frames, side, side, 3] RGB, of any number of frames but none.
        """
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

    def change(self, change: Change) -> None:
        """A change on a server, told in place of being made."""
        ...

    def summary(self, summary: Mapping[str, object]) -> None:
        """The last call of a run that was not killed."""
        ...


class TagServer(Protocol):
    """A server whose files bear tags. Its methods may be called from several threads at once.

    Paths are relative to the account's files and joined by ``/``; ids are those that the server gives files.
    All methods raise RecognizeError where it is no use to go on (the login is refused, the server is gone),
    and OSError where it failed this time: then what was asked for may have happened or not.
    """

    def key(self, name: str) -> str:
        """What tells tags apart there: names with the same key are one tag."""
        ...

    def tags_in(self, folder: str) -> Mapping[str, frozenset[str]]:
        """The names of the tags of each file in a folder (not below it) by the file's id.

        All files are in it, also those without a tag; a folder that does not exist has none.
        """
        ...

    def assign(self, file_id: str, tag: str) -> bool:
        """Gives a file a tag, which is made where there is none.

        False where the file had it before this call. Raises TagRefused or FileRefused where it never may.
        """
        ...

    def unassign(self, file_id: str, tag: str) -> bool:
        """Takes a tag off a file; False where the file, or the tag, is not there or did not have it.

        Raises TagRefused or FileRefused where it never may.
        """
        ...


class Progress(Protocol):
    """Shows a person, on stderr, how far a run is."""

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        """One more file is done."""
        ...

    def close(self) -> None: ...
