"""A SavedModel, which only TensorFlow can run: its files are stored as they are, in a folder.

Its graph is a program, and TensorFlow knows operations that read and write files, call Python or talk to
other machines. The bytes are those that models.lock names, so nobody can slip one in; a model that has such
operations all the same does not get as far as TensorFlow. They are told by name, out of the file itself, of
which only the fields that matter here are declared:
https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/protobuf (saved_model, meta_graph),
https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/framework (graph, function, node_def)
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import SAVED_MODEL_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_GRAPH, _INDEX, _ = SAVED_MODEL_FILES
_TAG, _SIGNATURE = "serve", "serving_default"
_TABLE_END = bytes.fromhex("57fb808b247547db")  # how a checkpoint's index ends, as LevelDB's tables do

_REACHES_OUT = re.compile(
    r"File(?!name)|PyFunc|Dataset|Iterator|Reader|Print|Summary|Debug|Rpc|Recv|Send|Remote|Library|Table|Infeed"
)
"""Operations for what no classifier does: files (not names of files), Python, data sets, other machines."""

_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "SavedModel": {"saved_model_schema_version": (1, "int64"), "meta_graphs": (2, "MetaGraph")},
    "MetaGraph": {
        "meta_info": (1, "MetaInfo"),
        "graph": (2, "Graph"),
        "signatures": (5, "Signature"),
        "assets": (6, "Asset"),
    },
    "MetaInfo": {"tags": (4, "string")},
    "Graph": {"nodes": (1, "Node"), "library": (2, "Library")},
    "Library": {"functions": (1, "Function")},
    "Function": {"nodes": (3, "Node")},
    "Node": {"op": (2, "string")},
    "Signature": {"key": (1, "string")},
    "Asset": {"filename": (2, "string")},
}
"""Fields by number and type, all of them declared as repeated; what is not named here is skipped."""


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Copies the files of a SavedModel; raises ConversionFailed for what is none, or more than a model."""
    del side
    if set(files) != set(SAVED_MODEL_FILES):
        problem = f"a SavedModel is made of {', '.join(SAVED_MODEL_FILES)}, not of {', '.join(files)}"
        raise ConversionFailed(name=next(iter(files)), problem=problem)
    for problem in _problems(files):
        raise ConversionFailed(name=_GRAPH, problem=problem)
    for path, source in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _problems(files: Mapping[str, Path]) -> Iterator[str]:
    model = _message_class()()
    try:
        model.ParseFromString(files[_GRAPH].read_bytes())
    except DecodeError:
        yield "it is no SavedModel"
        return
    graphs = [
        graph for graph in model.meta_graphs if _TAG in [tag for i in graph.meta_info for tag in i.tags]
    ]
    if list(model.saved_model_schema_version) != [1] or len(graphs) != 1 or len(model.meta_graphs) != 1:
        yield f"it is no SavedModel with one graph, tagged {_TAG!r}"
        return
    [graph] = graphs
    if _SIGNATURE not in [key for signature in graph.signatures for key in signature.key]:
        yield f"it has no signature {_SIGNATURE}"
    if graph.assets:
        yield "it brings files along"
    outward = sorted({op for op in _operations(graph) if _REACHES_OUT.search(op)})
    if outward:
        yield f"its graph does more than compute: {', '.join(outward)}"
    if not files[_INDEX].read_bytes().endswith(_TABLE_END):
        yield f"{_INDEX} is no index of a checkpoint"


def _operations(meta_graph: Any) -> Iterator[str]:
    """The operations of a graph and of all functions that it calls, with repetitions."""
    for graph in meta_graph.graph:
        for holder in (graph, *(function for library in graph.library for function in library.functions)):
            yield from (op for node in holder.nodes for op in node.op)


@cache
def _message_class() -> Any:
    file = FileDescriptorProto(name="saved_model", package="made", syntax="proto2")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = declared.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_REPEATED)
            if kind in _MESSAGES:
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".made.{kind}"
            else:
                field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("made.SavedModel"))
