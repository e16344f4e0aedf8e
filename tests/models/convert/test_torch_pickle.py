"""Legacy PyTorch checkpoints: honest, hostile, damaged."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.torch_pickle import load_state_dict
from tests.models.convert.checkpoints import (
    DICT,
    HEADER,
    checkpoint,
    file,
    number,
    state_dict,
    storage,
    text,
    view,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TEN = np.arange(10, dtype=np.float32)
SMALL = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "bias": np.float32([1.5, -2.5]),
    "norm.count": np.array(7, dtype=np.int64),
}


def load(folder: Path, data: bytes) -> dict[str, NDArray[Any]]:
    path = folder / "weights.pth"
    path.write_bytes(data)
    return load_state_dict(path)


def refusal(folder: Path, data: bytes) -> str:
    with pytest.raises(ConversionFailed, match=r"cannot convert weights\.pth: ") as caught:
        load(folder, data)
    return str(caught.value)


def one_view(offset: int, shape: list[int], strides: list[int], length: int = 10) -> bytes:
    """A checkpoint with one tensor in a storage of ten numbers."""
    return file(state_dict({"x": view(storage("0", length), offset, shape, strides)}), {"0": TEN})


def test_reads_tensors(tmp_path: Path) -> None:
    loaded = load(tmp_path, checkpoint(SMALL))
    assert list(loaded) == list(SMALL)
    for name, array in SMALL.items():
        assert loaded[name].dtype == array.dtype
        assert_array_equal(loaded[name], array)
        assert not loaded[name].flags.writeable


def test_honours_offsets_and_strides(tmp_path: Path) -> None:
    [array] = load(tmp_path, one_view(1, [3, 2], [1, 4])).values()
    assert_array_equal(array, [[1, 5], [2, 6], [3, 7]])


def test_tensors_may_share_a_storage(tmp_path: Path) -> None:
    items = {"a": view(storage("0", 10), 0, [4], [1]), "b": view(storage("0", 10), 3, [2, 2], [2, 1])}
    loaded = load(tmp_path, file(state_dict(items), {"0": TEN}))
    assert_array_equal(loaded["a"], [0, 1, 2, 3])
    assert_array_equal(loaded["b"], [[3, 4], [5, 6]])


def test_drops_the_metadata_that_pytorch_adds(tmp_path: Path) -> None:
    """torch.save writes the attribute ``_metadata`` of a state dict."""
    metadata = b"}" + text("_metadata") + DICT + b"sb"
    data = file(state_dict({"x": view(storage("0", 10), 0, [10], [1])}, end=metadata), {"0": TEN})
    assert_array_equal(load(tmp_path, data)["x"], TEN)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, [11], [1]),
        (10, [1], [1]),
        (1, [10], [1]),
        (0, [2, 5], [6, 1]),
        (0, [2], [10]),
        (0, [10], [2]),
        (0, [1 << 40], [0]),
        (0, [4, 4], [0, 0]),
        (0, [1 << 62, 1 << 62], [0, 0]),
        (0, [0], [1]),
        (0, [0, 1 << 62], [1, 1]),
        (1 << 70, [1], [1]),
        (0, [2], [1 << 70]),
        (-1, [1], [1]),
        (0, [-1], [1]),
        (9, [5], [-1]),
        (0, [2, 2], [1]),
        (0, [1] * 9, [1] * 9),
    ],
)
def test_refuses_a_tensor_that_reaches_beyond_its_storage(
    tmp_path: Path, offset: int, shape: list[int], strides: list[int]
) -> None:
    refusal(tmp_path, one_view(offset, shape, strides))


def test_the_stride_of_a_single_element_does_not_matter(tmp_path: Path) -> None:
    [array] = load(tmp_path, one_view(2, [1, 3], [1 << 70, 1])).values()
    assert_array_equal(array, [[2, 3, 4]])


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_refuses_two_stories_of_one_storage(tmp_path: Path, order: tuple[str, str]) -> None:
    """One tensor claims a longer storage than the other, which has the true length."""
    items = {
        "a": view(storage("0", 10), 0, [10], [1]),
        "b": view(storage("0", 1 << 40), (1 << 40) - 1, [1], [1]),
    }
    refusal(tmp_path, file(state_dict({name: items[name] for name in order}), {"0": TEN}))


def test_refuses_storages_that_do_not_match(tmp_path: Path) -> None:
    pickled = state_dict({"x": view(storage("0", 10), 0, [10], [1])})
    assert "storages are not those" in refusal(tmp_path, file(pickled, {}))
    assert "storages are not those" in refusal(tmp_path, file(pickled, {"1": TEN}))
    assert "storages are not those" in refusal(tmp_path, file(pickled, {"0": TEN, "1": TEN}))
    assert "another length" in refusal(tmp_path, file(pickled, {"0": TEN[:9]}))
    assert "cut off" in refusal(tmp_path, file(pickled, {"0": TEN})[:-1])


def test_refuses_a_storage_of_a_length_that_nothing_can_hold(tmp_path: Path) -> None:
    huge = 1 << 62
    data = HEADER + state_dict({"x": view(storage("0", huge), 0, [1], [1])}) + pickle.dumps(["0"], 2)
    assert "cut off" in refusal(tmp_path, data + struct.pack("<q", huge))


def test_says_that_the_newer_format_is_not_read(tmp_path: Path) -> None:
    assert "newer zip format" in refusal(tmp_path, b"PK\3\4 and so on")


@pytest.mark.parametrize(
    "data", [b"", b"\0", b".", b"hello", HEADER[:30], HEADER, HEADER.replace(b"\x88", b"\x89")]
)
def test_refuses_what_is_no_checkpoint(tmp_path: Path, data: bytes) -> None:
    refusal(tmp_path, data)


# --- hostile pickles ---------------------------------------------------------------------------


class _Call:
    """Unpickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call  # type: ignore[return-value]


def hostile_pickles(marker: Path) -> dict[str, bytes]:
    """Programs that make the file `marker` when Python unpickles them."""
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    call = text(code) + b"\x85"
    return {
        "reduce": pickle.dumps(_Call(exec, code), protocol=2),
        "reduce, protocol 4": pickle.dumps(_Call(exec, code), protocol=4),
        "protocol 0": pickle.dumps(_Call(exec, code), protocol=0),
        "inst": b"(" + text(code) + b"ibuiltins\nexec\n.",
        "obj": b"(cbuiltins\nexec\n" + text(code) + b"o.",
        "stack_global": b"\x80\x04" + text("builtins") + text("exec") + b"\x93" + call + b"R.",
        "newobj": b"\x80\x02cfunctools\npartial\ncbuiltins\nexec\n" + text(code) + b"\x86\x81)R.",
        "inside a state dict": state_dict({"x": b"cbuiltins\nexec\n" + call + b"R"}),
    }  # fmt: skip


def test_a_hostile_pickle_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name, pickled in hostile_pickles(marker).items():
        for data in (pickled, HEADER + pickled, HEADER + state_dict({}) + pickled):
            refusal(tmp_path, data)
            assert not marker.exists(), name


def test_these_pickles_are_hostile_indeed(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name, pickled in hostile_pickles(marker).items():
        pickle.loads(pickled)
        assert marker.exists(), name
        marker.unlink()


@pytest.mark.parametrize(
    "value",
    [
        b"ccollections\nOrderedDict\n" + DICT + b"\x85R",  # a dict from something
        b"ctorch\nFloatStorage\n)R",  # a storage type is no function
        b"ctorch._utils\n_rebuild_tensor_v2\n)R",
        b"ctorch._utils\n_rebuild_tensor_v2\n}b",  # attributes for a function
        b"ccollections\nOrderedDict\n}b",  # attributes for a class
        b"(X\x17\x00\x00\x00collections OrderedDict)t)R",  # a tuple that looks like a name
        storage("0", 10) + b"}b",
        view(storage("0", 10), 0, [1], [1]) + b"}b",
        DICT + number(1) + b"Ns",  # a key that is a number
        b"(" + b"tQ",
        text("x") + b"Q",
        b"\x8c\x01x",  # an opcode of protocol 4
        b"\x82\x01",  # an extension
        b"B\x00\x00\x00\x00",  # bytes
        b"G" + b"\0" * 8,  # a float
        b"0" * 5,  # pops what is not there
    ],
)
def test_refuses_what_no_state_dict_has(tmp_path: Path, value: bytes) -> None:
    refusal(tmp_path, file(state_dict({"x": value}), {"0": TEN}))


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02" + b")" + b"\x85" * 190_000 + b".",  # a tuple in a tuple in a tuple ...
        b"\x80\x02}" + b")" + b"\x85" * 190_000 + b"Ns.",  # as the key of a dict
        b"\x80\x02" + b"](" * 90_000 + b".",
        b"\x80\x02Nr\xff\xff\xff\xff.",  # a memo of four thousand million places
        b"\x80\x02X\xff\xff\xff\xffx.",  # a string of four gigabytes
        b"\x80\x02" + b"h\0" * 10 + b".",
        b"\x80\x02](h\0e.",
    ],
)
def test_a_pickle_cannot_exhaust_the_machine(tmp_path: Path, pickled: bytes) -> None:
    refusal(tmp_path, HEADER + pickled)


def test_refuses_a_pickle_that_goes_on_and_on(tmp_path: Path) -> None:
    assert "more than 200000 opcodes" in refusal(tmp_path, HEADER + b"\x80\x02" + b"N" * 300_000 + b".")


_GOOD = checkpoint(SMALL)
_in_one_folder = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_in_one_folder
@given(end=st.integers(0, len(_GOOD) - 1))
def test_refuses_a_truncated_file(tmp_path: Path, end: int) -> None:
    refusal(tmp_path, _GOOD[:end])


@_in_one_folder
@given(
    changes=st.lists(st.tuples(st.integers(0, len(_GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_a_damaged_file_is_refused_or_read_within_bounds(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(_GOOD)
    for position, value in changes:
        data[position] = value
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    try:
        loaded = load_state_dict(path)
    except ConversionFailed:
        return
    with np.errstate(all="ignore"):
        for array in loaded.values():
            assert array.size <= 24
            array.sum()


_OPCODES = st.sampled_from(
    [
        *(bytes([opcode]) for opcode in b".(N]})taesubRQ0\x85\x86\x87\x88\x89"),
        *(b"q\0", b"h\0", b"K\1", number(10), number(-1), text("storage"), text("0"), text("cpu")),
        *(DICT, storage("0", 10), view(storage("0", 10), 0, [1], [1])),
        *(b"ccollections\nOrderedDict\n", b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n"),
    ]
)


@_in_one_folder
@given(opcodes=st.lists(_OPCODES, max_size=25))
def test_any_program_of_opcodes_is_refused_or_gives_tensors(tmp_path: Path, opcodes: list[bytes]) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(file(b"\x80\x02" + b"".join(opcodes) + b".", {"0": TEN}))
    try:
        assert all(isinstance(array, np.ndarray) for array in load_state_dict(path).values())
    except ConversionFailed:
        return
