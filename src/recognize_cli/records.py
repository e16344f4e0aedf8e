"""What flows through the pipeline: frozen records and nothing else.

Paths inside a source are relative, joined by ``/``, and never start with one. A name
that is not valid UTF-8 carries its bytes as surrogate escapes (PEP 383), so that it can
be opened and written back unharmed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


FACES: Final = "faces"
"""The recognizer whose results come with faces, and whose tags are people's names."""


class Kind(StrEnum):
    """The three kinds of media that recognizers know."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class Reason(StrEnum):
    """Why a file has no result; the stable word in ``error`` records."""

    IO = "io"  # it could not be read (permission, vanished, disk error)
    DECODE = "decode"  # its content is damaged or not what its name says
    UNSUPPORTED = "unsupported"  # a format that this installation cannot read
    TOO_LARGE = "too-large"  # more pixels than the limit
    TIMEOUT = "timeout"  # decoding took longer than the limit
    MEMORY = "memory"  # decoding wanted more memory than the limit
    CRASH = "crash"  # the decoder died
    INFERENCE = "inference"  # the model failed on it
    MODEL = "model"  # no model that reads it can be had or loaded


class Gone(StrEnum):
    """Why a file that had a result is no longer part of the tree."""

    DELETED = "deleted"
    MOVED = "moved"  # to another path, whose own record follows
    IGNORED = "ignored"  # a marker file now covers it


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory, as a source lists it, before anybody decided to read it.

    An empty ``version`` says that the source could not find out more than the name.
    """

    name: str
    is_directory: bool
    size: int = 0
    version: str = ""
    modified: float = 0.0
    file_id: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All names of one directory. ``directory`` is relative to the source; the root is ``""``.

    ``entries`` are its files and directories, sorted by the bytes of their names; ``links`` the
    names of symbolic links that the source does not follow; ``device`` the file system that the
    directory is on, where the source knows one.
    """

    directory: str
    entries: tuple[Entry, ...]
    links: tuple[str, ...] = ()
    device: str | None = None


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that may be tagged.

    ``version`` changes whenever the content may have changed (an etag, or mtime in ns and
    size); ``file_id`` stays when the file is moved; ``modified`` is in seconds since 1970.
    """

    source: str
    path: str
    kind: Kind
    size: int
    version: str
    modified: float
    file_id: str | None = None

    @property
    def directory(self) -> str:
        """The directory part of the path, ``""`` at the root."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Clips:
    """Which moments of a moving picture a model wants to see.

    Up to ``count`` clips, spread evenly over it, of ``length`` frames each, ``rate`` frames a second.
    """

    count: int
    length: int
    rate: float


@dataclass(frozen=True, slots=True)
class View:
    """A square of ``size`` pixels that a model wants of an image, made by a filter of Pillow's name.

    It is the central square of the image with its short side scaled to ``short_side`` pixels; with
    None the whole image is squeezed into the square. With ``clips`` it is wanted of so many moments of a
    moving picture, and of nothing that stands still.
    """

    size: int
    short_side: int | None
    resample: str
    clips: Clips | None = None

    @property
    def min_side(self) -> int:
        """How many pixels the short side of an image should have for it."""
        return self.short_side or self.size


NOTHING: Final = View(0, None, "nearest")
"""The view of recognizers that want to know of a photo where it was taken, and see nothing of it."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place on earth, in degrees: north and east are positive."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded file: what each view shows of it, and under None the whole of it.

    An image's view is H×W×3 RGB; one of a moving picture has its clips and their frames before that, N×T.
    ``position`` is where a photo was taken, if it says so. ``cpu_seconds`` is what the decoder process spent.
    """

    file: MediaFile
    arrays: Mapping[View | None, NDArray[Any]]
    cpu_seconds: float = 0.0
    position: Position | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """A whole image: H×W×3 RGB, upright, at most 1024 px on its long side."""
        return self.arrays[None]

    @property
    def patches(self) -> NDArray[np.float32]:
        """Samples of a sound: N×48000, three seconds each, mono at 16 kHz, full scale at 1."""
        return self.arrays[None]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that could not be read, or that a recognizer failed on, and why.

    ``recognizer`` is empty where the file itself could not be read.
    """

    file: MediaFile
    reason: Reason
    message: str
    recognizer: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs that go through one recognizer together."""

    recognizer: str
    inputs: tuple[Decoded, ...]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class of a model: its name, its stable id (a WordNet id, say) and its probability."""

    name: str
    score: float
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the upright image, the origin at its top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, in degrees, 0 for one that looks straight into the camera.

    ``roll`` is positive where it leans clockwise in the picture, ``yaw`` where it looks to the right of the
    picture, ``pitch`` where it looks up.
    """

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that was found in an image.

    ``landmarks`` are the centres of the eyes, the tip of the nose and the corners of the mouth, the left
    one in the picture first, as fractions (x, y) of the upright image. ``sharpness`` is 0 for a face without
    any detail (`recognize_cli.faces.sharpness`). ``embedding`` is a float32 vector that is near those of the
    same person; which distance is near depends on the model.
    """

    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...]
    pose: Pose
    sharpness: float
    embedding: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a recognizer saw in a file: its top classes, best first; ``model`` is its fingerprint.

    ``faces`` are the faces it found, None where none were looked for (now: the catalogue may know some).
    """

    file: MediaFile
    recognizer: str
    model: str
    top: tuple[ClassScore, ...]
    faces: tuple[Detection, ...] | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A face of a file as results tell it.

    ``id`` is its own for life, None where no catalogue gives one. ``person`` is the id of the person it
    belongs to, None for nobody (yet), ``name`` that person's, None while nobody named it.
    """

    id: int | None
    box: Box
    score: float
    person: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag for a file; ``class_name`` is the best class that led to it."""

    name: str
    score: float
    recognizer: str
    class_name: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """All that is known of one file after a run: its tags, scores and faces, and why some are lacking.

    ``recognizers`` are those whose result is in here; ``unchanged`` says that it was known
    before this run and is the same. A recognizer's failure costs only its own tags.
    """

    file: MediaFile
    recognizers: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    scores: tuple[Scores, ...] = ()
    faces: tuple[Face, ...] = ()
    failures: tuple[Skipped, ...] = ()
    unchanged: bool = False
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removed:
    """A file whose result no longer stands: deleted, or covered by a marker since the last run."""

    source: str
    path: str
    why: Gone


@dataclass(frozen=True, slots=True)
class Change:
    """Tags that would be put on a file of a server, and taken off; ``path`` is among the account's files."""

    target: str
    path: str
    assign: tuple[str, ...]
    unassign: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A path that could not be read: a directory, or a file that the user listed by name.

    What lies below it keeps what is known of it.
    """

    source: str
    path: str
    message: str


Finished = FileResult | Removed | Unreadable
"""What a run reports: needs no more work, so every stage hands it on as it is."""
