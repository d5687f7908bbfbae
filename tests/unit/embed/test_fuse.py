"""Additions move into convolutions where nothing else needs what the convolution makes."""

from __future__ import annotations

import dataclasses

from edgetool.embed.fuse import fuse_additions
from edgetool.embed.lower import lower_graph
from edgetool.embed.program import Program
from edgetool.ir.graph import Graph


def _program(graph: Graph, *, outputs: tuple[str, ...] = ()) -> Program:
    return lower_graph(dataclasses.replace(graph, outputs=(*graph.outputs, *outputs)), digest="d")


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
