"""Which model a recognizer uses: the best that is installed and that this machine can run.

Pure: what is installed, what the machine can do and how fast that was are arguments. Speed alone never
chooses between models, for they differ in what they see; it keeps one away that is too slow to be of use, and
chooses between engines that run the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from recognize_cli.errors import NoUsableEngine
from recognize_cli.models.entries import Tier
from recognize_cli.models.hashing import FLOAT32, INT8
from recognize_cli.models.ranking import NOT_MEASURED
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.ranking import Ranking

_MIB = 1 << 20
_MEMORY_FACTOR = 3
_MEMORY_BASE = 512 * _MIB
"""A loaded model takes its weights once as they are and once as the runtime packs them, and as much again
for what passes between its layers; half a GiB goes to the rest of the process and its decoders."""

_TENSORFLOW_MEMORY = 1024 * _MIB
"""What TensorFlow takes before it has a model, and the moving pictures between the layers of one."""

_SAVED_MODEL = "saved-model"


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs a model. Of each group of ``packages`` one must be installed; ``extra`` brings them.

    ``precision`` is that of the numbers it computes with. ``gpu`` is the number of the NVIDIA GPU that it
    runs on, None for the CPU.
    """

    name: str
    packages: tuple[tuple[str, ...], ...] = ()
    extra: str | None = None
    precision: str = FLOAT32
    gpu: int | None = None

    @property
    def device(self) -> str:
        """Where it runs, as ``--device`` has it."""
        return "cpu" if self.gpu is None else f"cuda:{self.gpu}"


_ENGINES = {
    "efficientnet-lite-int8": (Engine("onnxruntime", precision=INT8),),
    "insightface-pack": (Engine("insightface", (("insightface",),), "insightface"),),
    _SAVED_MODEL: (Engine("tensorflow", (("tensorflow", "tensorflow-cpu"), ("tensorflow-hub",)), "native"),),
}
"""The engines of some formats, in the order in which they are preferred. Where there are several, they give
the same scores: one may be taken for another at any time. In 8 bits they do not, each rounds in its way."""

_RUN_ONNX = (Engine("onnxruntime"), Engine("openvino", (("openvino",),), "openvino"))
"""Those of all other formats."""

SLOWEST = {"objects": 2.0, "faces": 2.0, "landmarks": 2.0, "music": 20.0, "actions": 60.0}
"""Seconds that a full-size model may take of all cores for a photo, a piece of music or a video, to be chosen
by `Backend.AUTO` where there is a portable one: 100 000 photos then take no more than two days and a half."""

_VECTORS = {"x86_64": "avx", "amd64": "avx", "aarch64": "asimd", "arm64": "asimd"}


def has_distribution(name: str) -> bool:
    return installed_version(name) is not None


class Backend(StrEnum):
    """What ``--backend`` may ask for."""

    AUTO = "auto"
    NATIVE = "native"
    PORTABLE = "portable"


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to use, which may have to be fetched first, and in a sentence why this one."""

    entry: ModelEntry
    reason: str


def select(
    recognizer: str,
    entries: Sequence[ModelEntry],
    installed: Callable[[ModelEntry], bool],
    hardware: Hardware,
    backend: Backend = Backend.AUTO,
    has_package: Callable[[str], bool] = has_distribution,
    ranking: Ranking = NOT_MEASURED,
) -> Choice:
    """Chooses among the models of a recognizer.

    `AUTO` takes a full-size model only if it is installed, fits and is not known by ``ranking`` to be too
    slow here (`SLOWEST`), else the portable one. `NATIVE` and `PORTABLE` insist on their tier, installed or
    not, where there are models of it. Raises NoUsableEngine if nothing is left.
    """
    own = [entry for entry in entries if entry.recognizer == recognizer]
    native = _preferred(own, Tier.NATIVE, installed)
    portable = _preferred(own, Tier.PORTABLE, installed)
    if backend is Backend.NATIVE and native:
        return _native(recognizer, native, hardware, has_package)
    obstacles: list[str] = []
    if backend is Backend.AUTO:
        for entry in native:
            if not installed(entry):
                continue
            obstacle = why_not(entry, hardware, has_package)
            if obstacle is None and portable:
                obstacle = _too_slow(entry, ranking)
            if obstacle is None:
                return Choice(entry, "a full-size model is installed, and this machine can run it")
            obstacles.append(f"{entry.name} is installed, but {obstacle}")
    if not portable:
        problem = "; ".join([*obstacles, "models.lock has no portable model for it"])
        raise NoUsableEngine(recognizer=recognizer, problem=problem)
    if backend is not Backend.AUTO:
        asked = "the portable model was asked for"
        none = "models.lock has no full-size model for it"
        return Choice(portable[0], asked if backend is Backend.PORTABLE else none)
    return Choice(portable[0], "; ".join(obstacles) or "no full-size model is installed")


def why_not(
    entry: ModelEntry, hardware: Hardware, has_package: Callable[[str], bool] = has_distribution
) -> str | None:
    """Why this machine cannot run a model, in words; None if it can. A portable model runs anywhere."""
    if entry.tier is Tier.PORTABLE:
        return None
    obstacle = lacking(engines_of(entry)[0], has_package)
    if obstacle is not None:
        return obstacle
    architecture = hardware.cpu.architecture
    vectors = _VECTORS.get(architecture.lower())
    if vectors is None:
        return f"it is too slow on {architecture}"
    if not hardware.cpu.has(vectors):
        return f"this CPU has no {vectors.upper()}"
    need = memory_needed(entry)
    if need > hardware.memory_available:
        have = hardware.memory_available // _MIB
        return f"it needs about {need // _MIB} MiB of memory, and {have} MiB are free"
    return None


def engines_of(entry: ModelEntry) -> tuple[Engine, ...]:
    """The engines that can run a model, installed or not, in the order in which they are preferred."""
    return _ENGINES.get(entry.format, _RUN_ONNX)


def engine_of(
    entry: ModelEntry,
    ranking: Ranking = NOT_MEASURED,
    has_package: Callable[[str], bool] = has_distribution,
) -> Engine:
    """What runs a model: of its installed engines the one that it was fastest in here, else the first."""
    first, *others = engines_of(entry)
    installed = [each for each in others if lacking(each, has_package) is None]
    return ranking.fastest(entry, [first, *installed])


def lacking(engine: Engine, has_package: Callable[[str], bool] = has_distribution) -> str | None:
    """Which package an engine needs and how to install it, in words; None if all are here."""
    for group in engine.packages:
        if not any(map(has_package, group)):
            return f"it needs the package {group[0]} (`pip install 'recognize-cli[{engine.extra}]'`)"
    return None


def _too_slow(entry: ModelEntry, ranking: Ranking) -> str | None:
    """Why nobody would wait for a model on this machine, in words; None if it was not found to be slow."""
    rate, limit = ranking.rate(entry, engine_of(entry, ranking)), SLOWEST.get(entry.recognizer)
    if rate is None or limit is None or rate * limit >= 1:
        return None
    return f"it takes all cores {1 / rate:.1f} s for a file (`recognize bench`), and {limit:g} s are the most"


def memory_needed(entry: ModelEntry) -> int:
    """Bytes of memory that a scan with this model takes, roughly and rather too many."""
    engine = _TENSORFLOW_MEMORY if entry.format == _SAVED_MODEL else 0
    return _MEMORY_FACTOR * entry.download_size + _MEMORY_BASE + engine


def _native(
    recognizer: str,
    native: Sequence[ModelEntry],
    hardware: Hardware,
    has_package: Callable[[str], bool],
) -> Choice:
    obstacles: list[str] = []
    for entry in native:
        obstacle = why_not(entry, hardware, has_package)
        if obstacle is None:
            return Choice(entry, "a full-size model was asked for")
        obstacles.append(f"{entry.name}: {obstacle}")
    raise NoUsableEngine(recognizer=recognizer, problem="; ".join(obstacles))


def _preferred(
    entries: Sequence[ModelEntry], tier: Tier, installed: Callable[[ModelEntry], bool]
) -> list[ModelEntry]:
    """The models of a tier: a default one first, then those installed, then the largest, which sees most."""
    return sorted(
        (entry for entry in entries if entry.tier is tier),
        key=lambda entry: (not entry.default, not installed(entry), -entry.download_size),
    )
