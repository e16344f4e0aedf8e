from __future__ import annotations

import pytest

from recognize_cli.errors import EngineError
from recognize_cli.records import Reason
from recognize_cli.stages.infer import infer
from recognize_cli.stages.items import Job, Ready, Scored
from tests.support.recognizers import UNLUCKY, Shades
from tests.support.records import decoded, media_file, result, scores


def ready(count: int, *wanted: str) -> list[Ready]:
    files = [media_file(f"{index}.jpg") for index in range(count)]
    return [Ready(Job(file, wanted), decoded(file, index)) for index, file in enumerate(files)]


def test_batches_are_filled_and_nothing_is_lost() -> None:
    shades = Shades()
    out = list(infer(ready(10, "shades"), {"shades": shades}, threads=2, batch_size=4))
    assert sorted(item.job.file.path for item in out if isinstance(item, Scored)) == [
        f"{index}.jpg" for index in range(10)
    ]
    assert sorted(shades.batches) == [2, 4, 4]


def test_a_bad_input_fails_alone_and_only_for_its_recognizer() -> None:
    lucky = Shades("lucky")
    lucky.run = lambda batch: [scores(each.file, recognizer="lucky") for each in batch.inputs]  # type: ignore[method-assign]
    both = {"shades": Shades(), "lucky": lucky}
    out = [item for item in infer(ready(16, "shades", "lucky"), both, threads=2, batch_size=8)]
    failed = [item for item in out if isinstance(item, Scored) and item.failures]
    assert [item.job.file.path for item in failed] == [f"{UNLUCKY}.jpg"]
    (failure,) = failed[0].failures
    assert (failure.reason, failure.recognizer) == (Reason.INFERENCE, "shades")
    assert [each.recognizer for each in failed[0].scores] == ["lucky"]


def test_a_model_that_cannot_be_loaded_ends_the_run() -> None:
    with pytest.raises(EngineError, match="cannot be loaded"):
        list(infer(ready(1, "shades"), {"shades": Shades(loadable=False)}, threads=1, batch_size=1))


def test_what_is_finished_passes_through_and_loads_no_model() -> None:
    known = result(unchanged=True)
    assert list(infer([known], {"shades": Shades(loadable=False)}, threads=1, batch_size=4)) == [known]


def test_files_that_want_different_recognizers_do_not_share_a_batch() -> None:
    first, second = Shades("first"), Shades("second")
    mixed = [*ready(2, "first"), *ready(2, "second"), *ready(2, "first", "second")]
    out = list(infer(mixed, {"first": first, "second": second}, threads=1, batch_size=2))
    assert [len(item.scores) for item in out if isinstance(item, Scored)] == [1, 1, 1, 1, 2, 2]
