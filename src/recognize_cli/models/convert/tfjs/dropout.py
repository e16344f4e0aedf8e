"""Takes dropout and drop-connect out of a graph that was exported in training mode.

Both multiply by a random mask that keeps a share p of the values, and by 1/p so that the mean
stays: ``x * (1/p) * floor(p + random)`` (drop-connect, per example) and
``x * (1/p) * cast(random >= 1 - p)`` (dropout, per value). Without training both are ``x``.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recognize_cli.models.convert.tfjs.weights import Weights

_TOLERANCE = 1e-3  # 1/p and p were rounded to float32, or float16, separately


def without_dropout(graph: Graph, weights: Weights) -> Graph:
    """The graph as it is meant to run; raises Unconvertible for a mask that is no dropout."""
    finder = _Finder(graph, weights)
    bypassed = {}
    for node in graph.nodes.values():
        kept = finder.dropped(node)
        if kept is not None:
            bypassed[node.name] = kept
    if not bypassed:
        return graph
    nodes = {
        name: dataclasses.replace(node, inputs=tuple(_resolved(each, bypassed) for each in node.inputs))
        for name, node in graph.nodes.items()
    }
    outputs = [dataclasses.replace(port, node=_resolved(port.node, bypassed)) for port in graph.outputs]
    return Graph(nodes, graph.inputs, tuple(outputs))


def _resolved(name: str, bypassed: Mapping[str, str]) -> str:
    start, steps = name, 0
    while name in bypassed:
        name, steps = bypassed[name], steps + 1
        if steps > len(bypassed):
            raise Unconvertible(f"the node {start!r} (Mul) depends on its own result")
    return name


class _Finder:
    def __init__(self, graph: Graph, weights: Weights) -> None:
        self._graph = graph
        self._weights = weights

    def dropped(self, node: Node) -> str | None:
        """The name of x where a node computes ``x * factor * mask``, else None."""
        if node.op != "Mul" or len(node.inputs) != 2:
            return None
        for scaled, mask in (node.inputs, node.inputs[::-1]):
            share = self._share(mask)
            if share is not None:
                kept, factor = self._scaled(scaled)
                if abs(factor * share - 1) > _TOLERANCE:
                    raise Unconvertible(
                        f"{node} is no dropout that can be taken out: its random mask keeps a share of"
                        f" {share:g}, and the factor before it is {factor:g}"
                    )
                return kept
        return None

    def _share(self, name: str) -> float | None:
        """The share of values that a random mask keeps; None where the node is no such mask."""
        match self._graph.nodes.get(name):
            case Node(op="Floor", inputs=(total,)):
                match self._graph.nodes.get(total):
                    case Node(op="Add" | "AddV2", inputs=(first, second)):
                        for random, constant in ((first, second), (second, first)):
                            if self._is_random(random):
                                return self._scalar(constant)
            case Node(op="Cast", inputs=(comparison,)):
                match self._graph.nodes.get(comparison):
                    case Node(op="GreaterEqual", inputs=(random, constant)) if self._is_random(random):
                        rate = self._scalar(constant)
                        return None if rate is None else 1 - rate
        return None

    def _scaled(self, name: str) -> tuple[str, float]:
        """Splits ``x * constant`` or ``x / constant``; the factor is 1 for anything else."""
        match self._graph.nodes.get(name):
            case Node(op="Mul", inputs=(first, second)):
                for kept, constant in ((first, second), (second, first)):
                    factor = self._scalar(constant)
                    if factor is not None:
                        return kept, factor
            case Node(op="RealDiv", inputs=(kept, constant)):
                divisor = self._scalar(constant)
                if divisor:
                    return kept, 1 / divisor
        return name, 1.0

    def _is_random(self, name: str) -> bool:
        node = self._graph.nodes.get(name)
        return node is not None and node.op == "RandomUniform"

    def _scalar(self, name: str) -> float | None:
        weight = self._weights.find(name)
        if weight is None or any(size != 1 for size in weight.shape):
            return None
        return float(self._weights.read(weight).item())
