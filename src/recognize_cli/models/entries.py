"""What models.lock says of a model, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from recognize_cli.records import Clips, View


class Tier(StrEnum):
    """Which machines a model is for."""

    PORTABLE = "portable"  # small: any CPU, any libc
    NATIVE = "native"  # full size


class Algorithm(StrEnum):
    """How a digest is taken over the bytes of a file."""

    SHA256 = "sha256"
    GIT = "git"  # git's blob id: sha1 over "blob <size>\0" and the bytes


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file that a model is made from; ``path`` is relative, joined by ``/`` and safe to join.

    ``digest`` is lower-case hexadecimal. With ``at_most`` the file may be smaller than ``size`` bytes: of
    what is known by its id in a repository alone, nobody knows the size before it is fetched.
    """

    path: str
    size: int
    algorithm: Algorithm
    digest: str
    at_most: bool = False

    def fits(self, size: int) -> bool:
        """Whether a file of so many bytes may be this one."""
        return size <= self.size if self.at_most else size == self.size

    @property
    def checksum(self) -> str:
        """The digest with its algorithm, as people and manifests read it: ``sha256:9656…``."""
        return f"{self.algorithm}:{self.digest}"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the graph of a classifier takes: batches of square images, ``size`` pixels a side.

    With ``dtype`` uint8 the graph takes pixels from 0 to 255 as they are and normalises them itself;
    ``mean`` and ``std`` are None. With float32 the caller gives ``(pixel - mean) / std`` for each
    channel, in the order of ``channels``.

    ``short_side`` says how an oblong photo becomes a square: its short side is scaled to so many
    pixels and the central square of ``size`` is cut out; None squeezes the whole photo into the square.
    """

    size: int
    channels: str  # RGB or BGR
    layout: str  # NHWC or NCHW
    dtype: str  # uint8 or float32
    resample: str  # bicubic or bilinear
    short_side: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    @property
    def view(self) -> View:
        """What of a photo the model wants to see."""
        return View(self.size, self.short_side, self.resample)


@dataclass(frozen=True, slots=True)
class PypiSource:
    """A wheel; the files lie below ``root`` in it."""

    package: str
    version: str
    root: str

    def __str__(self) -> str:
        return f"pypi {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class NpmSource:
    """A package of the npm registry; the files lie below ``root`` in it."""

    package: str
    version: str
    root: str

    def __str__(self) -> str:
        return f"npm {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class GitSource:
    """One commit of a repository ``owner/name``; the files lie below ``root`` in it."""

    repository: str
    commit: str
    root: str

    def __str__(self) -> str:
        return f"git {self.repository} {self.commit[:12]}"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A web address; each file lies at ``base``/path."""

    base: str

    def __str__(self) -> str:
        return f"url {self.base}"


Source = PypiSource | NpmSource | GitSource | UrlSource


@dataclass(frozen=True, slots=True)
class Classifier:
    """What a model does that gives each class a score.

    ``labels`` names the shipped list of classes (`recognize_cli.labels`). ``scores`` is what the graph
    puts out: ``logits`` (take the softmax) or ``probabilities``.
    """

    labels: str
    scores: str
    input: InputSpec


@dataclass(frozen=True, slots=True)
class Faces:
    """What a model does that finds faces and describes each by an embedding.

    Two embeddings whose euclidean distance is no more than ``distance`` are likely of one person. It
    changes no output of the model. The sizes of its inputs are those of its format.
    """

    distance: float


@dataclass(frozen=True, slots=True)
class Tagger:
    """What a model does that gives each tag of a piece of music a probability; several may be high.

    ``labels`` names the shipped list of tags (`recognize_cli.labels`). What its graph takes is laid down by
    its format.
    """

    labels: str


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What a model does that knows landmarks. It brings their names; all else is laid down by its format."""


@dataclass(frozen=True, slots=True)
class Video:
    """What a model does that gives each action in a video a probability.

    ``labels`` names the shipped list of actions (`recognize_cli.labels`). It sees up to ``count`` clips,
    spread evenly over the video, of ``length`` frames each, ``rate`` frames a second. A frame is a square of
    ``side`` pixels; ``short_side`` and ``resample`` say how it is made, as in `InputSpec`.
    """

    labels: str
    side: int
    resample: str  # bicubic or bilinear
    rate: float
    length: int
    count: int
    short_side: int | None = None

    @property
    def view(self) -> View:
        """What of a video the model wants to see."""
        return View(self.side, self.short_side, self.resample, Clips(self.count, self.length, self.rate))


Task = Classifier | Faces | Tagger | Landmarks | Video


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of models.lock.

    ``format`` names the converter (`recognize_cli.models.convert`). ``notice`` is what people must know
    before they use the model.
    """

    name: str
    recognizer: str
    tier: Tier
    default: bool
    format: str
    licence: str
    task: Task
    files: tuple[LockedFile, ...]
    sources: tuple[Source, ...]
    notice: str | None = None

    @property
    def download_size(self) -> int:
        """Bytes of all files together; an upper bound where `size_is_known` is false."""
        return sum(file.size for file in self.files)

    @property
    def size_is_known(self) -> bool:
        """Whether the size of every file is known before it is fetched."""
        return not any(file.at_most for file in self.files)
