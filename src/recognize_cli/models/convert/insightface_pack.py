"""Model packs of InsightFace -> their detector and their recognition network, which are ONNX already.

A pack is a zip file, https://github.com/deepinsight/insightface/tree/master/model_zoo. The networks lie in
it side by side, or in a folder that is named as the pack. Others, for age, sex and more landmarks, stay
where they are.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.archives import members
from recognize_cli.models.convert import graph_file
from recognize_cli.models.hashing import sha256_of
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recognize_cli.models.archives import Member


class Network(NamedTuple):
    """A file in a pack: the graph it becomes, its bytes, its sha256."""

    graph: str
    size: int
    sha256: str


NETWORKS = {
    "det_10g.onnx": Network(
        "detector", 16923827, "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91"
    ),
    "det_500m.onnx": Network(
        "detector", 2524817, "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a"
    ),
    "w600k_r50.onnx": Network(
        "descriptor", 174383860, "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"
    ),
    "w600k_mbf.onnx": Network(
        "descriptor", 13616099, "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f"
    ),
}
"""What is taken out of a pack, by file name."""

_GRAPHS = ("detector", "descriptor")


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the two graphs; ``side`` means nothing to them. Raises ConversionFailed."""
    if len(files) != 1:
        raise ConversionFailed(name="the InsightFace pack", problem=f"one file is expected, not {len(files)}")
    [pack] = files.values()
    try:
        for member in members(pack):
            _take(member, pack, folder)
    except OriginFailed as error:
        raise ConversionFailed(name=pack.name, problem=str(error)) from error
    for graph in _GRAPHS:
        if not graph_file(folder, graph).exists():
            known = ", ".join(name for name, network in NETWORKS.items() if network.graph == graph)
            raise ConversionFailed(name=pack.name, problem=f"it has no {graph} that is known: {known}")


def _take(member: Member, pack: Path, folder: Path) -> None:
    """Writes a network that is wanted and not there yet; the name in the archive is only compared."""
    path = PurePosixPath(member.name)
    network = NETWORKS.get(path.name)
    if network is None or str(path.parent) not in (".", pack.stem):
        return
    target = graph_file(folder, network.graph)
    if target.exists():
        raise OriginFailed(f"{member.name} is its second {network.graph}")
    member.copy(target, network.size)
    found = sha256_of(target)
    if found != network.sha256:
        raise OriginFailed(
            f"{member.name} is not the network that is known by this name:"
            f" expected sha256:{network.sha256}, found sha256:{found}"
        )
