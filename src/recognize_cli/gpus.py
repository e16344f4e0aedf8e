"""The NVIDIA GPUs of this machine, as their driver tells.

Its library is asked, which is there where the driver is, and whose calls are called the same in every release
since CUDA 3.2 (the CUDA driver API). In a container only GPUs that were handed to it exist.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_LIBRARY = "libcuda.so.1"
_LONGEST_NAME = 256
_NO_DEVICE = 100
_GIB = 1 << 30


class NoDriver(Exception):
    """There is no driver, or it does not work; the message says which."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, and the bytes of its memory."""

    name: str
    memory: int

    def __str__(self) -> str:
        return f"{self.name}, {self.memory / _GIB:.1f} GiB"


def probe_gpus(library: str = _LIBRARY) -> tuple[Gpu, ...]:
    """The GPUs that this process may use, in the order of their numbers. Raises NoDriver."""
    try:
        driver = ctypes.CDLL(library)
    except OSError as error:
        raise NoDriver(f"there is no NVIDIA driver ({error})") from error
    count = ctypes.c_int()
    code = driver.cuInit(0)
    if code == _NO_DEVICE:
        return ()
    _check(code)
    _check(driver.cuDeviceGetCount(ctypes.byref(count)))
    return tuple(_gpu(driver, number) for number in range(count.value))


def _gpu(driver: ctypes.CDLL, number: int) -> Gpu:
    device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_size_t()
    _check(driver.cuDeviceGet(ctypes.byref(device), number))
    _check(driver.cuDeviceGetName(name, _LONGEST_NAME, device))
    _check(driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device))
    return Gpu(name.value.decode(errors="replace"), memory.value)


def _check(code: int) -> None:
    if code:
        raise NoDriver(f"the NVIDIA driver does not work (CUDA error {code}); `nvidia-smi` may say why")
