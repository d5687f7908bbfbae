"""What each operator of a graph holds and costs: one record an operator, for `inspect` and for run manifests."""

from __future__ import annotations

from collections.abc import Iterator

from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import op_macs, weight_inputs
from edgetool.ir.weight_format import format_of
from edgetool.records import LayerRecord

__all__ = ["layer_notes", "layer_records"]

#: Inputs that hold numbers about quantisation or shapes, not parameters of the model.
_NO_PARAMETERS = {
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "ConvInteger": (2, 3),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "MatMulInteger": (2, 3),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "DynamicQuantizeMatMul": (2, 3),
    "MatMulIntegerToFloat": (2, 3, 4, 5),
    "QLinearAdd": (1, 2, 4, 5, 6, 7),
    "QLinearMul": (1, 2, 4, 5, 6, 7),
    "QLinearSigmoid": (1, 2, 3, 4),
    "QLinearLeakyRelu": (1, 2, 3, 4),
    "QLinearAveragePool": (1, 2, 3, 4),
    "QLinearGlobalAveragePool": (1, 2, 3, 4),
    "QLinearSoftmax": (1, 2, 3, 4),
    "Resize": (1, 2, 3),
    "Clip": (1, 2),
    "Pad": (1, 2, 3),
    "Range": (0, 1, 2),
    "ConstantOfShape": (0,),
}


def layer_records(graph: Graph) -> tuple[LayerRecord, ...]:
    """Return a record for each operator that runs; a constant that several operators read is counted with the first.

    Operators on constants alone (dequantisation of stored weights) have no record: what they read is counted with the
    operator that uses their result. The format is that of an operator's largest constant. MACs that are not known
    count as 0; `layer_notes` names them.
    """
    producers = graph.producers()
    folded = graph.constant_outputs()
    seen: set[str] = set()
    records: list[LayerRecord] = []
    for op in graph.ops:
        if op.outputs and all(name in folded for name in op.outputs if name):
            continue
        constants = [tensor for tensor in _parameters(graph, producers, folded, op) if tensor.name not in seen]
        seen.update(tensor.name for tensor in constants)
        main = max(constants, key=lambda tensor: tensor.num_elements, default=None)
        records.append(
            LayerRecord(
                name=op.name,
                op=op.kind,
                num_params=sum(tensor.num_elements for tensor in constants),
                num_bytes=sum(tensor.stored_bytes for tensor in constants),
                macs=op_macs(graph, op) or 0,
                dtype=main.dtype if main is not None else _activation_dtype(graph, op),
                weights=None if main is None else format_of(main),
            )
        )
    return tuple(records)


def layer_notes(graph: Graph) -> tuple[str, ...]:
    """Return sentences on what the records leave out: MACs that are not known, weights that grow when loaded."""
    folded = graph.constant_outputs()
    unknown = sorted({op.kind for op in graph.ops if op_macs(graph, op) is None and not folded & set(op.outputs)})
    notes = []
    if unknown:
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        notes.append(f"MACs not counted (unknown operator or shape): {', '.join(unknown[:8])}{more}")
    unpacked = sum(
        graph.tensors[name].num_bytes
        for op in graph.ops
        if op.kind in ("DENSIFY", "DEQUANTIZE")
        for name in op.outputs
        if name in folded and name in graph.tensors
    )
    if unpacked:
        notes.append(f"weights unpacked in memory when the file is loaded: {unpacked:,} bytes beside the activations")
    return tuple(notes)


def _parameters(graph: Graph, producers: dict[str, Op], folded: set[str], op: Op) -> Iterator[Tensor]:
    """Yield the constants that are parameters of `op`, read directly or through operators on constants."""
    if op.kind == "Mul" and any(_made_by(producers, name, "DynamicQuantizeLinear") for name in op.inputs):
        return  # the scale of a dynamically quantised product
    visited: set[str] = set()
    weights = set(weight_inputs(op))
    pending = [op]
    while pending:
        reader = pending.pop()
        skipped = _NO_PARAMETERS.get(reader.kind, ())
        for position, name in enumerate(reader.inputs):
            if position in skipped or not name or name in visited:
                continue
            visited.add(name)
            tensor = graph.tensors.get(name)
            if tensor is not None and tensor.constant is not None:
                if name in weights or _is_parameter(tensor):
                    yield tensor
            elif name in folded:
                maker = producers[name]
                pending.append(maker)
                if name in weights:  # moved or converted before use: what the first input holds is the weights
                    weights.update(maker.inputs[:1])


def _is_parameter(tensor: Tensor) -> bool:
    """Weights and biases are real numbers, or integers that stand for them; shapes and indices are neither."""
    if not tensor.shape and tensor.quantization is None:
        return False
    return tensor.dtype.startswith(("float", "bfloat")) or tensor.quantization is not None


def _made_by(producers: dict[str, Op], name: str, kind: str) -> bool:
    return name in producers and producers[name].kind == kind


def _activation_dtype(graph: Graph, op: Op) -> str:
    tensor = graph.tensors.get(op.outputs[0]) if op.outputs else None
    return "" if tensor is None else tensor.dtype
