"""A model that several threads ask for at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from recognize_cli.loading import OnDemand


class Model:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_it_is_opened_once_whoever_asks() -> None:
    opened: list[Model] = []

    def open_slowly() -> Model:
        time.sleep(0.05)
        opened.append(Model())
        return opened[-1]

    model = OnDemand(open_slowly)
    with ThreadPoolExecutor(8) as pool:
        for loading in [pool.submit(model.load) for _ in range(8)]:
            loading.result()
    assert opened == [model.value]


def test_it_is_no_value_before_and_after() -> None:
    model = OnDemand(Model)
    model.close()
    with pytest.raises(RuntimeError, match="before load"):
        _ = model.value
    model.load()
    first = model.value
    model.close()
    assert first.closed
    with pytest.raises(RuntimeError, match="before load"):
        _ = model.value
    model.load()
    assert model.value is not first


def test_what_could_not_be_opened_is_tried_again() -> None:
    tries = iter([OSError("gone"), Model()])

    def open_() -> Model:
        outcome = next(tries)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    model = OnDemand(open_)
    with pytest.raises(OSError, match="gone"):
        model.load()
    model.load()
    assert isinstance(model.value, Model)
