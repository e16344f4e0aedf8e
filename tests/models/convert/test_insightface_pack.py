"""Packs of InsightFace: fetched, taken apart, opened; honest ones and hostile ones.

The networks in them are tiny, and the digests by which they are known are put in for the test.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.insightface_pack import NETWORKS, Network, convert
from recognize_cli.models.entries import Faces, ModelEntry, UrlSource
from recognize_cli.models.fetch import fetch
from recognize_cli.models.lockfile import load_lock
from tests.models.making import locked, made_entry
from tests.models.web import Server, resuming

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.models.store import Store


def network(factor: float) -> bytes:
    """An ONNX file: y = factor * x."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in "xy")
    nodes = [
        helper.make_node("Constant", [], ["factor"], value_float=factor),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


DETECTOR, DESCRIPTOR = network(2.0), network(3.0)
MEMBERS = {
    "1k3d68.onnx": b"landmarks",
    "det_500m.onnx": DETECTOR,
    "genderage.onnx": b"age",
    "w600k_mbf.onnx": DESCRIPTOR,
}


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, graph, data in (
        ("det_500m.onnx", "detector", DETECTOR),
        ("w600k_mbf.onnx", "descriptor", DESCRIPTOR),
    ):
        known = Network(graph, len(data), hashlib.sha256(data).hexdigest())
        monkeypatch.setitem(NETWORKS, name, known)


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def entry_of(pack: bytes, server: Server) -> ModelEntry:
    """A model whose pack the server has."""
    server.answers["/v0.7/made.zip"] = [resuming(pack)]
    return made_entry(
        locked("made.zip", pack),
        recognizer="faces",
        format="insightface-pack",
        task=Faces(distance=1.15),
        sources=(UrlSource(f"{server.url}/v0.7"),),
    )


@pytest.mark.parametrize("folder", ["", "made/"])
def test_a_pack_is_fetched_taken_apart_and_opened(server: Server, store: Store, folder: str) -> None:
    pack = zipped({f"{folder}{name}": data for name, data in MEMBERS.items()})
    graphs = fetch(entry_of(pack, server), store).graphs
    assert list(graphs) == ["detector", "descriptor"]
    for path, factor in zip(graphs.values(), (2, 3), strict=True):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        [y] = session.run(None, {"x": np.ones(2, np.float32)})
        assert y.tolist() == [factor, factor]
    directory = graphs["detector"].parent
    assert {path.name for path in directory.iterdir()} == {
        *("detector.onnx", "descriptor.onnx", "manifest.json")
    }


def test_a_pack_comes_from_a_folder_too(server: Server, store: Store, tmp_path: Path) -> None:
    pack = zipped(MEMBERS)
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "renamed.zip").write_bytes(pack)
    entry = entry_of(pack, server)
    assert fetch(entry, store, directory=tmp_path / "usb").graphs["descriptor"].read_bytes() == DESCRIPTOR
    assert server.seen == []


def without(name: str) -> dict[str, bytes]:
    return {other: data for other, data in MEMBERS.items() if other != name}


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({}, "it has no detector that is known: det_10g.onnx, det_500m.onnx"),
        (without("det_500m.onnx"), "it has no detector that is known"),
        (without("w600k_mbf.onnx"), "it has no descriptor that is known: w600k_r50.onnx, w600k_mbf.onnx"),
        ({**MEMBERS, "det_500m.onnx": network(4.0)}, "det_500m.onnx is not the network that is known"),
        ({**MEMBERS, "det_500m.onnx": DETECTOR[:-1]}, "det_500m.onnx is not the network that is known"),
        ({**MEMBERS, "det_500m.onnx": b"\0" * 50_000_000}, f"has more than the {len(DETECTOR)} bytes"),
        ({**MEMBERS, "made/det_500m.onnx": DETECTOR}, "is its second detector"),
        ({**MEMBERS, "det_10g.onnx": DETECTOR}, "is its second detector"),
        *(
            ({**without("det_500m.onnx"), name: DETECTOR}, "it has no detector that is known")
            for name in (
                *("/det_500m.onnx", "../det_500m.onnx", "made/../det_500m.onnx", "other/det_500m.onnx"),
                *("C:\\det_500m.onnx", "made\\det_500m.onnx", "made/deep/det_500m.onnx", "det_500m.onnx/"),
            )
        ),
    ],
)
def test_refuses_another_pack(
    server: Server, store: Store, tmp_path: Path, members: dict[str, bytes], problem: str
) -> None:
    entry = entry_of(zipped(members), server)
    with pytest.raises(ConversionFailed) as caught:
        fetch(entry, store)
    assert problem in str(caught.value)
    assert "made.zip" in str(caught.value)
    assert not store.installed(entry)
    assert not store.directory(entry).exists()
    assert list(tmp_path.rglob("*.onnx")) == []


def test_a_symbolic_link_is_only_its_text(server: Server, store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(DETECTOR)
    info = zipfile.ZipInfo("det_500m.onnx")
    info.external_attr = 0o120777 << 16
    buffer = io.BytesIO(zipped(without("det_500m.onnx")))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(info, str(tmp_path / "secret"))
    with pytest.raises(ConversionFailed, match=r"det_500m\.onnx is not the network|has more than"):
        fetch(entry_of(buffer.getvalue(), server), store)


@pytest.mark.parametrize("cut", [0, 1, 22, 300])
def test_a_pack_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    pack = tmp_path / "made.zip"
    pack.write_bytes(zipped(MEMBERS)[:cut])
    with pytest.raises(ConversionFailed, match=r"made\.zip is damaged"):
        convert({"made.zip": pack}, tmp_path, side=None)


def test_a_member_whose_bytes_are_damaged(tmp_path: Path) -> None:
    pack = tmp_path / "made.zip"
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("det_500m.onnx", DETECTOR)
    pack.write_bytes(pack.read_bytes().replace(DETECTOR, DETECTOR[:-1] + b"!"))
    with pytest.raises(ConversionFailed, match=r"made\.zip is damaged: Bad CRC-32"):
        convert({"made.zip": pack}, tmp_path, side=None)


def test_refuses_several_files(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="one file is expected, not 2"):
        convert({"a.zip": tmp_path, "b.zip": tmp_path}, tmp_path, side=None)


@pytest.mark.parametrize("name", ["buffalo_l", "buffalo_s"])
def test_the_shipped_packs(name: str) -> None:
    entry = load_lock().entry(name)
    assert [file.path for file in entry.files] == [f"{name}.zip"]
    assert entry.format == "insightface-pack"
    assert "non-commercial" in (entry.notice or "")
