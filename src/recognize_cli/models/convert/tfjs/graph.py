"""The topology: nodes, what they take, and which of them the signature names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs import document
from recognize_cli.models.convert.tfjs.attributes import Attributes
from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_OUTPUT_NUMBER = re.compile(r"(.+):([0-9]+)")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `inputs` are names of nodes; control inputs, which carry no value, are left out."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Attributes

    def __str__(self) -> str:
        return f"the node {self.name!r} ({self.op})"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the whole graph: the name that the signature gives it, and its node."""

    name: str
    node: str


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes by name, and the ports in the order of the signature."""

    nodes: Mapping[str, Node]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @classmethod
    def read(cls, model: Mapping[str, object]) -> Self:
        """The graph of a model.json; raises Unconvertible."""
        topology = document.mapping(model.get("modelTopology"), "modelTopology")
        nodes: dict[str, Node] = {}
        for entry in document.sequence(topology.get("node"), "modelTopology.node"):
            node = _node(document.mapping(entry, "an entry of modelTopology.node"))
            if node.name in nodes:
                raise Unconvertible(f"{node} is in the graph twice")
            nodes[node.name] = node
        signature = _signature(model)
        inputs = _ports(signature, "inputs", nodes) or _placeholders(nodes)
        outputs = _ports(signature, "outputs", nodes) or _ends(nodes)
        if not outputs:
            raise Unconvertible("the graph has no outputs")
        return cls(nodes, inputs, outputs)

    def ordered(self) -> list[Node]:
        """The nodes that the outputs need, each after its inputs; raises Unconvertible for a cycle."""
        done: dict[str, Node] = {}
        entered: set[str] = set()
        stack = [port.node for port in reversed(self.outputs)]
        while stack:
            node = self.nodes[stack[-1]]
            missing = [name for name in node.inputs if name not in done]
            if not missing:
                done.setdefault(node.name, node)
                stack.pop()
            elif node.name in entered:
                raise Unconvertible(f"{node} depends on its own result")
            else:
                entered.add(node.name)
                stack.extend(reversed([self._known(name, node) for name in missing]))
        return list(done.values())

    def _known(self, name: str, consumer: Node) -> str:
        if name not in self.nodes:
            raise Unconvertible(f"{consumer} takes {name!r}, which is not in the graph")
        return name


def _node(entry: dict[str, object]) -> Node:
    name = document.text(entry.get("name"), "the name of a node")
    op = document.text(entry.get("op"), f"the op of the node {name!r}")
    where = f"the node {name!r} ({op})"
    references = document.sequence(entry.get("input", []), f"the inputs of {where}")
    texts = [document.text(reference, f"an input of {where}") for reference in references]
    inputs = tuple(_target(each, where) for each in texts if not each.startswith("^"))
    return Node(name, op, inputs, Attributes(document.mapping(entry.get("attr", {}), f"the attr of {where}")))


def _target(reference: str, where: str) -> str:
    """The node of a reference ``name`` or ``name:0``."""
    match = _OUTPUT_NUMBER.fullmatch(reference)
    if match is None:
        return reference
    if int(match[2]) != 0:
        raise Unconvertible(f"{where} takes {reference!r}; only nodes with one output are supported")
    return match[1]


def _signature(model: Mapping[str, object]) -> dict[str, object]:
    metadata = document.mapping(model.get("userDefinedMetadata") or {}, "userDefinedMetadata")
    return document.mapping(model.get("signature") or metadata.get("signature") or {}, "the signature")


def _ports(signature: dict[str, object], side: str, nodes: Mapping[str, Node]) -> tuple[Port, ...]:
    ports = []
    where = f"the signature's {side}"
    for key, entry in document.mapping(signature.get(side) or {}, where).items():
        name = document.text(key, f"a name in {where}")
        tensor = document.text(
            document.mapping(entry, where).get("name"), f"the tensor of {name!r} in {where}"
        )
        target = _target(tensor, where)
        if target not in nodes:
            raise Unconvertible(f"{where} name {target!r}, which is not in the graph")
        ports.append(Port(name, target))
    return tuple(ports)


def _placeholders(nodes: Mapping[str, Node]) -> tuple[Port, ...]:
    return tuple(Port(name, name) for name, node in nodes.items() if node.op == "Placeholder")


def _ends(nodes: Mapping[str, Node]) -> tuple[Port, ...]:
    """The nodes that no other takes: the outputs of a graph without a signature."""
    used = {name for node in nodes.values() for name in node.inputs}
    return tuple(Port(name, name) for name, node in nodes.items() if name not in used and node.op != "Const")
