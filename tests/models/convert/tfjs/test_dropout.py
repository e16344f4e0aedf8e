from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tfjs import convert
from tests.models.convert.tfjs.made import Made, run

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.arange(12, dtype=np.float32).reshape(2, 6)


def mask(made: Made, value: str, share: float, per_example: bool, swap: bool) -> str:
    """A random mask that keeps a share of the values, in either of TensorFlow's two ways."""
    random = made.add("RandomUniform", made.add("Shape", value), dtype="DT_FLOAT", seed=0)
    if per_example:
        total = [made.const(np.float32(share)), random]
        return made.add("Floor", made.add("AddV2", *(total[::-1] if swap else total)))
    kept = made.add("GreaterEqual", random, made.const(np.float32(1 - share)))
    return made.add("Cast", kept, SrcT="DT_BOOL", DstT="DT_FLOAT")


def dropped(
    made: Made, value: str, factor: float | None, masked: str, swap: bool, divide: bool = False
) -> str:
    if factor is not None:
        number = made.const(np.float32(1 / factor if divide else factor))
        pair = (number, value) if swap and not divide else (value, number)
        value = made.add("RealDiv" if divide else "Mul", *pair)
    return made.add("Mul", *((masked, value) if swap else (value, masked)))


def result(made: Made, output: str, folder: Path) -> np.ndarray:
    made.save(folder, output)
    convert(folder / "model.json", folder, folder / "model.onnx")
    return run(folder / "model.onnx", {"images:0": IMAGES})[0]


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("divide", [False, True])
def test_dropout_vanishes(per_example: bool, swap: bool, divide: bool, tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 6))
    masked = mask(made, "images", 0.8, per_example, swap)
    output = made.add("Neg", dropped(made, "images", 1.25, masked, swap, divide))
    np.testing.assert_array_equal(result(made, output, tmp_path), -IMAGES)


def test_dropout_of_dropout_at_the_output(tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 6))
    inner = dropped(made, "images", 2, mask(made, "images", 0.5, False, False), False)
    outer = dropped(made, inner, 1 / 0.9, mask(made, inner, 0.9, True, True), True)
    np.testing.assert_array_equal(result(made, outer, tmp_path), IMAGES)


@pytest.mark.parametrize("factor", [None, 1.0, 2.0])
def test_a_mask_whose_mean_is_not_one(factor: float | None, tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 6))
    output = dropped(made, "images", factor, mask(made, "images", 0.8, True, False), False)
    with pytest.raises(
        ConversionFailed, match=rf"{output}.* keeps a share of 0\.8, and the factor .* {factor or 1:g}"
    ):
        result(made, output, tmp_path)


def test_other_random_numbers_stay_an_error(tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 6))
    noise = made.add("RandomUniform", made.add("Shape", "images"), name="noise", dtype="DT_FLOAT")
    with pytest.raises(
        ConversionFailed, match=r"'noise' \(RandomUniform\): the op RandomUniform is not supported"
    ):
        result(made, made.add("Add", "images", noise), tmp_path)


def test_dropouts_in_a_circle(tmp_path: Path) -> None:
    made = Made()
    made.placeholder((-1, 6))
    masked = mask(made, "images", 0.5, True, False)
    for name, other in [("a", "b"), ("b", "a")]:
        scaled = made.add("Mul", other, made.const(np.float32(2)))
        made.add("Mul", scaled, masked, name=name)
    with pytest.raises(ConversionFailed, match="depends on its own result"):
        result(made, "a", tmp_path)
