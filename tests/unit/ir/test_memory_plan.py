"""Offsets of activations: nothing alive overlaps, and nothing is wasted where that is possible."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.memory_plan import ALIGNMENT, MemoryPlan, plan_memory

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def chain(*sizes: int) -> Graph:
    tensors = {f"t{i}": Tensor(f"t{i}", (1, size), "int8") for i, size in enumerate(sizes)}
    ops = tuple(Op("Relu", f"op{i}", (f"t{i}",), (f"t{i + 1}",)) for i in range(len(sizes) - 1))
    return Graph("onnx", tensors, ops, ("t0",), (f"t{len(sizes) - 1}",))


def check(plan: MemoryPlan) -> None:
    for a in plan.buffers:
        assert a.offset % ALIGNMENT == 0 and a.offset + a.num_bytes <= plan.arena_bytes
        for b in plan.buffers:
            if a is b or a.last < b.first or b.last < a.first:
                continue
            assert a.offset + a.num_bytes <= b.offset or b.offset + b.num_bytes <= a.offset, (a, b)
    assert plan.arena_bytes >= plan.lower_bound_bytes


def test_a_chain_needs_its_two_largest_neighbours() -> None:
    plan = plan_memory(chain(16, 64, 32, 128, 16))
    check(plan)
    assert plan.arena_bytes == plan.lower_bound_bytes == 32 + 128
    assert plan.peak_op == "op2"


def test_sizes_are_aligned() -> None:
    assert plan_memory(chain(1, 1)).arena_bytes == 2 * ALIGNMENT


def test_a_reshape_takes_no_memory() -> None:
    tensors = {name: Tensor(name, (1, 64), "int8") for name in ("x", "r", "y")}
    ops = (Op("Reshape", "r", ("x",), ("r",)), Op("Relu", "y", ("r",), ("y",)))
    plan = plan_memory(Graph("onnx", tensors, ops, ("x",), ("y",)))
    assert plan.arena_bytes == 128 and plan.buffers[0].tensors == ("x", "r")


def test_open_dimensions_are_named() -> None:
    tensors = {"x": Tensor("x", (1, 16), "int8"), "y": Tensor("y", (1, -1), "int8")}
    plan = plan_memory(Graph("onnx", tensors, (Op("Relu", "y", ("x",), ("y",)),), ("x",), ("y",)))
    assert plan.unknown == ("y",)


@given(st.lists(st.integers(1, 4000), min_size=2, max_size=14), st.data())
def test_nothing_alive_overlaps(sizes: list[int], data: st.DataObject) -> None:
    graph = chain(*sizes)
    skips = data.draw(st.lists(st.tuples(st.integers(0, len(sizes) - 1), st.integers(1, len(sizes) - 1)), max_size=4))
    ops = list(graph.ops)
    for source, reader in skips:
        if source < reader:
            op = ops[reader - 1]
            ops[reader - 1] = Op("Add", op.name, (*op.inputs, f"t{source}"), op.outputs)
    check(plan_memory(Graph("onnx", graph.tensors, tuple(ops), graph.inputs, graph.outputs)))


@pytest.mark.parametrize("name", ["tiny_float32.tflite", "tiny_int8.tflite", "tiny.onnx"])
def test_plans_of_files(name: str) -> None:
    plan = plan_memory(read_graph(GOLDEN / name))
    check(plan)
    assert plan.arena_bytes == plan.lower_bound_bytes
