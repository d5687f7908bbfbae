"""Inputs and outputs in the arena or outside: what is planned, what is copied, how it is called."""

from __future__ import annotations

import dataclasses

from edgetool.embed.compiler.context import IO, Context
from edgetool.embed.compiler.passes.place_io import place_io
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.emit.calls import (
    buffer_lines,
    fill_lines,
    io_bytes,
    parameters,
    run_call,
    usage_lines,
)
from edgetool.embed.emit.codegen import model_header, model_source
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Graph, Tensor


def placed(program: Program, io: str) -> Program:
    return place_io(program, Context(io=io))


def program_of(residual_graph: Graph) -> Program:
    return lower_graph(residual_graph, Context(digest="d"))


def pair(outputs: tuple[str, ...], *, dtype: str = "int8", aliases: dict[str, str] | None = None) -> Program:
    """Return x -> y by one step."""
    tensors = {name: Tensor(name, (1, 16), dtype) for name in ("x", "y", "r")}
    step = Step("k", "copy_s8", ("x",), "y", overwrites=(0,))
    return Program(tensors, (step,), ("x",), outputs, aliases or {}, "d")


def test_nothing_changes_in_the_arena(residual_graph: Graph) -> None:
    program = program_of(residual_graph)
    assert placed(program, "arena") is program and io_bytes(program) == 0 and not program.callers()
    assert parameters(program, "net") == [] and buffer_lines(program, "net") == ""
    assert run_call(program, "net") == "net_run()" and "net_input0()" in fill_lines(program, "net")


def test_the_arena_shrinks_by_what_the_application_has(residual_graph: Graph) -> None:
    inside, outside = (plan_arena(placed(program_of(residual_graph), io)) for io in IO)
    assert (inside.num_bytes, outside.num_bytes) == (64, 64), "a and its successor are alive at once in both"
    assert not {"x", "y"} & set(outside.offsets) and {"x", "y"} <= set(inside.offsets)
    alone = pair(("y",))
    assert plan_arena(alone).num_bytes == 16, "in place"
    assert plan_arena(placed(alone, "caller")) == dataclasses.replace(
        plan_arena(alone), offsets={}, num_bytes=0, lower_bound_bytes=0
    )
    assert io_bytes(placed(alone, "caller")) == 32


def test_header_and_source_take_pointers(residual_graph: Graph) -> None:
    program = placed(program_of(residual_graph), "caller")
    arena = plan_arena(program)
    header, source = model_header(program, arena, name="net"), model_source(program, arena, name="net")
    signature = "void net_run(const net_input0_t *input0, net_output0_t *output0)"
    assert f"{signature};" in header and f"{signature} {{" in source
    assert "net_input0(" not in header and "net_output0(" not in source
    assert ", input0, " in source and ", output0)" in source


def test_a_source_without_an_arena_has_none() -> None:
    program = placed(dataclasses.replace(pair(("x",)), steps=()), "caller")
    source = model_source(program, plan_arena(program), name="net")
    assert "arena[" not in source and "at(" not in source


def test_a_parameter_that_no_step_reads_is_no_warning() -> None:
    program = placed(dataclasses.replace(pair(("x",)), inputs=("x", "r")), "caller")
    assert "  (void)input1;" in model_source(
        dataclasses.replace(program, steps=program.steps[1:]), plan_arena(program), name="net"
    )


def test_people_are_shown_the_calls(residual_graph: Graph) -> None:
    inside, outside = (usage_lines(placed(program_of(residual_graph), io), "net").splitlines() for io in IO)
    assert [line.split("(")[0] for line in inside] == ["fill", "net_run", "use"]
    assert outside[:2] == [
        "static net_input0_t input0[NET_INPUT0_NUM_ELEMENTS];",
        "static net_output0_t output0[NET_OUTPUT0_NUM_ELEMENTS];",
    ]
    assert outside[4] == "net_run(input0, output0);"
