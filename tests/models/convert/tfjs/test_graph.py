from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.graph import Graph


def node(name: str, *inputs: str, op: str = "Relu") -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs)}


def graph(*nodes: dict[str, Any], outputs: dict[str, str] | None = None) -> Graph:
    entries = {key: {"name": name} for key, name in (outputs or {}).items()}
    return Graph.read({"modelTopology": {"node": list(nodes)}, "signature": {"outputs": entries}})


def order(*nodes: dict[str, Any], **options: Any) -> list[str]:
    return [each.name for each in graph(*nodes, **options).ordered()]


def test_every_node_comes_after_its_inputs() -> None:
    nodes = [node("d", "b", "c"), node("b", "a:0"), node("c", "a", "b"), node("a", op="Placeholder")]
    assert order(*nodes) == ["a", "b", "c", "d"]


def test_what_no_output_needs_is_left_out() -> None:
    nodes = [node("a"), node("b", "a"), node("c", "a")]
    assert order(*nodes, outputs={"b": "b:0"}) == ["a", "b"]


def test_control_inputs_carry_no_value() -> None:
    assert order(node("a"), node("b", "a", "^c"), node("c", "b"), outputs={"b": "b"}) == ["a", "b"]


def test_a_long_chain_needs_no_recursion() -> None:
    chain = [node(f"n{number}", f"n{number - 1}") for number in range(20_000, 0, -1)]
    assert len(order(*chain, node("n0"))) == 20_001


@given(st.integers(1, 12), st.data())
def test_any_graph_without_a_cycle_is_ordered(count: int, data: st.DataObject) -> None:
    nodes = [
        node(str(number), *map(str, data.draw(st.lists(st.integers(0, number - 1))) if number else []))
        for number in range(count)
    ]
    shuffled = data.draw(st.permutations(nodes))
    places = {name: place for place, name in enumerate(order(*shuffled))}
    assert len(places) == count
    assert all(places[name] < places[each["name"]] for each in nodes for name in each["input"])


@pytest.mark.parametrize(
    "nodes",
    [
        [node("a", "a")],
        [node("a", "b"), node("b", "a")],
        [node("x"), node("a", "x", "c"), node("b", "a", "x"), node("c", "x", "b")],
    ],
)
def test_cycles(nodes: list[dict[str, Any]]) -> None:
    with pytest.raises(Unconvertible, match=r"the node '\w' \(Relu\) depends on its own result"):
        order(*nodes, outputs={"a": "a"})


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ([node("a", "b")], {}, r"the node 'a' \(Relu\) takes 'b', which is not in the graph"),
        ([node("a"), node("a")], {}, "'a'.* is in the graph twice"),
        ([node("a"), node("b", "a:1")], {}, r"'b' \(Relu\) takes 'a:1'; only nodes with one output"),
        ([node("a")], {"x": "b"}, "the signature's outputs name 'b', which is not in the graph"),
        ([], {}, "the graph has no outputs"),
        ([node("")], {}, "the name of a node is not a text"),
        ([node("a\0")], {}, "holds characters that no name has"),
        ([node("\ud800")], {}, "holds characters that no name has"),
    ],
)
def test_damage(nodes: list[dict[str, Any]], outputs: dict[str, str], message: str) -> None:
    with pytest.raises(Unconvertible, match=message):
        order(*nodes, outputs=outputs)
