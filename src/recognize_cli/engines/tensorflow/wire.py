"""Messages between a session and its worker: a line of JSON, and the bytes of arrays that it announces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray


def send(line: Connection, message: Mapping[str, object]) -> None:
    """Sends a message; raises OSError where the other side is gone."""
    line.send_bytes(json.dumps(message).encode())


def receive(line: Connection) -> dict[str, Any]:
    """The next message; raises EOFError or OSError where the other side is gone."""
    message: dict[str, Any] = json.loads(line.recv_bytes())
    return message


def send_arrays(line: Connection, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Sends arrays by name; raises as `send` does."""
    heads = {name: (array.dtype.str, array.shape) for name, array in arrays.items()}
    send(line, {"arrays": heads})
    for array in arrays.values():
        line.send_bytes(array.tobytes())


def receive_arrays(line: Connection, message: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The arrays by name that a message announced, read-only; raises as `receive` does."""
    return {
        name: np.frombuffer(line.recv_bytes(), np.dtype(dtype)).reshape(shape)
        for name, (dtype, shape) in message["arrays"].items()
    }
