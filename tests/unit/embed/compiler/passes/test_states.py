"""States without needless copies, and the C that begins anew."""

from __future__ import annotations

import numpy as np

from edgetool.embed.compiler.passes.states import share_states
from edgetool.embed.emit.codegen import model_header, model_source, num_constant_bytes, weights_source
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Tensor

ONES = {"from4": 1, "to4": 1, "n4": 8, "from": 0, "to": 0, **{f"n{axis}": 1 for axis in range(4)}}
ZEROS = {f"{end}{axis}": 0 for end in ("from", "to") for axis in range(4)}


def _copy(source: str, result: str) -> Step:
    return Step(result, "copy_s8", (source,), result, {**ONES, **ZEROS})


def _program(*steps: Step, outputs: tuple[str, ...] = ("y",), initial: int = 0) -> Program:
    tensors = {name: Tensor(name, (1, 8), "int8") for name in "xsrvyz"}
    states = {"s": np.arange(8, dtype=np.int8) * initial}
    return Program(tensors, steps, ("x",), outputs, {}, "d", states=states)


def test_both_copies_go_where_the_state_is_read_before_it_is_written() -> None:
    steps = (_copy("s", "r"), Step("y", "work", ("r", "x"), "y"), Step("v", "make", ("y",), "v"), _copy("v", "s"))
    program = share_states(_program(*steps))
    assert [(step.kernel, step.inputs, step.output) for step in program.steps] == [
        ("work", ("r", "x"), "y"),
        ("make", ("y",), "s"),
    ]
    assert program.owner("r") == "s"


def test_a_value_that_is_read_after_the_state_is_written_keeps_its_copy() -> None:
    steps = (_copy("s", "r"), Step("v", "make", ("x",), "v"), _copy("v", "s"), Step("y", "work", ("r",), "y"))
    program = share_states(_program(*steps))
    assert [step.output for step in program.steps] == ["r", "s", "y"]


def test_a_step_does_not_write_the_state_that_it_reads() -> None:
    steps = (_copy("s", "r"), Step("v", "work", ("r", "x"), "v"), _copy("v", "s"), Step("y", "end", ("x",), "y"))
    kernels = [step.kernel for step in share_states(_program(*steps)).steps]
    assert kernels == ["work", "copy_s8", "end"] or kernels == ["copy_s8", "work", "end"]


def test_what_the_application_reads_is_a_copy() -> None:
    steps = (_copy("s", "y"), _copy("x", "s"))
    assert share_states(_program(*steps)).steps == steps


def test_states_have_memory_of_their_own_that_no_step_overwrites() -> None:
    work = Step("y", "work", ("s",), "y", overwrites=(0,))
    program = _program(work, Step("v", "work", ("y",), "v", overwrites=(0,)), _copy("v", "s"))
    arena = plan_arena(program)
    assert len({arena.offsets[name] for name in "xs"}) == 2 and arena.offsets["y"] != arena.offsets["s"]


def test_the_first_run_and_reset_begin_with_the_initial_values() -> None:
    for initial, line in ((0, "memset(at("), (1, ", net_state_0, 8);")):
        program = _program(_copy("s", "y"), _copy("x", "s"), initial=initial)
        arena = plan_arena(program)
        source = model_source(program, arena, name="net")
        assert "void net_reset(void);" in model_header(program, arena, name="net")
        assert line in source and "if (!is_ready)" in source
        assert ("net_state_0[8]" in weights_source(program, name="net")) == bool(initial)
        assert num_constant_bytes(program) == 8 * initial
