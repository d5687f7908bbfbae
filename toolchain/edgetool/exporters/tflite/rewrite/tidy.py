"""Make a converted file small and readable without changing what it computes.

1. Inputs and outputs take the order and names of the Keras model.
2. Tensors take short names: `<layer>/kernel`, `<layer>/bias`, the layer's name for activations, and a letter of it
   where a recurrent layer that is written out has hundreds.
3. A RESHAPE that only flattens for FULLY_CONNECTED is dropped: the operator flattens by itself.
4. Metadata, descriptions, shape signatures, and buffers that nothing refers to are dropped; equal buffers are shared.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.kernels import WEIGHT_INPUT, operator_name, stored_weights
from edgetool.ir.operators import Family, family_of

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT, OperatorT, SignatureDefT, SubGraphT

__all__ = ["drop_unused", "order_signature", "rename_tensors", "skip_flattening"]

#: Tensors of one layer that have its whole name, at most: a name takes as many bytes as the rest of a tensor.
MAX_NAMED = 48

#: Tells XNNPACK that a float16 model may compute in half precision: worth its bytes.
_KEPT_METADATA = (b"reduced_precision_support",)


def order_signature(model: ModelT, input_names: list[str], output_names: list[str]) -> None:
    """Put inputs and outputs in the order of the Keras model, under its names; the converter sorts them by name.

    Args:
        model: the converted file; its signature names inputs as Keras does and outputs `output_<i>`.
        input_names: in the Keras model's order.
        output_names: likewise.
    """
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    inputs = {entry.name.decode(): entry for entry in signature.inputs}
    outputs = {entry.name.decode(): entry for entry in signature.outputs}
    signature.inputs = [inputs[name] for name in input_names if name in inputs]
    signature.outputs = [outputs[f"output_{index}"] for index in range(len(output_names))]
    for entry, name in zip(signature.outputs, output_names, strict=True):
        entry.name = name.encode()
    for entry in (*signature.inputs, *signature.outputs):
        graph.tensors[entry.tensorIndex].name = entry.name
    graph.inputs = np.array([entry.tensorIndex for entry in signature.inputs], np.int32)
    graph.outputs = np.array([entry.tensorIndex for entry in signature.outputs], np.int32)


def rename_tensors(model: ModelT, model_name: str, kernels: dict[str, int]) -> None:
    """Give every tensor a short unique name; inputs and outputs keep theirs.

    Args:
        model: the converted file.
        model_name: of the Keras model: the first component of the converter's names.
        kernels: layer name -> tensor index.
    """
    graph = model.subgraphs[0]
    fixed = {int(index) for index in (*graph.inputs, *graph.outputs)}
    names = {index: graph.tensors[index].name.decode() for index in fixed}
    layers = {index: layer for layer, index in kernels.items()}
    producers = {int(output): operator for operator in graph.operators for output in operator.outputs}
    for operator, index in stored_weights(model):
        if index not in layers:
            continue
        names[index] = f"{layers[index]}/kernel"
        if WEIGHT_INPUT[operator_name(model, operator)] == 1 and len(operator.inputs) > 2:
            bias = int(operator.inputs[2])
            bias = int(producers[bias].inputs[0]) if bias in producers else bias
            if bias >= 0 and bias not in fixed:
                names.setdefault(bias, f"{layers[index]}/bias")
    others = {
        index: _short(tensor.name.decode(), model_name)
        for index, tensor in enumerate(graph.tensors)
        if index not in names
    }
    names |= _shortened_steps(others)
    taken: set[str] = set()
    for index in (*fixed, *(index for index in range(len(graph.tensors)) if index not in fixed)):
        name = names[index]
        unique, number = name, 1
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        graph.tensors[index].name = unique.encode()


def _shortened_steps(names: dict[int, str]) -> dict[int, str]:
    """Return names of tensors, those of layers with more than `MAX_NAMED` of them by one letter and a number."""
    counts = Counter(names.values())
    many = [name for name, count in counts.items() if count > MAX_NAMED]
    short = {name: f"{name[:1]}{place}" for place, name in enumerate(many)}
    return {index: short.get(name, name) for index, name in names.items()}


def _short(name: str, model_name: str) -> str:
    """Return the layer that a converter's name ends in: `model/relu_1/Relu;model/conv/Conv2D` -> `relu_1`."""
    parts = [part for part in name.split(";")[0].split("/") if part]
    if len(parts) > 1 and parts[0] == model_name:
        parts = parts[1:]
    return parts[0] if parts else name


def skip_flattening(model: ModelT) -> None:
    """Let FULLY_CONNECTED read what a RESHAPE to `[-1, n]` reads, where nothing else does.

    FULLY_CONNECTED takes any rank and computes its batch as elements / columns
    (tensorflow/lite/kernels/fully_connected.cc, Prepare), so the result is the same for every batch.
    """
    graph = model.subgraphs[0]
    outputs = {int(index) for index in graph.outputs}
    for reshape in list(graph.operators):
        if operator_name(model, reshape) != "RESHAPE" or int(reshape.outputs[0]) in outputs:
            continue
        target = int(reshape.outputs[0])
        readers = [operator for operator in graph.operators if target in [int(i) for i in operator.inputs]]
        flat = graph.tensors[target].shape
        if len(flat) != 2 or int(flat[0]) != int(graph.tensors[int(reshape.inputs[0])].shape[0]):
            continue
        if not readers or not all(_flattens(model, operator, target) for operator in readers):
            continue
        for operator in readers:
            operator.inputs = np.array([int(reshape.inputs[0]), *operator.inputs[1:]], np.int32)
        graph.operators.remove(reshape)


def _flattens(model: ModelT, operator: OperatorT, target: int) -> bool:
    return (
        family_of(operator_name(model, operator)) is Family.DENSE
        and int(operator.inputs[0]) == target
        and not operator.builtinOptions.keepNumDims
    )


def drop_unused(model: ModelT) -> None:
    """Drop what no operator needs: tensors, buffers, operator codes, metadata, shape signatures, descriptions."""
    model.description = None
    model.metadata = [entry for entry in model.metadata or [] if entry.name in _KEPT_METADATA][:1] or None
    model.metadataBuffer = None
    # A loop is prepared by the sizes that stay open in it: without them LiteRT refuses a GRU that gives its sequence.
    if len(model.subgraphs) == 1:
        model.subgraphs[0].name = None
        for tensor in model.subgraphs[0].tensors:
            tensor.shapeSignature = None
    for index, graph in enumerate(model.subgraphs):
        _drop_tensors(graph, [entry for entry in model.signatureDefs or [] if entry.subgraphIndex == index])
    _drop_buffers(model)
    used = sorted({operator.opcodeIndex for graph in model.subgraphs for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for graph in model.subgraphs:
        for operator in graph.operators:
            operator.opcodeIndex = used.index(operator.opcodeIndex)


def _drop_tensors(graph: SubGraphT, signatures: list[SignatureDefT]) -> None:
    """Drop the tensors of a subgraph that nothing reads or writes; `signatures` are those that name its tensors."""
    ends = [indices for indices in (graph.inputs, graph.outputs) if indices is not None]
    used = {int(index) for indices in ends for index in indices}
    for operator in graph.operators:
        lists = (operator.inputs, operator.outputs, operator.intermediates)
        used |= {int(index) for indices in lists if indices is not None for index in indices}
    kept = sorted(used - {-1})
    position = {old: new for new, old in enumerate(kept)} | {-1: -1}

    def moved(indices: Array | None) -> Array | None:
        return None if indices is None else np.array([position[int(index)] for index in indices], np.int32)

    graph.tensors = [graph.tensors[index] for index in kept]
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
        operator.intermediates = moved(operator.intermediates)
    for signature in signatures:
        for entry in (*(signature.inputs or []), *(signature.outputs or [])):
            entry.tensorIndex = position[entry.tensorIndex]


def _drop_buffers(model: ModelT) -> None:
    """Keep one buffer for each different content; buffer 0 is the empty one, by the schema."""
    kept = [model.buffers[0]]
    seen: dict[bytes, int] = {}

    def moved(index: int, *, empty: bool = False) -> int:
        data = model.buffers[index].data
        if data is None or (len(data) == 0 and not empty):
            return 0
        content = bytes(np.asarray(data, np.uint8))
        if content not in seen:
            seen[content] = len(kept)
            kept.append(model.buffers[index])
        return seen[content]

    for graph in model.subgraphs:
        for tensor in graph.tensors:
            # A constant of no elements (the shape of a scalar) is a constant only while its buffer has data.
            tensor.buffer = moved(tensor.buffer, empty=tensor.shape is not None and 0 in tensor.shape)
    for entry in model.metadata or []:
        entry.buffer = moved(entry.buffer)
    model.buffers = kept
