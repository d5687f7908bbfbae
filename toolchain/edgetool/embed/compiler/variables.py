"""Variables of streaming models: what an interpreter keeps from one run to the next becomes memory of the program."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.compiler.passes.fold import fold_constants
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["KEPT", "resolve_variables"]

#: Operator -> which of its inputs is a state that it keeps from run to run.
KEPT = {"SVDF": 4}

#: Operators that name a variable, or begin a model; none of them computes anything.
_BOOKKEEPING = ("VAR_HANDLE", "CALL_ONCE")


def resolve_variables(graph: Graph) -> Graph:
    """Return the graph with a tensor in place of each variable; one that is never assigned again is a constant.

    READ_VARIABLE then has the variable's tensor as its input, ASSIGN_VARIABLE as its output. The graph's `states` are
    the variables that it assigns and the states that its operators keep.

    Raises:
        UnsupportedModelError: a variable without a constant initial value.
    """
    kept = _kept_tensors(graph)
    if not any(op.kind in _BOOKKEEPING for op in graph.ops):
        return dataclasses.replace(graph, states=kept)
    handles = _handles(graph)
    initial = _initial_values(graph)
    assigned = {handles.get(op.inputs[0], "") for op in graph.ops if op.kind == "ASSIGN_VARIABLE"}
    tensors, ops = dict(graph.tensors), []
    for op in graph.ops:
        if op.kind in _BOOKKEEPING:
            continue
        if op.kind not in ("READ_VARIABLE", "ASSIGN_VARIABLE") or op.inputs[0] not in handles:
            ops.append(op)
            continue
        key = handles[op.inputs[0]]
        value = graph.tensors[op.outputs[0] if op.kind == "READ_VARIABLE" else op.inputs[1]]
        values = _value_of(op, key, value, initial)
        if key not in assigned:
            tensors[value.name] = dataclasses.replace(value, constant=values)
            continue
        tensors[key] = dataclasses.replace(value, name=key, constant=None)
        if op.kind == "READ_VARIABLE":
            ops.append(dataclasses.replace(op, inputs=(key,)))
        else:
            ops.append(dataclasses.replace(op, name=key, inputs=(value.name,), outputs=(key,)))
    states = kept | {key: initial[key] for key in sorted(assigned & set(initial))}
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops), states=states)


def _kept_tensors(graph: Graph) -> dict[str, Array]:
    """Return the states of operators that go on where they were, with what LiteRT sets them to: zeros as stored."""
    found: dict[str, Array] = {}
    for op in graph.ops:
        if op.kind not in KEPT:
            continue
        tensor = graph.tensors[op.inputs[KEPT[op.kind]]]
        has_zero = tensor.dtype == "int8" and tensor.quantization is not None
        zero = tensor.quantization.zero_point[0] if has_zero and tensor.quantization is not None else 0
        found[tensor.name] = np.full(tensor.shape, zero, tensor.dtype)
    return found


def _handles(graph: Graph) -> dict[str, str]:
    """Return handle -> name of the variable's tensor, which no tensor of a file has."""
    return {
        op.outputs[0]: f"variable {op.attributes.get('container', '')}/{op.attributes.get('shared_name', '')}"
        for op in graph.ops
        if op.kind == "VAR_HANDLE"
    }


def _initial_values(graph: Graph) -> dict[str, Array]:
    """Return what the subgraphs that run once assign, where those are constants."""
    found: dict[str, Array] = {}
    for once in (op for op in graph.ops if op.kind == "CALL_ONCE"):
        index = int(once.attributes.get("init_subgraph_index", 0))
        if not 1 <= index <= len(graph.subgraphs):
            continue
        initial = fold_constants(graph.subgraphs[index - 1])
        handles = _handles(initial)
        for op in initial.ops:
            if op.kind == "ASSIGN_VARIABLE" and op.inputs[0] in handles:
                values = initial.constant(op.inputs[1])
                if values is not None:
                    found[handles[op.inputs[0]]] = values
    return found


def _value_of(op: Op, key: str, value: Tensor, initial: dict[str, Array]) -> Array:
    """Return the initial value of the variable that `op` reads or assigns as `value`."""
    values = initial.get(key)
    if values is None or (values.size, str(values.dtype)) != (value.num_elements, value.dtype):
        raise UnsupportedModelError(
            f"{key} ({op.kind})",
            found="no constant initial value" if values is None else f"{values.size} initial values of {values.dtype}",
            expected=f"{value.num_elements} constants of {value.dtype}, which a CALL_ONCE assigns",
            next_step="initialise the variable with a constant and export the model again",
        )
    return values
