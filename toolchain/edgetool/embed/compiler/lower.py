"""From a TFLite graph to a program of kernel calls."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from edgetool.embed.compiler.context import Context
from edgetool.embed.ops import ALIASES, INTERNAL, OPERATORS, STATES, Lowering
from edgetool.embed.program import Program, Step
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_operators"]

#: Operators that stand for a part of the model that was compiled -> for what, and by which program.
ACCELERATORS = {
    "CUSTOM:edgetpu-custom-op": "an Edge TPU (edgetpu_compiler)",
    "CUSTOM:ethos-u": "an Ethos-U (Vela)",
    "CUSTOM:NeutronGraph": "NXP's Neutron (neutron-converter)",
}


def lower_operators(graph: Graph, context: Context) -> Program:
    """Return the program that calls a kernel, or several, for each operator of a graph.

    Args:
        graph: after the passes over graphs, see `edgetool.embed.compiler.pipeline`.
        context: the digest of the model.

    Raises:
        UnsupportedModelError: an operator, type or shape that no kernel is for; all operators without one are named.
        FileFormatError: tensors that are read before they are made.
    """
    _require_known(graph.ops)
    steps: list[Step] = []
    aliases: dict[str, str] = {}
    for op in graph.ops:
        if op.kind in ALIASES:
            _require_same_size(op, graph)
            aliases[op.outputs[0]] = aliases.get(op.inputs[0], op.inputs[0])
            continue
        lowered = _lowering(op.kind)(op, graph)
        steps += [lowered] if isinstance(lowered, Step) else lowered
    _require_order(graph)
    return Program(
        tensors=graph.tensors,
        steps=tuple(steps),
        inputs=graph.inputs,
        outputs=graph.outputs,
        aliases=aliases,
        source_digest=context.digest,
        states=graph.states,
    )


def _require_known(ops: Sequence[Op]) -> None:
    unknown = {op.kind: op.name for op in reversed(ops) if op.kind not in OPERATORS and op.kind not in ALIASES}
    if not unknown:
        return
    names = ", ".join(f"{kind} ({layer})" for kind, layer in sorted(unknown.items()))
    accelerators = [ACCELERATORS[kind] for kind in sorted(unknown) if kind in ACCELERATORS]
    if accelerators:
        raise UnsupportedModelError(
            names,
            found=f"a file that was compiled for {accelerators[0]} and holds its instructions",
            expected="the file that it was compiled from",
            next_step="embed that .tflite file, or this one for the interpreter of that device: --runtime array",
        )
    if all(kind.startswith("CUSTOM:") for kind in unknown):
        raise UnsupportedModelError(
            names,
            found="custom operators, of which the file has no more than the names",
            expected="operators of TFLite",
            next_step="embed the file for the interpreter of whoever made it, which has them: --runtime array; or "
            "export the model without them and compute what they do in the application",
        )
    raise UnsupportedModelError(
        names,
        found=f"{len(unknown)} operator{'s' if len(unknown) > 1 else ''} that C cannot be written for",
        expected=f"one of {', '.join(sorted({*OPERATORS, *ALIASES} - INTERNAL))}",
        next_step="replace the layer, or embed the file for an interpreter: --runtime array",
    )


def _require_same_size(op: Op, graph: Graph) -> None:
    """Refuse a change of shape that the file gives another size: it is right for another batch than 1."""
    before, after = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if before.num_elements != after.num_elements:
        raise UnsupportedModelError(
            f"{op.name or '?'} ({op.kind})",
            found=f"{list(before.shape)} as {list(after.shape)}",
            expected="shapes of one size, with a batch of 1",
            next_step="export the model with fixed input shapes",
        )


def _lowering(kind: str) -> Lowering:
    module, _, name = OPERATORS[kind].partition(":")
    found: Lowering = getattr(importlib.import_module(module), name)
    return found


def _require_order(graph: Graph) -> None:
    made = {*graph.inputs, *graph.states}
    made |= {name for name, tensor in graph.tensors.items() if tensor.constant is not None}
    for op in graph.ops:
        kept = STATES.get(op.kind, ())
        missing = [name for i, name in enumerate(op.inputs) if name and name not in made and i not in kept]
        if missing:
            raise FileFormatError(
                f"{op.name} ({op.kind})",
                found=f"input {missing[0]}, which no operator before it makes",
                expected="operators in the order of execution",
                next_step="export the model again",
            )
        made.update(op.outputs)
    absent = [name for name in graph.outputs if name not in made]
    if absent or not graph.ops:
        raise FileFormatError(
            absent[0] if absent else "model",
            found="an output that no operator makes" if absent else "no operator",
            expected="a model that computes its outputs",
            next_step="export the model again",
        )
