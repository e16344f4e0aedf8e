"""What this machine is and what of it this process may use: CPU, libc, cores, memory.

Facts only; what follows from them is decided in `models.select`. The readers take texts and folders,
so that other machines can be tested; `probe` reads this one.
"""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CPUINFO = Path("/proc/cpuinfo")
_MEMBERSHIP = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # cgroup v1 says "no limit" as a huge number of bytes
_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Cpu:
    """``flags`` are lower-case instruction-set names as Linux writes them; None if nobody can say."""

    architecture: str
    model: str
    flags: frozenset[str] | None

    def has(self, flag: str) -> bool:
        """Whether the CPU is known to have an instruction set."""
        return self.flags is not None and flag in self.flags


@dataclass(frozen=True, slots=True)
class Libc:
    """The C library; both fields are ``"unknown"`` where neither glibc nor musl is found."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What control groups allow: whole CPUs as a fraction, memory in bytes; None is no limit."""

    cpus: float | None = None
    memory: int | None = None
    memory_available: int | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """``cores`` and memory (in bytes) are what this process may use, not what the machine has."""

    cpu: Cpu
    libc: Libc
    cores: int
    memory: int
    memory_available: int


def probe() -> Hardware:
    """The machine that this runs on."""
    import psutil

    limits = cgroup_limits(_CGROUPS, _read(_MEMBERSHIP))
    ram = psutil.virtual_memory()
    return Hardware(
        cpu=_cpu(),
        libc=_libc(),
        cores=usable_cores(_affinity(), limits.cpus),
        memory=_least(ram.total, limits.memory),
        memory_available=_least(ram.available, limits.memory_available),
    )


def usable_cores(affinity: int, quota: float | None) -> int:
    """Cores to keep busy: those that the process may run on, under a CPU quota. At least 1."""
    return max(1, affinity if quota is None else min(affinity, math.ceil(quota)))


def parse_cpuinfo(text: str, architecture: str) -> Cpu:
    """Reads /proc/cpuinfo: x86 has ``flags``, ARM has ``Features`` and seldom a name."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features"))
    return Cpu(
        architecture=architecture,
        model=fields.get("model name") or fields.get("Model") or fields.get("Hardware") or architecture,
        flags=None if flags is None else frozenset(flags.lower().split()),
    )


def parse_sysctl(text: str, architecture: str) -> Cpu:
    """Reads macOS's ``sysctl machdep.cpu hw.optional``, in the names that Linux uses.

    Intel Macs list ``AVX1.0`` and ``AVX2``; Apple's own CPUs all have ``asimd``.
    """
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    listed = " ".join(fields.get(f"machdep.cpu.{key}", "") for key in ("features", "leaf7_features"))
    flags = set(listed.lower().replace("avx1.0", "avx").replace(".", "_").split())
    if architecture == "arm64":
        flags.add("asimd")
    return Cpu(
        architecture=architecture,
        model=fields.get("machdep.cpu.brand_string", architecture),
        flags=frozenset(flags) or None,
    )


def parse_musl(text: str) -> Libc | None:
    """Reads what musl's loader says when it is run without a program."""
    version = re.search(r"^Version (\S+)$", text, re.MULTILINE)
    return Libc("musl", version[1]) if version and text.startswith("musl libc") else None


def cgroup_limits(root: Path, membership: str) -> Limits:
    """The tightest limits of all control groups that hold this process, of version 1, 2 or both.

    `root` is where they are mounted, `membership` the text of /proc/self/cgroup. A group's limit
    binds the groups below it, so every parent counts; in a container the path within may lie
    outside of what is mounted, and then the root of the mount is the container's group.
    """
    cpus: list[float] = []
    memory: list[int] = []
    available: list[int] = []
    for line in membership.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for folder in _folders(root, controllers, path):
            cpus.extend(_cpu_quota(folder))
            cpus.extend(_cpu_set(folder))
            for limit, free in _memory_limit(folder):
                memory.append(limit)
                available.append(free)
    return Limits(min(cpus, default=None), min(memory, default=None), min(available, default=None))


def _folders(root: Path, controllers: str, path: str) -> Iterator[Path]:
    mounts = (root / controllers, *(root / name for name in controllers.split(","))) if controllers else ()
    for mount in mounts or (root, root / "unified"):
        if mount.is_dir():
            yield mount
            parts = [] if ".." in path else path.strip("/").split("/")
            yield from (mount.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1))


def _cpu_quota(folder: Path) -> Iterator[float]:
    words = _read(folder / "cpu.max").split() or [
        _read(folder / "cpu.cfs_quota_us").strip(),
        _read(folder / "cpu.cfs_period_us").strip(),
    ]
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])


def _cpu_set(folder: Path) -> Iterator[float]:
    """How many CPUs a group may run on; the kernel writes them as ``0-3,7``."""
    for name in ("cpuset.cpus.effective", "cpuset.effective_cpus"):
        ranges = re.findall(r"(\d+)(?:-(\d+))?", _read(folder / name))
        if ranges:
            yield float(sum(int(last or first) - int(first) + 1 for first, last in ranges))


def _memory_limit(folder: Path) -> Iterator[tuple[int, int]]:
    """The limit of a group and what is left of it; file cache that can go counts as left."""
    for limit_file, usage_file, cache_key in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit = _number(_read(folder / limit_file))
        if limit is None or limit >= _UNLIMITED:
            continue
        usage = _number(_read(folder / usage_file)) or 0
        cache = re.search(rf"^{cache_key} (\d+)$", _read(folder / "memory.stat"), re.MULTILINE)
        used = max(0, usage - (int(cache[1]) if cache else 0))
        yield limit, max(0, limit - used)


def _number(text: str) -> int | None:
    word = text.strip()
    return int(word) if word.isdecimal() else None


def _least(value: int, limit: int | None) -> int:
    return value if limit is None else min(value, limit)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> Cpu:
    architecture = platform.machine()
    if platform.system() == "Darwin":
        return parse_sysctl(_output(["sysctl", "machdep.cpu"]), architecture)
    return parse_cpuinfo(_read(_CPUINFO), architecture)


def _libc() -> Libc:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):  # the name is glibc's own
        name = ""
    if name == "glibc":
        return Libc(name, version)
    return _musl(Path("/lib").glob("ld-musl-*.so.1")) or Libc("unknown", "unknown")


def _musl(loaders: Iterable[Path]) -> Libc | None:
    return next(filter(None, (parse_musl(_output([str(loader)])) for loader in loaders)), None)


def _output(command: list[str]) -> str:
    """What a command prints, on either stream; empty if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
