"""Outputs in buffers of the application: each has memory of its own."""

from __future__ import annotations

import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.place_io import place_io
from edgetool.embed.program import Program, Step
from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.ir.graph import Tensor


def placed(program: Program, io: str) -> Program:
    return place_io(program, Context(io=io))


def pair(outputs: tuple[str, ...], *, dtype: str = "int8", aliases: dict[str, str] | None = None) -> Program:
    """Return x -> y by one step."""
    tensors = {name: Tensor(name, (1, 16), dtype) for name in ("x", "y", "r")}
    step = Step("k", "copy_s8", ("x",), "y", overwrites=(0,))
    return Program(tensors, (step,), ("x",), outputs, aliases or {}, "d")


@pytest.mark.parametrize(
    ("outputs", "aliases"),
    [(("x",), {}), (("r",), {"r": "x"}), (("y", "y"), {}), (("y", "r"), {"r": "y"})],
    ids=["an input", "an input in another shape", "twice the same", "the same in another shape"],
)
def test_every_output_has_memory_of_its_own(outputs: tuple[str, ...], aliases: dict[str, str]) -> None:
    program = placed(pair(outputs, aliases=aliases), "caller")
    assert len(program.outputs) == len({program.owner(name) for name in program.outputs}) == len(outputs)
    assert set(program.callers().values()) == {"input0", *(f"output{i}" for i in range(len(outputs)))}
    (copy,) = program.steps[1:]
    assert copy.kernel == "copy_s8" and copy.output == program.outputs[-1] and copy.inputs == (outputs[-1],)
    assert copy.fields["n4"] == 16


def test_wrong_words_and_types_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'caller'"):
        placed(pair(("y",)), "calller")
    with pytest.raises(UnsupportedModelError, match="--io arena"):
        placed(pair(("x",), dtype="int64"), "caller")
