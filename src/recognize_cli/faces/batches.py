"""Runs a model on many squares."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from recognize_cli.protocols import Session

_TOGETHER = 8
"""How many squares go through a model at once: more are not faster, and a crowd would take much memory."""


def in_batches(session: Session, squares: Iterable[NDArray[np.generic]]) -> list[NDArray[np.float32]]:
    """What the first output of a model holds for each square, the first input's; raises EngineError."""
    waiting = iter(squares)
    results: list[NDArray[np.float32]] = []
    while batch := list(islice(waiting, _TOGETHER)):
        outputs = session.run({session.inputs[0]: np.stack(batch)})
        results.extend(outputs[session.outputs[0]])
    return results
