"""What `recognize doctor` looks at: each check says what it found and, if that is bad, what to do.

A check never raises for what it finds; what it cannot find out is itself a finding.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from recognize_cli.cli.parameters import in_short
from recognize_cli.errors import ExitCode, RecognizeError
from recognize_cli.models.ranking import load_ranking
from recognize_cli.models.select import engine_of, select
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.hardware import Cpu, Hardware
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.store import Store

_MIB = 1 << 20
_LITTLE_MEMORY = 768 * _MIB
_LITTLE_DISK = 200 * _MIB
_TELLING_FLAGS = (
    *("sse4_2", "avx", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"),
    *("neon", "asimd", "asimddp", "i8mm", "sve"),
)


class State(StrEnum):
    """What a check came to."""

    GOOD = "ok"
    WARNING = "warning"  # a scan works, though not at its best
    BAD = "error"  # a scan fails


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; a bad one has a remedy and the exit code that a scan would end with."""

    name: str
    found: str
    state: State = State.GOOD
    remedy: str | None = None
    code: ExitCode = ExitCode.DONE


def telling_flags(cpu: Cpu) -> list[str]:
    """The instruction sets of a CPU that models run faster with."""
    return [flag for flag in _TELLING_FLAGS if cpu.has(flag)]


def machine(hardware: Hardware) -> Iterator[Check]:
    """CPU, libc, memory, cores, Python."""
    cpu, libc = hardware.cpu, hardware.libc
    flags = " ".join(telling_flags(cpu))
    yield Check("cpu", f"{cpu.model} ({cpu.architecture}), {flags or 'no vector instructions known'}")
    yield Check("cores", f"{hardware.cores} usable")
    memory = f"{hardware.memory_available // _MIB} of {hardware.memory // _MIB} MiB free"
    if hardware.memory_available < _LITTLE_MEMORY:
        remedy = "free some memory, or scan with --jobs 1 --threads 1 --backend portable"
        yield Check("memory", memory, State.WARNING, remedy)
    else:
        yield Check("memory", memory)
    yield Check("libc", f"{libc.name} {libc.version}")
    yield Check("python", f"{platform.python_version()} ({sys.executable})")


def decoders() -> Iterator[Check]:
    """Pillow and what it can read; the HEIF extra; what reads sound and video."""
    from PIL import features

    names = ("jpg", "webp", "avif", "libtiff")
    lacking = [name for name in names if not features.check(name)]
    pillow = f"{installed_version('pillow')}, reads " + " ".join(
        name for name in names if name not in lacking
    )
    if lacking:
        remedy = "pip install --force-reinstall pillow: its wheels read them all"
        yield Check("pillow", pillow, State.WARNING, remedy)
    else:
        yield Check("pillow", pillow)
    heif = installed_version("pillow-heif")
    if heif is None:
        remedy = "pip install 'recognize-cli[heif]'"
        yield Check("heif", "not installed: HEIC photos cannot be read", State.WARNING, remedy)
    else:
        yield Check("heif", f"pillow-heif {heif}")
    try:
        import av
        import soxr
    except ImportError as error:
        remedy = "pip install --force-reinstall av soxr: their wheels bring all they need"
        yield Check("sound", f"cannot be read, nor can video: {error}", State.WARNING, remedy)
    else:
        yield Check("sound", f"pyav {av.__version__}, soxr {soxr.__version__}")
        yield Check("video", f"pyav {av.__version__}, FFmpeg {av.ffmpeg_version_info}")


def models(lock: Lock, store: Store, hardware: Hardware, *, offline: bool) -> Iterator[Check]:
    """For each recognizer the model that a scan would take, and why; whether its bytes are right."""
    ranking = load_ranking(hardware)
    for recognizer in dict.fromkeys(entry.recognizer for entry in lock.models):
        try:
            choice = select(recognizer, lock.models, store.installed, hardware, ranking=ranking)
        except RecognizeError as error:
            yield failed(recognizer, error, "use the models.lock that ships with recognize")
            continue
        name = choice.entry.name
        found = f"{name} ({choice.entry.tier}, {engine_of(choice.entry, ranking).name}): {choice.reason}"
        if not store.installed(choice.entry):
            bound = "" if choice.entry.size_is_known else "at most "
            size = f"{bound}{choice.entry.download_size / 1e6:.0f} MB"
            found = f"{found}; not installed ({size})"
            if choice.entry.default:
                yield _missing(recognizer, found, name, store, offline=offline)
            else:
                yield Check(recognizer, f"{found}, and not needed; `recognize models fetch {name}` gets it")
            continue
        try:
            store.verify(choice.entry)
        except RecognizeError as error:
            yield failed(recognizer, error, f"recognize models fetch {name}")
        else:
            yield Check(recognizer, f"{found}; installed and verified")


def catalogue(path: Path) -> Iterator[Check]:
    """Opens the catalogue as a scan would, if there is one and nobody is at it; looks at the disk."""
    from recognize_cli.catalogue import SqliteCatalogue
    from recognize_cli.errors import Locked
    from recognize_cli.locking import acquire

    shown = in_short(path)
    if not os.path.lexists(path):
        yield _place_for_catalogue(path)
        return
    try:
        with acquire(path, wait=False):
            SqliteCatalogue.open(path).close()
    except Locked as error:
        remedy = "let that run end, or scan with --wait"
        yield Check("catalogue", str(error), State.WARNING, remedy)
    except RecognizeError as error:
        yield failed("catalogue", error, "name another with --catalogue FILE, or repair this one as it says")
    else:
        yield Check("catalogue", f"{shown}, {path.stat().st_size / 1e6:.1f} MB")
    yield _disk(path.parent)


def failed(name: str, error: RecognizeError, remedy: str) -> Check:
    """The finding that a scan would end with this error."""
    return Check(name, str(error), State.BAD, remedy, error.exit_code)


def _missing(recognizer: str, found: str, name: str, store: Store, *, offline: bool) -> Check:
    by_hand = f"recognize models fetch {name}, or recognize models fetch --from DIR {name}"
    if offline:
        return Check(recognizer, found, State.BAD, by_hand, ExitCode.MODEL)
    if not _writable(store.root):
        remedy = f"make {store.root} writable, or name another folder with --store DIR"
        return Check(recognizer, f"{found}, and it cannot be", State.BAD, remedy, ExitCode.MODEL)
    return Check(recognizer, f"{found}, the next scan fetches it")


def _place_for_catalogue(path: Path) -> Check:
    if _writable(path.parent):
        return Check("catalogue", f"{in_short(path)}, made by the next scan")
    found = f"{in_short(path)} cannot be made"
    remedy = f"make {path.parent} writable, or name another file with --catalogue FILE"
    return Check("catalogue", found, State.BAD, remedy, ExitCode.CATALOGUE)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    found = f"{free // _MIB} MiB free at {in_short(folder)}"
    if free < _LITTLE_DISK:
        return Check("disk", found, State.WARNING, "free some space: a full disk ends a scan")
    return Check("disk", found)


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it does not exist yet."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
