from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.hardware import (
    Cpu,
    Libc,
    Limits,
    cgroup_limits,
    parse_cpuinfo,
    parse_musl,
    parse_sysctl,
    probe,
    usable_cores,
)

if TYPE_CHECKING:
    from pathlib import Path

XEON = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx f16c avx2 avx512f avx512_vnni amx_int8
bugs\t\t: spectre_v1

processor\t: 1
model name\t: another
flags\t\t: fpu
"""
ATOM = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Celeron(R) CPU  J1900  @ 1.99GHz
flags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 popcnt
"""
PI_4 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd08

Revision\t: c03111
Model\t\t: Raspberry Pi 4 Model B Rev 1.1
"""
PI_2 = """\
processor\t: 0
model name\t: ARMv7 Processor rev 5 (v7l)
Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4
Hardware\t: BCM2835
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd asimddp sve i8mm\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("text", "architecture", "model", "has", "lacks"),
    [
        (XEON, "x86_64", "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "avx512_vnni", "neon"),
        (ATOM, "x86_64", "Intel(R) Celeron(R) CPU  J1900  @ 1.99GHz", "sse4_2", "avx"),
        (PI_4, "aarch64", "Raspberry Pi 4 Model B Rev 1.1", "asimd", "asimddp"),
        (PI_2, "armv7l", "ARMv7 Processor rev 5 (v7l)", "neon", "asimd"),
        (GRAVITON, "aarch64", "aarch64", "i8mm", "avx"),
    ],
)
def test_cpuinfo_of_other_machines(text: str, architecture: str, model: str, has: str, lacks: str) -> None:
    cpu = parse_cpuinfo(text, architecture)
    assert cpu.model == model
    assert cpu.architecture == architecture
    assert cpu.has(has)
    assert not cpu.has(lacks)


def test_an_unreadable_cpuinfo_says_that_nothing_is_known() -> None:
    assert parse_cpuinfo("", "riscv64") == Cpu("riscv64", "riscv64", None)
    assert not parse_cpuinfo("", "x86_64").has("avx")


def test_sysctl_of_macs() -> None:
    intel = parse_sysctl(
        "machdep.cpu.brand_string: Intel(R) Core(TM) i5\n"
        "machdep.cpu.features: FPU SSE4.2 AVX1.0 RDRAND\n"
        "machdep.cpu.leaf7_features: BMI1 AVX2\n",
        "x86_64",
    )
    assert intel.model == "Intel(R) Core(TM) i5"
    assert {"sse4_2", "avx", "avx2"} <= (intel.flags or frozenset())
    apple = parse_sysctl("machdep.cpu.brand_string: Apple M2\n", "arm64")
    assert apple == Cpu("arm64", "Apple M2", frozenset({"asimd"}))
    assert parse_sysctl("", "x86_64") == Cpu("x86_64", "x86_64", None)


def test_what_the_loader_of_musl_says() -> None:
    text = (
        "musl libc (aarch64)\nVersion 1.2.4\nDynamic Program Loader\nUsage: ld-musl-aarch64.so.1 [options]\n"
    )
    assert parse_musl(text) == Libc("musl", "1.2.4")
    assert parse_musl("sh: not found") is None


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_version_2_on_the_host_every_parent_binds(tmp_path: Path) -> None:
    group(tmp_path)
    group(
        tmp_path / "system.slice",
        memory__max="4294967296\n",
        memory__current="1000\n",
        cpu__max="max 100000\n",
    )
    group(
        tmp_path / "system.slice/recognize.service",
        cpu__max="150000 100000\n",
        memory__max="max\n",
        memory__current="500\n",
    )
    limits = cgroup_limits(tmp_path, "0::/system.slice/recognize.service\n")
    assert limits == Limits(cpus=1.5, memory=4294967296, memory_available=4294966296)


def test_version_2_in_a_container_the_mount_is_the_group(tmp_path: Path) -> None:
    group(
        tmp_path,
        cpu__max="200000 100000\n",
        memory__max="1073741824\n",
        memory__current="900000000\n",
        memory__stat="anon 1\ninactive_file 800000000\nactive_file 2\n",
    )
    for path in ("/", "/../../host/path", "/not/mounted"):
        limits = cgroup_limits(tmp_path, f"0::{path}\n")
        assert limits == Limits(cpus=2.0, memory=1073741824, memory_available=973741824)


V1 = """\
12:memory:/docker/abc
9:cpu,cpuacct:/docker/abc
1:name=systemd:/docker/abc
"""


def test_version_1(tmp_path: Path) -> None:
    group(tmp_path / "cpu,cpuacct/docker/abc", cpu__cfs_quota_us="50000\n", cpu__cfs_period_us="100000\n")
    group(tmp_path / "memory", memory__limit_in_bytes="9223372036854771712\n")
    group(
        tmp_path / "memory/docker/abc",
        memory__limit_in_bytes="536870912\n",
        memory__usage_in_bytes="100000000\n",
        memory__stat="inactive_file 5\ntotal_inactive_file 90000000\n",
    )
    assert cgroup_limits(tmp_path, V1) == Limits(0.5, 536870912, 526870912)


def test_version_1_in_a_container_and_without_limits(tmp_path: Path) -> None:
    group(tmp_path / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    group(tmp_path / "memory", memory__limit_in_bytes="9223372036854771712\n")
    assert cgroup_limits(tmp_path, V1) == Limits()


@pytest.mark.parametrize(
    ("folder", "file", "membership"),
    [
        ("a", "cpuset__cpus__effective", "0::/a\n"),
        ("cpuset/a", "cpuset__effective_cpus", "3:cpuset:/a\n"),
    ],
)
@pytest.mark.parametrize(("cpus", "count"), [("0\n", 1), ("0-3,7\n", 5), ("2-3\n", 2), ("\n", None)])
def test_the_cpus_of_a_group(
    tmp_path: Path, folder: str, file: str, membership: str, cpus: str, count: float | None
) -> None:
    group(tmp_path / folder, **{file: cpus})
    assert cgroup_limits(tmp_path, membership) == Limits(cpus=count)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to CPUs here")
def test_a_process_bound_to_one_cpu_has_one_core() -> None:
    cpu = min(os.sched_getaffinity(0))
    told = subprocess.run(
        [sys.executable, "-c", "from recognize_cli.hardware import probe; print(probe().cores)"],
        preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "1\n"


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    group(tmp_path / "unified/a", cpu__max="100000 100000\n")
    group(tmp_path / "memory/b", memory__limit_in_bytes="1000000\n", memory__usage_in_bytes="2000000\n")
    assert cgroup_limits(tmp_path, "3:memory:/b\n0::/a\n") == Limits(1.0, 1000000, 0)


@given(membership=st.text(st.sampled_from("0123:/.,abmemorycpu\n"), max_size=40))
def test_any_membership_is_survived(tmp_path_factory: pytest.TempPathFactory, membership: str) -> None:
    assert cgroup_limits(tmp_path_factory.getbasetemp() / "none", membership) == Limits()


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"), [(8, None, 8), (8, 1.5, 2), (2, 4.0, 2), (4, 0.1, 1), (0, None, 1)]
)
def test_usable_cores(affinity: int, quota: float | None, cores: int) -> None:
    assert usable_cores(affinity, quota) == cores


def test_this_machine() -> None:
    found = probe()
    assert found.cores >= 1
    assert 0 < found.memory_available <= found.memory
    assert found.libc.name in {"glibc", "musl", "unknown"}
