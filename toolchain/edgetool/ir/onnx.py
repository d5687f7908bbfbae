"""Read an `.onnx` file: nodes, initialisers, shapes by inference at batch 1."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.bounds.memory import read_file
from edgetool.bounds.parsing import parsing
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.ir.input_shapes import InputShape
from edgetool.ir.onnx_inputs import dims_of, fix_input_shapes
from edgetool.ir.onnx_scatter import expand_scattered
from edgetool.ir.onnx_shapes import infer_shapes
from edgetool.ir.onnx_values import (
    NEXT_STEP,
    constant_values,
    damaged,
    dense_initializer,
    dtype_name,
    require_bounded_files,
    sparse_initializer,
)

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorShapeProto, ValueInfoProto

__all__ = ["read_model", "read_onnx"]

#: A tensor with more elements than this is refused: no microcontroller or phone model comes near it.
MAX_ELEMENTS = 1 << 40

#: Attribute types of onnx.proto that are carried over: FLOAT, INT, STRING, FLOATS, INTS.
_FLOAT, _INT, _STRING, _GRAPH, _FLOATS, _INTS, _GRAPHS = 1, 2, 3, 5, 6, 7, 10


def read_onnx(path: Path, input_shapes: Sequence[InputShape] = (), *, known_only: bool = False) -> Graph:
    """Read the main graph.

    Args:
        path: the file.
        input_shapes: sizes of open dimensions of its inputs.
        known_only: shapes of inputs that the file does not have are left out.

    Raises:
        FileFormatError: no valid ModelProto, an initialiser whose bytes do not match its shape, or data outside the
            model's folder.
        UsageError: shapes that do not fit the inputs.
    """
    import onnx

    with parsing(str(path), expected="a sound .onnx file", next_step=NEXT_STEP):
        model = onnx.load_model_from_string(read_file(path))
    if not model.graph.node and not model.graph.output:
        raise damaged(str(path), "a model without nodes and outputs")
    fix_input_shapes(model, input_shapes, str(path), known_only=known_only)
    return read_model(path, model)


def read_model(path: Path, model: ModelProto) -> Graph:
    """Return the main graph of a `ModelProto` that lies at `path`, beside the files of its weights.

    Raises:
        FileFormatError: as `read_onnx`.
    """
    try:
        with parsing(str(path), expected="a sound .onnx file", next_step=NEXT_STEP):
            _require_text(model.graph)
            require_bounded_files(path, model.graph)
            return _read_graph(path, model)
    except FileFormatError as exc:
        # The reader knows the tensor; the user also wants the file.
        if str(path) in exc.subject:
            raise
        raise damaged(f"{path}: {exc.subject}", exc.found) from None


def _read_graph(path: Path, model: ModelProto) -> Graph:
    tensors: dict[str, Tensor] = {}
    # Shapes as the file states them win over those inferred at batch 1, so that signatures keep their open dimensions.
    inferred, notes = _infer_shapes(model)
    for value in (*inferred.graph.output, *inferred.graph.value_info, *model.graph.value_info):
        if value.name not in tensors or not _is_known(tensors[value.name]):
            tensors[value.name] = _activation(value)
    for value in (*model.graph.input, *model.graph.output):
        tensors[value.name] = _activation(value)
    external = 0
    for initializer in model.graph.initializer:
        tensors[initializer.name] = dense_initializer(path, initializer)
        external += tensors[initializer.name].stored_bytes if initializer.data_location == 1 else 0
    for sparse in model.graph.sparse_initializer:
        tensors[sparse.values.name] = sparse_initializer(path, sparse)
    ops = expand_scattered(tuple(_op(node, tensors) for node in model.graph.node), tensors)
    _attach_quantization(ops, tensors)
    nested = sum(1 for node in model.graph.node for item in node.attribute if item.type in (_GRAPH, _GRAPHS))
    if nested:
        notes += (f"{nested} nested graphs (If, Loop, Scan) are not analysed",)
    if external:
        notes += (f"{external:,} bytes of the weights lie in files beside the model",)
    constants = {name for name, tensor in tensors.items() if tensor.constant is not None}
    for op in ops:
        for name in (*op.inputs, *op.outputs):
            if name and name not in tensors:
                tensors[name] = Tensor(name, (), "unknown", has_shape=False)
    return Graph(
        format="onnx",
        tensors=tensors,
        ops=ops,
        inputs=tuple(value.name for value in model.graph.input if value.name not in constants),
        outputs=tuple(value.name for value in model.graph.output),
        notes=notes,
        dims={str(value.name): dims_of(value) for value in (*model.graph.input, *model.graph.output)},
    )


def _require_text(graph: GraphProto) -> None:
    """Refuse names that are no UTF-8, which protobuf gives as bytes.

    Raises:
        FileFormatError: names the node.
    """
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for node in graph.node:
        names = (node.op_type, node.name, node.domain, *node.input, *node.output)
        if not all(isinstance(name, str) for name in names):
            raise damaged(repr(node.name)[:80], "a name that is no UTF-8")
    for value in values:
        if not isinstance(value.name, str):
            raise damaged(repr(value.name)[:80], "a name that is no UTF-8")


def _infer_shapes(model: ModelProto) -> tuple[ModelProto, tuple[str, ...]]:
    """Return a copy without weights whose activations have shapes, with open batch dimensions set to 1."""
    import onnx

    small = onnx.ModelProto()
    small.CopyFrom(model)
    _close_batch(small.graph)
    try:
        return infer_shapes(small), ()
    except Exception as exc:  # noqa: BLE001 - a C++ extension with errors of its own; shapes are a convenience here
        return model, (f"shapes could not be inferred: {' '.join(str(exc).split())[:200]}",)


def _close_batch(graph: GraphProto) -> None:
    """Set the open first dimension of the inputs to 1, and every dimension of the same name."""
    names: set[str] = set()
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        if len(dims) > 1 and _is_open(dims[0]):
            names.add(dims[0].dim_param)
            dims[0].dim_value = 1
    names.discard("")
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_param in names and dim.dim_param:
                dim.dim_value = 1
            elif axis == 0 and value in graph.output and _is_open(dim):
                dim.Clear()


def _is_open(dim: TensorShapeProto.Dimension) -> bool:
    return not dim.HasField("dim_value") or dim.dim_value <= 0


def _is_known(tensor: Tensor) -> bool:
    return tensor.has_shape and all(size >= 0 for size in tensor.shape)


def _activation(value: ValueInfoProto) -> Tensor:
    kind = value.type.tensor_type
    shape = tuple(-1 if _is_open(dim) else int(dim.dim_value) for dim in kind.shape.dim)
    if math.prod(abs(size) for size in shape) > MAX_ELEMENTS:
        raise damaged(value.name, f"shape {list(shape)[:8]}")
    return Tensor(value.name, shape, dtype_name(kind.elem_type), has_shape=kind.HasField("shape"))


def _op(node: NodeProto, tensors: dict[str, Tensor]) -> Op:
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.type == _INT:
            attributes[attribute.name] = int(attribute.i)
        elif attribute.type == _FLOAT:
            attributes[attribute.name] = float(attribute.f)
        elif attribute.type == _STRING:
            attributes[attribute.name] = attribute.s.decode("utf-8", "replace")
        elif attribute.type == _INTS:
            attributes[attribute.name] = tuple(int(item) for item in attribute.ints)
        elif attribute.type == _FLOATS:
            attributes[attribute.name] = tuple(float(item) for item in attribute.floats)
    if node.op_type == "Constant" and node.output:
        values = constant_values(node)
        if values is not None:
            size = int(values.nbytes)
            name = node.output[0]
            tensors[name] = Tensor(name, values.shape, values.dtype.name, constant=values, stored_bytes=size)
    name = node.name or (node.output[0] if node.output else node.op_type)
    return Op(node.op_type, name, tuple(node.input), tuple(node.output), attributes)


def _attach_quantization(ops: Iterable[Op], tensors: dict[str, Tensor]) -> None:
    """Give integer tensors the scale and zero point that the operators around them state."""
    for op in ops:
        if op.kind == "DequantizeLinear":
            axis = int(op.attributes.get("axis", 1))
            _attach(tensors, op.inputs[0:1], op.inputs[1:2], op.inputs[2:3], axis)
        elif op.kind == "QuantizeLinear":
            axis = int(op.attributes.get("axis", 1))
            _attach(tensors, op.outputs[0:1], op.inputs[1:2], op.inputs[2:3], axis)
        elif op.kind == "QLinearConv":
            _attach(tensors, op.inputs[3:4], op.inputs[4:5], op.inputs[5:6], 0)
            _attach(tensors, op.inputs[8:9], (), (), 0)
        elif op.kind == "QLinearMatMul":
            _attach(tensors, op.inputs[3:4], op.inputs[4:5], op.inputs[5:6], -1)
        elif op.kind == "ConvInteger":
            _attach(tensors, op.inputs[1:2], (), op.inputs[3:4], 0)
        elif op.kind == "MatMulInteger":
            _attach(tensors, op.inputs[1:2], (), op.inputs[3:4], -1)


def _attach(
    tensors: dict[str, Tensor],
    names: tuple[str, ...],
    scale_names: tuple[str, ...],
    zero_names: tuple[str, ...],
    axis: int,
) -> None:
    """State on the tensor `names[0]` the scale and zero point of the constants named; a scale may be unknown."""
    source = tensors.get(names[0]) if names else None
    if source is None:
        return
    scales = _flat(tensors, scale_names)
    zeros = _flat(tensors, zero_names)
    if scale_names and scales is None:
        return
    scale = () if scales is None else tuple(float(item) for item in scales)
    if zeros is not None and zeros.dtype.kind in "iu":
        zero_point = tuple(int(item) for item in zeros)
    else:
        zero_point = (0,) * max(1, len(scale))
    rank = max(1, len(source.shape))
    dimension = axis + rank if axis < 0 else axis
    quantization = Quantization(scale, zero_point, min(dimension, rank - 1) if len(zero_point) > 1 else 0)
    tensors[names[0]] = dataclasses.replace(source, quantization=quantization)


def _flat(tensors: dict[str, Tensor], names: tuple[str, ...]) -> Array | None:
    tensor = tensors.get(names[0]) if names else None
    return None if tensor is None or tensor.constant is None else np.ravel(tensor.constant)
