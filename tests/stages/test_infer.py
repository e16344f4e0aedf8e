from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import EngineError
from recognize_cli.records import Kind, Reason
from recognize_cli.stages.infer import infer
from recognize_cli.stages.items import Job, Ready, Scored
from tests.support.records import decoded, media_file, result, scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.records import Batch, Scores


class Sizes:
    """A recognizer that knows one class, fails on pixels of value 13 and notes its batches."""

    kinds = frozenset({Kind.IMAGE})
    fingerprint = "sizes-1"
    min_side = 8

    def __init__(self, name: str = "sizes", *, loadable: bool = True) -> None:
        self.name = name
        self.batches: list[int] = []
        self._loadable = loadable
        self._lock = threading.Lock()

    def load(self) -> None:
        if not self._loadable:
            raise EngineError(engine="made", problem="it cannot be loaded")

    def run(self, batch: Batch) -> Sequence[Scores]:
        with self._lock:
            self.batches.append(len(batch.inputs))
        if any(each.pixels[0, 0, 0] == 13 for each in batch.inputs):
            raise EngineError(engine="made", problem="unlucky")
        return [scores(each.file, ("square", 0.5), recognizer=self.name) for each in batch.inputs]

    def close(self) -> None: ...


def ready(count: int, *wanted: str) -> list[Ready]:
    files = [media_file(f"{index}.jpg") for index in range(count)]
    return [Ready(Job(file, wanted), decoded(file, index)) for index, file in enumerate(files)]


def test_batches_are_filled_and_nothing_is_lost() -> None:
    sizes = Sizes()
    out = list(infer(ready(10, "sizes"), {"sizes": sizes}, threads=2, batch_size=4))
    assert sorted(item.job.file.path for item in out if isinstance(item, Scored)) == [
        f"{index}.jpg" for index in range(10)
    ]
    assert sorted(sizes.batches) == [2, 4, 4]


def test_a_bad_input_fails_alone_and_only_for_its_recognizer() -> None:
    lucky = Sizes("lucky")
    lucky.run = lambda batch: [scores(each.file, recognizer="lucky") for each in batch.inputs]  # type: ignore[method-assign]
    both = {"sizes": Sizes(), "lucky": lucky}
    out = [item for item in infer(ready(16, "sizes", "lucky"), both, threads=2, batch_size=8)]
    failed = [item for item in out if isinstance(item, Scored) and item.failures]
    assert [item.job.file.path for item in failed] == ["13.jpg"]
    (failure,) = failed[0].failures
    assert (failure.reason, failure.recognizer) == (Reason.INFERENCE, "sizes")
    assert [each.recognizer for each in failed[0].scores] == ["lucky"]


def test_a_model_that_cannot_be_loaded_ends_the_run() -> None:
    with pytest.raises(EngineError, match="cannot be loaded"):
        list(infer(ready(1, "sizes"), {"sizes": Sizes(loadable=False)}, threads=1, batch_size=1))


def test_what_is_finished_passes_through_and_loads_no_model() -> None:
    known = result(unchanged=True)
    assert list(infer([known], {"sizes": Sizes(loadable=False)}, threads=1, batch_size=4)) == [known]


def test_files_that_want_different_recognizers_do_not_share_a_batch() -> None:
    first, second = Sizes("first"), Sizes("second")
    mixed = [*ready(2, "first"), *ready(2, "second"), *ready(2, "first", "second")]
    out = list(infer(mixed, {"first": first, "second": second}, threads=1, batch_size=2))
    assert [len(item.scores) for item in out if isinstance(item, Scored)] == [1, 1, 1, 1, 2, 2]
