"""The arena: nothing that is needed is overwritten, and nothing is kept that is not."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.memory.arena import least_bytes, plan_arena
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Graph, Tensor

SIZE = 32


def _with_longer_branch(graph: Graph) -> Graph:
    """Put a convolution between a and b: a -> c -> b, and a + b."""
    middle = dataclasses.replace(graph.ops[1], name="c", inputs=("a", "v"), outputs=("c",))
    last = dataclasses.replace(graph.ops[1], inputs=("c", "v"))
    tensor = dataclasses.replace(graph.tensors["a"], name="c")
    return dataclasses.replace(
        graph, ops=(graph.ops[0], middle, last, *graph.ops[2:]), tensors={**graph.tensors, "c": tensor}
    )


def test_a_fused_addition_needs_two_tensors_not_three(residual_graph: Graph) -> None:
    arena = plan_arena(lower_graph(_with_longer_branch(residual_graph), Context(digest="d")))
    assert arena.num_bytes == arena.lower_bound_bytes == 2 * SIZE
    assert arena.offsets["sum"] == arena.offsets["a"]


def test_a_convolution_does_not_overwrite_what_it_reads(residual_graph: Graph) -> None:
    program = lower_graph(residual_graph, Context(digest="d"))
    assert program.steps[1].inputs == ("a", "a")
    arena = plan_arena(program)
    assert arena.offsets["sum"] != arena.offsets["a"]


def test_outputs_take_the_memory_of_inputs_that_are_done(residual_graph: Graph) -> None:
    arena = plan_arena(lower_graph(residual_graph, Context(digest="d")))
    assert arena.offsets["y"] == arena.offsets["sum"]


def test_what_the_application_reads_is_not_overwritten(residual_graph: Graph) -> None:
    graph = dataclasses.replace(residual_graph, outputs=("y", "sum"))
    arena = plan_arena(lower_graph(graph, Context(digest="d")))
    assert arena.offsets["y"] != arena.offsets["sum"]


def test_scratch_memory_is_apart_from_what_its_step_touches() -> None:
    tensors = {name: Tensor(name, (1, 16), "int8") for name in "xyz"}
    steps = (Step("a", "k", ("x",), "y", scratch_bytes=20), Step("b", "k", ("y",), "z"))
    arena = plan_arena(Program(tensors, steps, ("x",), ("z",), {}, "d"))
    taken = sorted([(arena.offsets["x"], 16), (arena.offsets["y"], 16), (arena.scratch[0], 32)])
    assert all(start + size <= after for (start, size), (after, _) in itertools.pairwise(taken))
    assert arena.num_bytes == 64 == least_bytes(Program(tensors, steps, ("x",), ("z",), {}, "d"))


def test_constants_take_no_memory_and_are_not_overwritten(residual_graph: Graph) -> None:
    values = np.zeros((1, 4, 4, 2), np.int8)
    constant = dataclasses.replace(residual_graph.tensors["a"], name="k", shape=values.shape, constant=values)
    added = dataclasses.replace(residual_graph.ops[2], inputs=("b", "k"))
    graph = dataclasses.replace(
        residual_graph,
        tensors={**residual_graph.tensors, "k": constant},
        ops=(*residual_graph.ops[:2], added, *residual_graph.ops[3:]),
    )
    program = lower_graph(graph, Context(digest="d"))
    assert set(program.constants()) == {"k"}
    assert "k" not in plan_arena(program).offsets
