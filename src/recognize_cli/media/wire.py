"""Messages between the sandbox and its workers: a length, a line of JSON, then the bytes of arrays.

No pickles: a worker has touched hostile bytes, so what it says is checked before it is used.
"""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recognize_cli.media.jobs import Raw

_LENGTH_BYTES = 4
_MAX_MESSAGE = 1 << 20
_MAX_ARRAYS = 64 << 20  # bytes
_DTYPES = ("|u1", "<f4")


def send(line: socket.socket, message: dict[str, Any], arrays: Sequence[Raw] = ()) -> None:
    """Sends a message, and arrays (none of them empty) with it."""
    if arrays:
        message = {**message, "arrays": [{"dtype": each.dtype, "shape": each.shape} for each in arrays]}
    text = json.dumps(message).encode("ascii")
    line.sendall(len(text).to_bytes(_LENGTH_BYTES, "big") + text)
    for each in arrays:
        line.sendall(each.data)


def receive(line: socket.socket, deadline: float | None = None) -> dict[str, Any]:
    """The next message; `deadline` is a time of `time.monotonic`.

    Raises EOFError when the other side is gone, TimeoutError, and ValueError for what is no message.
    """
    length = bytearray(_LENGTH_BYTES)
    _fill(line, memoryview(length), deadline)
    text = bytearray(_checked(int.from_bytes(length, "big"), _MAX_MESSAGE))
    _fill(line, memoryview(text), deadline)
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message is not an object")
    return message


def receive_arrays(
    line: socket.socket, message: dict[str, Any], deadline: float | None = None
) -> list[NDArray[Any]]:
    """The arrays that `message` announced; raises what `receive` raises."""
    import numpy as np

    announced = [_announced(each) for each in message.get("arrays", ())]
    if announced:
        total = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in announced)
        _checked(total, _MAX_ARRAYS)
    arrays = []
    for dtype, shape in announced:
        array = np.empty(shape, dtype)
        _fill(line, array.data.cast("B"), deadline)
        arrays.append(array)
    return arrays


def _announced(array: dict[str, Any]) -> tuple[str, list[int]]:
    dtype, shape = array.get("dtype"), array.get("shape")
    if (
        dtype not in _DTYPES
        or not isinstance(shape, list)
        or not all(type(side) is int and side > 0 for side in shape)
    ):
        raise ValueError("a message announces no array")
    return dtype, shape


def _checked(size: int, limit: int) -> int:
    if not 0 < size <= limit:
        raise ValueError(f"a message of {size} bytes")
    return size


def _fill(line: socket.socket, view: memoryview, deadline: float | None) -> None:
    while view:
        line.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
        try:
            count = line.recv_into(view)
        except ConnectionError as error:
            raise EOFError from error
        if not count:
            raise EOFError
        view = view[count:]
