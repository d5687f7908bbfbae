"""IF: both branches are computed, and each result is chosen; one that is known beforehand is the only one."""

from __future__ import annotations

import dataclasses

from edgetool.embed.compiler.passes.fold import fold_constants
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["inline_branches"]

#: Branches within branches, at most; and operators that no branch may have, because they do more than to compute.
MAX_DEPTH = 8
EFFECTS = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE", "WHILE"})


def inline_branches(graph: Graph) -> Graph:
    """Return the graph with the operators of both subgraphs in place of each IF, and SELECT_V2 behind them.

    An IF whose subgraphs have effects, or are not there, stays, and is refused by its name.
    """
    for _ in range(MAX_DEPTH):
        if not any(op.kind == "IF" for op in graph.ops):
            return graph
        graph = _once(fold_constants(graph))
    return graph


def _once(graph: Graph) -> Graph:
    tensors, ops = dict(graph.tensors), []
    for number, op in enumerate(graph.ops):
        inlined = _inlined(graph, op, number) if op.kind == "IF" else None
        if inlined is None:
            ops.append(op)
            continue
        tensors |= inlined[0]
        ops += inlined[1]
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _inlined(graph: Graph, op: Op, number: int) -> tuple[dict[str, Tensor], list[Op]] | None:
    condition = graph.constant(op.inputs[0])
    sides: tuple[str, ...] = ("then", "else")
    if condition is not None and condition.size == 1:
        sides = ("then",) if bool(condition.reshape(-1)[0]) else ("else",)
    tensors: dict[str, Tensor] = {}
    ops: list[Op] = []
    results: list[tuple[str, ...]] = []
    for side in sides:
        index = int(op.attributes.get(f"{side}_subgraph_index", 0))
        if not 1 <= index <= len(graph.subgraphs):
            return None
        branch = graph.subgraphs[index - 1]
        arguments = op.inputs[1:]
        if len(branch.inputs) != len(arguments) or EFFECTS & {inner.kind for inner in branch.ops}:
            return None
        names = {name: f"{name} ({side} of {number})" for name in branch.tensors} | {"": ""}
        names |= dict(zip(branch.inputs, arguments, strict=True))
        tensors |= {
            names[name]: dataclasses.replace(tensor, name=names[name])
            for name, tensor in branch.tensors.items()
            if name not in branch.inputs
        }
        ops += [_renamed(inner, names) for inner in branch.ops]
        results.append(tuple(names[name] for name in branch.outputs))
    for place, output in enumerate(op.outputs):
        chosen = tuple(outputs[place] for outputs in results)
        kind = "SELECT_V2" if len(chosen) == 2 else "RESHAPE"
        ops.append(Op(kind, output, (op.inputs[0], *chosen) if len(chosen) == 2 else chosen, (output,)))
    return tensors, ops


def _renamed(op: Op, names: dict[str, str]) -> Op:
    return dataclasses.replace(
        op,
        name=names.get(op.name, op.name),
        inputs=tuple(names[name] for name in op.inputs),
        outputs=tuple(names[name] for name in op.outputs),
        intermediates=tuple(names[name] for name in op.intermediates),
    )
