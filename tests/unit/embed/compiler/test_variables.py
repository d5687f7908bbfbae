"""Variables as tensors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.compiler.variables import resolve_variables
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

FIRST = np.array([[1.0, 2.0]], np.float32)


def _initial(values: np.ndarray | None) -> Graph:
    tensors = {"h": Tensor("h", (), "resource"), "v": Tensor("v", (1, 2), "float32", None, values)}
    ops = (
        Op("VAR_HANDLE", "h", (), ("h",), {"shared_name": "s", "container": ""}),
        Op("ASSIGN_VARIABLE", "", ("h", "v"), ()),
    )
    return Graph("tflite", tensors, ops, (), ())


def _graph(*, assigns: bool = True, values: np.ndarray | None = FIRST) -> Graph:
    """y = x + s, and then s = y."""
    tensors = {name: Tensor(name, (1, 2), "float32") for name in "xry"} | {"h": Tensor("h", (), "resource")}
    ops = [
        Op("CALL_ONCE", "", (), (), {"init_subgraph_index": 1}),
        Op("VAR_HANDLE", "h", (), ("h",), {"shared_name": "s", "container": ""}),
        Op("READ_VARIABLE", "r", ("h",), ("r",)),
        Op("ADD", "y", ("x", "r"), ("y",), {"fused_activation_function": "NONE"}),
    ]
    ops += [Op("ASSIGN_VARIABLE", "", ("h", "y"), ())] if assigns else []
    return Graph("tflite", tensors, tuple(ops), ("x",), ("y",), (), (_initial(values),))


def test_a_variable_is_a_tensor_that_is_read_and_written() -> None:
    found = resolve_variables(_graph())
    assert [(op.kind, op.inputs, op.outputs) for op in found.ops] == [
        ("READ_VARIABLE", ("variable /s",), ("r",)),
        ("ADD", ("x", "r"), ("y",)),
        ("ASSIGN_VARIABLE", ("y",), ("variable /s",)),
    ]
    assert found.states["variable /s"].tolist() == FIRST.tolist()


def test_a_variable_that_is_never_assigned_again_is_a_constant() -> None:
    found = resolve_variables(_graph(assigns=False))
    values = found.constant("r")
    assert [op.kind for op in found.ops] == ["ADD"] and not found.states
    assert values is not None and values.tolist() == FIRST.tolist()


def test_an_unknown_beginning_is_refused() -> None:
    for values, said in ((None, "no constant initial value"), (FIRST[0, :1], "1 initial values of float32")):
        with pytest.raises(UnsupportedModelError, match=said):
            resolve_variables(_graph(values=values))
    with pytest.raises(UnsupportedModelError, match="no constant initial value"):
        resolve_variables(dataclasses.replace(_graph(), subgraphs=()))


def test_what_only_a_state_needs_is_computed() -> None:
    """Here the output is the input of the addition that makes the next state, and writes it where it stays."""
    graph = dataclasses.replace(_graph(), outputs=("r",))
    program = lower_graph(graph, Context(digest="d"))
    assert [step.kernel for step in program.steps] == ["copy_f32", "add_f32"]
    assert list(program.states) == ["variable /s"]
