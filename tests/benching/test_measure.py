"""Measurements of a recognizer that is made here, with real decoders and real scans."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from recognize_cli.benching import material, parts
from recognize_cli.benching.measure import Bench, Figures, NothingToMeasure, measure
from recognize_cli.benching.meter import Meter
from recognize_cli.benching.whole import Settings, pace
from recognize_cli.errors import EngineError
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.records import Decoded, Kind, MediaFile
from tests.support.photos import CAT, COFFEE, put
from tests.support.recognizers import Shades

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from recognize_cli.protocols import Session
    from recognize_cli.records import Batch, Scores

SETTINGS = Settings(jobs=2, threads=2, batch_size=2, look_ahead=10)


class Echo:
    """A session that takes a moment."""

    inputs = ("in",)
    outputs = ("out",)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        work(0.002)
        return {"out": feeds["in"]}

    def close(self) -> None: ...


class Prepared(Shades):
    """Spends as long on preparation as its model runs, and sees whole images."""

    view = None

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**options)
        self._session = session
        self.open = 0

    def load(self) -> None:
        super().load()
        self.open += 1

    def run(self, batch: Batch) -> Sequence[Scores]:
        work(0.002)
        self._session.run({"in": np.zeros(1)})
        return super().run(batch)

    def close(self) -> None:
        self.open = 0


def work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(2) as opened:
        yield opened


@pytest.fixture
def photos(tmp_path: Path) -> material.Material:
    put(CAT, tmp_path / "cat.jpg")
    put(COFFEE, tmp_path / "trip" / "coffee.jpg")
    (tmp_path / "zero.jpg").write_bytes(b"\xff\xd8 and no more")
    return material.given(str(tmp_path), {Kind.IMAGE, Kind.AUDIO}, 9)


def bench(found: material.Material, sandbox: Sandbox, seconds: float = 0.05) -> Bench:
    return Bench(found, sandbox, lambda _scores: (), SETTINGS, 2, seconds)


def measured(found: material.Material, sandbox: Sandbox) -> Figures:
    return measure(lambda meter: Prepared(meter.opener(lambda _: Echo())(Path())), bench(found, sandbox))


def test_all_figures_are_there_and_agree(photos: material.Material, sandbox: Sandbox) -> None:
    figures = measured(photos, sandbox)
    assert (figures.kind, figures.files, figures.failed) == (Kind.IMAGE, 3, 1)
    assert figures.model >= 0.001  # of a batch of two
    assert figures.preparation is not None
    assert figures.preparation >= 0.001
    assert figures.decoding > 0
    assert figures.floor == pytest.approx(2 / (figures.decoding + figures.model))
    assert figures.ratio == pytest.approx(figures.scan_rate / figures.floor)
    assert figures.model_rate > 0
    assert len(figures.scan.rates) == 3
    assert figures.memory > 10e6
    assert figures.decoders_memory > 10e6


def test_the_recognizer_is_closed_whatever_happens(photos: material.Material, sandbox: Sandbox) -> None:
    made: list[Prepared] = []

    def build(meter: Meter) -> Prepared:
        made.append(Prepared(meter.opener(lambda _: Echo())(Path())))
        return made[-1]

    measure(build, bench(photos, sandbox))
    assert made[-1].loads > 1
    assert made[-1].open == 0


def test_a_model_that_cannot_be_loaded_is_an_error(photos: material.Material, sandbox: Sandbox) -> None:
    with pytest.raises(EngineError, match="cannot be loaded"):
        measure(lambda _: Shades(loadable=False), bench(photos, sandbox))


@pytest.mark.parametrize("name", ["zero.jpg", "notes.txt"])
def test_without_a_file_that_can_be_read_nothing_is_measured(
    tmp_path: Path, sandbox: Sandbox, name: str
) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    found = material.given(str(tmp_path), {Kind.IMAGE}, 9)
    with pytest.raises(NothingToMeasure, match="no image"):
        measure(lambda _: Shades(), bench(found, sandbox))


def test_an_engine_that_is_not_metered_has_no_preparation() -> None:
    batches = parts.in_batches("shades", [blank(0)], 2)
    cost = parts.alone(Prepared(Echo()), batches, Meter(), 0)
    assert cost.preparation is None
    assert cost.model >= 0.004


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (2, [2]), (3, [2]), (4, [2, 2]), (5, [2, 2])])
def test_batches_are_as_large_as_in_a_scan(count: int, sizes: list[int]) -> None:
    batches = parts.in_batches("shades", [blank(index) for index in range(count)], 2)
    assert [len(batch.inputs) for batch in batches] == sizes


def blank(index: int) -> Decoded:
    file = MediaFile("", f"{index}.jpg", Kind.IMAGE, 1, "", 0.0)
    return Decoded(file, {None: np.zeros((8, 8, 3), np.uint8)})


def test_a_scan_goes_over_the_files_again_and_again(photos: material.Material, sandbox: Sandbox) -> None:
    shades = Prepared(Echo())
    good = [file for file in photos.files[Kind.IMAGE] if file.name != "zero.jpg"]
    found = pace(photos, good, shades, sandbox, lambda _scores: (), SETTINGS, 0.05)
    assert set(shades.seen) == {file.path for file in good}
    assert len(shades.seen) > SETTINGS.look_ahead + 3 * SETTINGS.threads * SETTINGS.batch_size
    assert len(found.rates) == 3
    assert found.decoder_wait >= 0
    assert found.model_wait >= 0
    assert 0 <= found.others <= 1
