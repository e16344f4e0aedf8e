from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.benching.meter import Meter
from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class Busy:
    """A session that works for 10 ms in its thread and echoes; it fails without an input."""

    inputs = ("in",)
    outputs = ("out",)
    closed = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if not feeds:
            raise EngineError(engine="busy", problem="nothing to do")
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        return {"out": feeds["in"]}

    def close(self) -> None:
        self.closed = True


def test_a_metered_session_is_the_session_and_notes_how_long_it_runs() -> None:
    meter, busy = Meter(), Busy()
    session = meter.opener(lambda _: busy)(Path("model.onnx"))
    assert (session.inputs, session.outputs) == (busy.inputs, busy.outputs)
    for _ in range(2):
        assert session.run({"in": np.arange(3)})["out"].tolist() == [0, 1, 2]
    assert meter.cpu >= 0.02
    assert meter.wall >= 0.02
    session.close()
    assert busy.closed
    meter.reset()
    assert (meter.wall, meter.cpu) == (0, 0)


def test_a_failure_passes() -> None:
    session = Meter().opener(lambda _: Busy())(Path("model.onnx"))
    with pytest.raises(EngineError):
        session.run({})
