from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def entry(
    name: str, shape: list[int], dtype: str = "float32", quantization: dict[str, Any] | None = None
) -> dict[str, Any]:
    result: dict[str, Any] = {"name": name, "shape": shape, "dtype": dtype}
    return result if quantization is None else {**result, "quantization": quantization}


def opened(folder: Path, entries: list[dict[str, Any]], *shards: bytes) -> Weights:
    for number, content in enumerate(shards):
        (folder / f"{number}.bin").write_bytes(content)
    return Weights.open([{"weights": entries, "paths": [f"{n}.bin" for n in range(len(shards))]}], folder)


def values(weights: Weights, name: str) -> NDArray[Any]:
    weight = weights.find(name)
    assert weight is not None
    return weights.read(weight)


@given(st.lists(st.lists(st.integers(0, 255), max_size=9), min_size=1, max_size=6), st.data())
def test_cuts_may_be_anywhere(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], data: st.DataObject
) -> None:
    stream = b"".join(np.array(part, "<i4").tobytes() for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    shards = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    entries = [entry(f"w{number}", [len(part)], "int32") for number, part in enumerate(parts)]
    weights = opened(tmp_path_factory.mktemp("shards"), entries, *shards)
    for number, part in enumerate(parts):
        assert values(weights, f"w{number}").tolist() == part


def test_types(tmp_path: Path) -> None:
    content = np.array([1.5, -2], "<f4").tobytes() + np.array([-7], "<i4").tobytes() + bytes([1, 0])
    entries = [entry("f", [2, 1]), entry("i", [], "int32"), entry("b", [2], "bool")]
    weights = opened(tmp_path, entries, content)
    np.testing.assert_array_equal(values(weights, "f"), np.array([[1.5], [-2]], np.float32))
    assert values(weights, "i").tolist() == -7
    assert values(weights, "b").tolist() == [True, False]
    for name, kind in [("f", Kind.FLOAT), ("i", Kind.INTEGER), ("b", Kind.BOOLEAN)]:
        assert values(weights, name).dtype == kind.value
    assert weights.find("other") is None


def test_groups_are_streams_of_their_own(tmp_path: Path) -> None:
    manifest = []
    for name in "ab":
        (tmp_path / f"{name}.bin").write_bytes(np.array([ord(name)], "<i4").tobytes())
        manifest.append({"paths": [f"{name}.bin"], "weights": [entry(name, [1], "int32")]})
    weights = Weights.open(manifest, tmp_path)
    assert [values(weights, name).item() for name in "ab"] == [97, 98]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_quantised_floats(dtype: str, tmp_path: Path) -> None:
    stored = np.array([0, 1, 200], dtype)
    quantization = {"dtype": dtype, "scale": 0.01, "min": -1}
    weights = opened(tmp_path, [entry("w", [3], "float32", quantization)], stored.tobytes())
    np.testing.assert_array_equal(values(weights, "w"), np.array([-1, -0.99, 1], np.float32))


def test_quantised_integers_round_halves_upwards(tmp_path: Path) -> None:
    """As Math.round of JavaScript, which TensorFlow.js uses."""
    quantization = {"dtype": "uint8", "scale": 0.5, "min": -1.5}
    weights = opened(tmp_path, [entry("w", [6], "int32", quantization)], bytes([0, 1, 2, 3, 4, 6]))
    assert values(weights, "w").tolist() == [-1, -1, 0, 0, 1, 2]


def test_float16(tmp_path: Path) -> None:
    stored = np.array([1 / 3, -65504], "<f2")
    quantization = {"dtype": "float16", "original_dtype": "float32"}
    weights = opened(tmp_path, [entry("w", [2], "float32", quantization)], stored.tobytes())
    np.testing.assert_array_equal(values(weights, "w"), stored.astype(np.float32))


@pytest.mark.parametrize(("sizes", "found"), [((3,), 3), ((5,), 5), ((2, 1), 3), ((), 0)])
def test_too_few_or_too_many_bytes(sizes: tuple[int, ...], found: int, tmp_path: Path) -> None:
    with pytest.raises(Unconvertible, match=f"hold {found} bytes, but the manifest describes 4"):
        opened(tmp_path, [entry("w", [1])], *(bytes(size) for size in sizes))


def test_a_missing_shard(tmp_path: Path) -> None:
    with pytest.raises(Unconvertible, match=r"the shard a\.bin cannot be read: No such file"):
        Weights.open([{"paths": ["a.bin"], "weights": [entry("w", [1])]}], tmp_path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "a/../../secret"])
def test_shards_lie_in_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unconvertible, match="lies outside the model's folder"):
        Weights.open([{"paths": [name], "weights": []}], tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("w", [], "string")], "'w' has the dtype 'string', which is not supported"),
        ([entry("w", [], "complex64")], "'complex64', which is not supported"),
        ([entry("w", [-1])], "the shape of the weight 'w' has a negative size"),
        ([entry("w", [2**40])], "a size in the shape of the weight 'w' is not a 32-bit integer"),
        ([entry("w", []), entry("w", [])], "'w' is in the manifest twice"),
        ([entry("w", [], "float32", {"dtype": "int8"})], "'w' is quantised as 'int8'"),
        ([entry("w", [], "float32", {"dtype": "uint8", "min": 0})], "the scale of the weight 'w'"),
        (
            [entry("w", [], "float32", {"dtype": "uint8", "scale": 1e308, "min": 0})],
            "a range that float32 does not have",
        ),
        ([entry("w", [], "bool", {"dtype": "uint8"})], "'w' is quantised as 'uint8'"),
    ],
)
def test_what_no_weight_can_be(entries: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unconvertible, match=message):
        opened(tmp_path, entries, bytes(4))
