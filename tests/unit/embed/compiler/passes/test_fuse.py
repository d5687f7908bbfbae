"""Additions move into convolutions where nothing else needs what the convolution makes."""

from __future__ import annotations

import dataclasses

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.fuse import fuse_additions
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.memory.arena import least_bytes
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Graph, Tensor


def _program(graph: Graph, *, outputs: tuple[str, ...] = ()) -> Program:
    return lower_graph(dataclasses.replace(graph, outputs=(*graph.outputs, *outputs)), Context(digest="d"))


def test_the_addition_becomes_part_of_the_later_convolution(residual_graph: Graph) -> None:
    steps = _program(residual_graph).steps
    assert [step.kernel for step in steps] == ["pointwise_conv_s8", "pointwise_add_s8", "softmax_s8"]
    fused = steps[1]
    assert fused.inputs == ("a", "a") and fused.output == "sum" and fused.overwrites == (1,)


def test_the_convolutions_side_comes_first(residual_graph: Graph) -> None:
    *start, add, end = residual_graph.ops
    swapped = dataclasses.replace(residual_graph, ops=(*start, dataclasses.replace(add, inputs=("a", "b")), end))
    scaled = dataclasses.replace(residual_graph.tensors["b"], name="b")
    assert scaled.quantization is not None
    plain, turned = (_program(graph).steps[1].fields["scales"] for graph in (residual_graph, swapped))
    assert plain == turned


def test_what_is_needed_again_stays(residual_graph: Graph) -> None:
    kernels = [step.kernel for step in _program(residual_graph, outputs=("b",)).steps]
    assert kernels == ["pointwise_conv_s8", "pointwise_conv_s8", "add_s8", "softmax_s8"]


def test_a_program_without_additions_is_left_alone(residual_graph: Graph) -> None:
    program = _program(residual_graph)
    assert fuse_additions(program).steps == program.steps


def _block(scratch: int, shortcut_reads: str = "x") -> Program:
    """x -> a -> b, a shortcut from x, and their sum; the second convolution works in so many bytes."""
    sizes = {"x": 64, "a": 32, "b": 32, "s": 32, "sum": 32}
    tensors = {name: Tensor(name, (1, size), "int8") for name, size in sizes.items()}
    steps = (
        Step("first", "conv_s8", ("x",), "a", {}, has_scratch=True),
        Step("second", "conv_s8", ("a",), "b", {}, has_scratch=True, scratch_bytes=scratch),
        Step("shortcut", "pointwise_conv_s8", (shortcut_reads,), "s", {}),
        Step("add", "add_s8", ("b", "s"), "sum", {"scales": {"shift_0": -1, "shift_1": -2}}),
    )
    return Program(tensors, steps, ("x",), ("sum",), {}, "d")


def test_the_shortcut_goes_first_where_that_saves_memory() -> None:
    program = fuse_additions(_block(scratch=64))
    assert [step.layer for step in program.steps] == ["first", "shortcut", "second, add"]
    fused = program.steps[2]
    assert fused.kernel == "conv_add_s8" and fused.inputs == ("a", "s")
    assert fused.fields["scales"] == {"shift_0": -1, "shift_1": -2}
    assert least_bytes(program) == 64 + 32 + 32 + 0  # x, a and the shortcut


def test_the_order_stays_where_it_saves_nothing() -> None:
    program = fuse_additions(_block(scratch=0))
    assert [step.layer for step in program.steps] == ["first", "second", "shortcut, add"]


def test_a_convolution_does_not_go_in_front_of_what_it_reads() -> None:
    program = fuse_additions(_block(scratch=64, shortcut_reads="b"))
    assert [step.layer for step in program.steps][0:2] == ["first", "second"]
