"""From a TFLite graph to a program of kernel calls."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable
from pathlib import Path

from edgetool.artifact import digest_path
from edgetool.embed.arithmetic.tables import fill_tables
from edgetool.embed.compiler.detections import with_detections
from edgetool.embed.compiler.passes.branches import inline_branches
from edgetool.embed.compiler.passes.cancel import cancel_pairs
from edgetool.embed.compiler.passes.constant_channels import fold_constant_channels
from edgetool.embed.compiler.passes.dead_channels import drop_dead_channels
from edgetool.embed.compiler.passes.depthwise_as_conv import depthwise_as_convolutions
from edgetool.embed.compiler.passes.dilations import fuse_dilations
from edgetool.embed.compiler.passes.fold import fold_constants
from edgetool.embed.compiler.passes.fuse import fuse_additions
from edgetool.embed.compiler.passes.fuse_activations import fuse_activations
from edgetool.embed.compiler.passes.fuse_pads import fuse_pads
from edgetool.embed.compiler.passes.joined_scales import rescale_joined
from edgetool.embed.compiler.passes.states import share_states
from edgetool.embed.compiler.sizes import require_known_sizes
from edgetool.embed.compiler.spectra import join_spectra
from edgetool.embed.compiler.unsigned import as_signed
from edgetool.embed.compiler.variables import resolve_variables
from edgetool.embed.ops import ALIASES, INTERNAL, OPERATORS, STATES, Lowering
from edgetool.embed.program import Program, Step
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.tflite import read_tflite

__all__ = ["lower_file", "lower_graph"]

#: Operators that stand for a part of the model that was compiled -> for what, and by which program.
ACCELERATORS = {
    "CUSTOM:edgetpu-custom-op": "an Edge TPU (edgetpu_compiler)",
    "CUSTOM:ethos-u": "an Ethos-U (Vela)",
    "CUSTOM:NeutronGraph": "NXP's Neutron (neutron-converter)",
}


def lower_file(path: Path) -> Program:
    """Read a `.tflite` file and lower it; see `lower_graph`.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: see `lower_graph`.
    """
    try:
        program = fill_tables(lower_graph(read_tflite(path), digest=digest_path(path)), path)
        program = depthwise_as_convolutions(fuse_additions(fuse_activations(program)))
        return share_states(drop_dead_channels(fold_constant_channels(program)))
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as exc:
        # Options and shapes of a damaged file that contradict each other; a sound file has none.
        raise FileFormatError(
            str(path),
            found=f"an operator whose options do not fit its tensors ({type(exc).__name__}: {exc})",
            expected="a model as a converter wrote it",
            next_step="export the model again",
        ) from None


def lower_graph(graph: Graph, *, digest: str) -> Program:
    """Turn every operator that an output needs into a kernel's call.

    Raises:
        UnsupportedModelError: an operator, type or shape that no kernel is for; all operators without one are named.
        FileFormatError: tensors that are read before they are made.
    """
    variables = resolve_variables(inline_branches(_with_fixed_shapes(with_detections(graph))))
    graph = fuse_dilations(fold_constants(rescale_joined(as_signed(variables.graph))))
    graph = fuse_pads(cancel_pairs(join_spectra(graph)))
    graph = dataclasses.replace(graph, ops=tuple(_without_shape(op) for op in graph.ops))
    ops = _needed(graph, variables.initial)
    _require_known(ops)
    steps: list[Step] = []
    aliases: dict[str, str] = {}
    for op in ops:
        if op.kind in ALIASES:
            _require_same_size(op, graph)
            aliases[op.outputs[0]] = aliases.get(op.inputs[0], op.inputs[0])
        else:
            lowered = _lowering(op.kind)(op, graph)
            steps += [lowered] if isinstance(lowered, Step) else lowered
    _require_order(graph, ops, variables.initial)
    program = Program(graph.tensors, tuple(steps), graph.inputs, graph.outputs, aliases, digest)
    return fuse_additions(dataclasses.replace(program, states=variables.initial))


def _with_fixed_shapes(graph: Graph) -> Graph:
    """Return the graph with a batch of 1.

    Where inputs leave the batch open and nothing else, every other open size is the batch too, on whatever axis the
    model has moved it to.
    """
    require_known_sizes(graph)
    subgraphs = tuple(map(_with_fixed_shapes, graph.subgraphs))
    tensors = {name: _with_batch_1(tensor) for name, tensor in graph.tensors.items()}
    return dataclasses.replace(graph, tensors=tensors, subgraphs=subgraphs)


def _with_batch_1(tensor: Tensor) -> Tensor:
    if all(size >= 0 for size in tensor.shape):
        return tensor
    return dataclasses.replace(tensor, shape=tuple(1 if size < 0 else size for size in tensor.shape))


def _without_shape(op: Op) -> Op:
    """Return a change of shape without its second operand: the file states what comes of it."""
    return dataclasses.replace(op, inputs=op.inputs[:1]) if op.kind in ALIASES else op


def _needed(graph: Graph, states: Iterable[str]) -> list[Op]:
    """Return the operators that an output or a state depends on, in order."""
    wanted, kept = {*graph.outputs, *states}, []
    for op in reversed(graph.ops):
        if wanted & set(op.outputs):
            kept.append(op)
            wanted |= {name for name in op.inputs if name}
    return kept[::-1]


def _require_known(ops: list[Op]) -> None:
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


def _require_order(graph: Graph, ops: list[Op], states: Iterable[str]) -> None:
    made = {*graph.inputs, *states} | {name for name, tensor in graph.tensors.items() if tensor.constant is not None}
    for op in ops:
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
    if absent or not ops:
        raise FileFormatError(
            absent[0] if absent else "model",
            found="an output that no operator makes" if absent else "no operator",
            expected="a model that computes its outputs",
            next_step="export the model again",
        )
