"""MoViNet stream to ONNX: the made network and the real one, against LiteRT, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.movinet_tflite import convert
from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible
from recognize_cli.models.convert.movinet_tflite.tflite import Op, read_network
from tests.models.convert.movinet_tflite import litert
from tests.models.convert.movinet_tflite.making import CLASSES, SIDE, VALID, Made, small_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

REAL = Path(__file__).parents[5] / "shared" / "models" / "movinet-a0-stream" / "movinet_int8.tflite"
SMALL = small_stream().bytes()


def real(test: Any) -> Any:
    """A test with the file that models.lock names."""
    return pytest.mark.shared(pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")(test))


def converted(folder: Path, data: bytes, side: int | None = SIDE) -> OrtSession:
    path = folder / "net.tflite"
    path.write_bytes(data)
    convert({"a/net.tflite": path}, folder, side=side)
    return OrtSession(graph_file(folder))


def refusal(folder: Path, data: bytes, side: int | None = SIDE) -> str:
    with pytest.raises(ConversionFailed, match=r"cannot convert net\.tflite: ") as caught:
        converted(folder, data, side)
    return str(caught.value)


def noise(frames: int, side: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side, 3), np.uint8)


def waves(frames: int, side: int) -> NDArray[np.uint8]:
    """Stripes that move: more like a video than noise is."""
    time, row, column = np.ogrid[:frames, :side, :side]
    phases = [(row * (colour + 1) + column + 9 * time) / 15 for colour in range(3)]
    return np.stack([127.5 + 127.5 * np.sin(phase) for phase in phases], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 11])
def test_a_whole_clip_gives_what_the_stream_gives_step_by_step(tmp_path: Path, frames: int) -> None:
    session, clip = converted(tmp_path, SMALL), noise(frames, SIDE)
    [found] = session.run({"frames": clip})["probabilities"]
    assert found.shape == (CLASSES,)
    expected = litert.probabilities(tmp_path / "net.tflite", clip)
    assert np.ptp(expected) > 0.1  # it does say something
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_order_of_the_frames_counts(tmp_path: Path) -> None:
    session, clip = converted(tmp_path, SMALL), noise(6, SIDE)
    forwards, backwards = (session.run({"frames": each})["probabilities"] for each in (clip, clip[::-1]))
    assert np.abs(forwards - backwards).max() > 1e-3


def test_conversion_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    graphs = []
    for _ in range(2):
        converted(tmp_path, SMALL)
        graphs.append(graph_file(tmp_path).read_bytes())
    assert graphs[0] == graphs[1]


def test_integers_are_taken_as_the_numbers_they_stand_for() -> None:
    net = small_stream()
    net.constant([[1, 2], [3, -4]], "int8", scales=[0.5, 0.25], zeros=[1, 0], axis=0)
    net.constant([[1, 2], [3, -4]], "int8", scales=[0.5, 0.25], zeros=[1, 0], axis=1)
    net.constant([7, 9], "int32", scales=[2.0], zeros=[5])
    net.constant([7, 9], "int32")
    rows, columns, one, none = (tensor.values for tensor in read_network(net.bytes()).tensors[-4:])
    np.testing.assert_array_equal(rows, [[0, 0.5], [0.75, -1]])
    np.testing.assert_array_equal(columns, [[0, 0.5], [1, -1]])
    np.testing.assert_array_equal(one, [4, 8])
    np.testing.assert_array_equal(none, [7, 9])


def _change(number: int, op: Op, **options: int) -> Callable[[Made], None]:
    """Sets options of the operator of that kind which comes as the ``number``-th."""

    def change(net: Made) -> None:
        found = [each for each in net.operators if each[0] is op][number]
        found[3].update({int(name[1:]): value for name, value in options.items()})

    return change


def _replace(op: Op, position: int, values: Any, dtype: str = "float32") -> Callable[[Made], None]:
    """Gives the last operator of that kind another constant as an input."""

    def change(net: Made) -> None:
        [*_, found] = [each for each in net.operators if each[0] is op]
        found[1][position] = net.constant(values, dtype)

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_change(0, Op.CONV_2D, f1=2, f2=1), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f1=0, f2=0), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f1=99, f2=99), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f3=1), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f0=2), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f4=2, f5=2), "CONV_2D is not set as in"),
        (_change(0, Op.CONV_2D, f1=1, f2=1), "CONCATENATION is used otherwise"),
        (_change(0, Op.DEPTHWISE_CONV_2D, f3=2), "DEPTHWISE_CONV_2D is not set as in"),
        (_change(1, Op.DEPTHWISE_CONV_2D, f0=0), "a layer has weights of shape (6, 1, 3, 1), which do"),
        (_change(0, Op.AVERAGE_POOL_2D, f0=VALID), "AVERAGE_POOL_2D is used otherwise"),
        (_change(0, Op.AVERAGE_POOL_2D, f3=0, f4=0), "AVERAGE_POOL_2D is not set as in"),
        (_change(0, Op.AVERAGE_POOL_2D, f1=1, f2=1), None),  # also sound: it pools less
        (_change(0, Op.CONCATENATION, f0=2), "CONCATENATION is not set as in"),
        (_change(0, Op.STRIDED_SLICE, f0=0b11111), "STRIDED_SLICE is not set as in"),
        (_change(0, Op.STRIDED_SLICE, f4=1), "STRIDED_SLICE is not set as in"),
        (_replace(Op.STRIDED_SLICE, 1, [0, -1, 0, 0, 0], "int32"), "STRIDED_SLICE is used otherwise"),
        (_change(0, Op.SUM, f0=0), "SUM is not set as in"),
        (_replace(Op.SUM, 1, [1, 2], "int32"), "SUM is used otherwise"),
        (_replace(Op.MUL, 1, [[[[[1, 2, 3, 4, 5, 6]]]]]), "MUL is used otherwise"),
        (_replace(Op.MUL, 1, np.nan), "MUL is used otherwise"),
        (_change(0, Op.ADD, f0=3), "ADD is not set as in"),
        (_replace(Op.ADD, 1, 2, "int32"), "ADD is used otherwise"),
        (_replace(Op.CONV_2D, 1, np.zeros((5, 1, 1, 7))), "a layer has weights of shape (5, 7, 1, 1)"),
        (_replace(Op.CONV_2D, 1, np.zeros((0, 1, 1, 6))), "CONV_2D is used otherwise"),
        (_replace(Op.CONV_2D, 1, np.zeros((5, 6))), "CONV_2D is used otherwise"),
        (_replace(Op.CONV_2D, 2, np.zeros(4)), "a layer has weights of shape (5, 6, 1, 1)"),
        (_replace(Op.DIV, 1, 3.0), "DIV is used otherwise"),
        (lambda net: net.outputs.pop(), "not exactly one output with a score a class"),
        (lambda net: net.outputs.append(net.outputs[-1]), "not exactly one output with a score"),
        (lambda net: net.inputs.pop(0), "0 of its inputs are images"),
        (lambda net: net.inputs.append(net.tensor(1, 1, 4, 4, 3)), "2 of its inputs are images"),
        (lambda net: net.outputs.append(10_000), "refers to a tensor that there is not"),
        (lambda net: net.operators[3][1].clear(), "an operator has 0 inputs"),
        (lambda net: net.operators[3][1].__setitem__(0, -1), "is used otherwise"),
        (lambda net: net.operators.reverse(), "is used otherwise"),
        (lambda net: net.constant([1], "int8", scales=[1.0, 2.0]), "has 2 scales on axis 0"),
        (lambda net: net.constant([1], "int8", scales=[np.inf]), "the scales of a constant are unsound"),
        (lambda net: net.constant([1], "int8", scales=[1.0], zeros=[1, 2]), "the scales of a constant"),
        (lambda net: net.tensor(5, values=np.zeros(4, np.float32)), "a constant has 16 bytes, which"),
        (lambda net: net.tensor(-1), "a tensor has an impossible shape"),
        (lambda net: net.tensor(*[1] * 9), "a tensor has an impossible shape"),
    ],
)  # fmt: skip
def test_another_network_is_refused(
    tmp_path: Path, change: Callable[[Made], None], problem: str | None
) -> None:
    net = small_stream()
    change(net)
    if problem is None:
        converted(tmp_path, net.bytes())
    else:
        assert problem in refusal(tmp_path, net.bytes())


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    assert "its frames have 10 pixels a side, not 172" in refusal(tmp_path, SMALL, side=172)
    converted(tmp_path, SMALL, side=None)


@pytest.mark.parametrize("files", [{}, {"a": Path("a"), "b": Path("b")}])
def test_there_is_one_file(tmp_path: Path, files: dict[str, Path]) -> None:
    with pytest.raises(ConversionFailed, match=rf"one file is expected, not {len(files)}"):
        convert(files, tmp_path, side=SIDE)


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\x10\0\0\0TFL3", b"\xff\xff\xff\xffTFL3" + bytes(99)])
def test_what_is_no_tflite_file_is_refused(tmp_path: Path, data: bytes) -> None:
    refusal(tmp_path, data)


def test_an_unknown_operator_is_refused(tmp_path: Path) -> None:
    for code in (9, 127, 150):
        net = small_stream()
        net.operators.append((code, [0], 1, {}))  # type: ignore[arg-type]
        assert f"it has the operator {code}, which" in refusal(tmp_path, net.bytes())


def test_one_constant_may_not_be_repeated_without_end(tmp_path: Path) -> None:
    """A few bytes that each refer to the same values would fill the memory."""
    net = small_stream()
    large = net.constant(np.zeros(50_000), "int8", scales=[1.0])
    converted(tmp_path, net.bytes())
    for _ in range(3):
        net.same_buffer[net.tensor(50_000, dtype="int8", scales=[1.0])] = large
    assert "its constants take more bytes than it has" in refusal(tmp_path, net.bytes())


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_never_crashes(tmp_path: Path, data: st.DataObject) -> None:
    """It is refused, or something is converted: the digest is what says that a file is right."""
    damaged = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)) | st.just(len(damaged)))]
    path = tmp_path / "net.tflite"
    path.write_bytes(damaged)
    try:
        convert({"net.tflite": path}, tmp_path, side=SIDE)
    except ConversionFailed:
        graph_file(tmp_path).unlink(missing_ok=True)


@pytest.mark.parametrize("length", range(0, len(SMALL), 97))
def test_a_cut_off_file_is_refused(length: int) -> None:
    with pytest.raises(Unconvertible):
        read_network(SMALL[:length])


@pytest.fixture(scope="module")
def movinet(tmp_path_factory: pytest.TempPathFactory) -> OrtSession:
    folder = tmp_path_factory.mktemp("movinet")
    convert({"movinet_int8.tflite": REAL}, folder, side=172)
    return OrtSession(graph_file(folder))


@real
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_real_one_takes_clips_and_gives_600_probabilities(movinet: OrtSession, frames: int) -> None:
    assert (list(movinet.inputs), list(movinet.outputs)) == (["frames"], ["probabilities"])
    [found] = movinet.run({"frames": waves(frames, 172)})["probabilities"]
    assert found.shape == (600,)
    assert found.sum() == pytest.approx(1, abs=1e-5)


@real
def test_the_real_one_sees_what_litert_sees_but_for_rounding(movinet: OrtSession) -> None:
    clip = waves(9, 172)
    [found] = movinet.run({"frames": clip})["probabilities"]
    expected = litert.probabilities(REAL, clip)
    assert found.argmax() == expected.argmax()
    assert np.corrcoef(np.log(found), np.log(expected))[0, 1] > 0.95
