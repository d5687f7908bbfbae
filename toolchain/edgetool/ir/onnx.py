"""Read an `.onnx` file: nodes, initialisers, shapes by inference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

__all__ = ["read_onnx"]

MAX_ELEMENTS = 1 << 31

_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 21: "uint4", 22: "int4",
}  # fmt: skip


def read_onnx(path: Path) -> Graph:
    """Read the main graph.

    Raises:
        FileFormatError: no valid ModelProto, an initialiser whose bytes do not match its shape, or data outside the
            model's folder.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, ValueError, TypeError) as exc:
        raise _damaged(path.name, f"no ModelProto ({exc})") from None
    if not model.graph.node and not model.graph.output:
        raise _damaged(path.name, "a model without nodes and outputs")
    inferred, notes = _infer_shapes(model)
    tensors: dict[str, Tensor] = {}
    for value in (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info):
        tensors[value.name] = _activation(value)
    for initializer in model.graph.initializer:
        tensors[initializer.name] = _initializer(path, initializer)
    for sparse in model.graph.sparse_initializer:
        tensors[sparse.values.name] = _sparse_initializer(path, sparse)
    ops = tuple(_op(node, tensors) for node in model.graph.node)
    _attach_quantization(ops, tensors)
    constants = {name for name, tensor in tensors.items() if tensor.constant is not None}
    return Graph(
        format="onnx",
        tensors=tensors,
        ops=ops,
        inputs=tuple(value.name for value in model.graph.input if value.name not in constants),
        outputs=tuple(value.name for value in model.graph.output),
        notes=notes,
    )


def _infer_shapes(model: Any) -> tuple[Any, tuple[str, ...]]:
    import onnx

    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True), ()
    except Exception as exc:  # noqa: BLE001 - a C++ extension with errors of its own; shapes are a convenience here
        return model, (f"shapes could not be inferred: {' '.join(str(exc).split())[:200]}",)


def _activation(value: Any) -> Tensor:
    kind = value.type.tensor_type
    shape = tuple(
        int(dim.dim_value) if dim.HasField("dim_value") and dim.dim_value > 0 else -1 for dim in kind.shape.dim
    )
    if math.prod(abs(size) for size in shape) > MAX_ELEMENTS:
        raise _damaged(value.name, f"shape {list(shape)[:8]}")
    return Tensor(value.name, shape, _DTYPES.get(kind.elem_type, f"type_{kind.elem_type}"))


def _initializer(path: Path, initializer: Any) -> Tensor:
    shape = tuple(int(size) for size in initializer.dims)
    dtype = _DTYPES.get(initializer.data_type, f"type_{initializer.data_type}")
    if any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise _damaged(initializer.name, f"shape {list(shape)[:8]}")
    if dtype == "string":
        return Tensor(initializer.name, shape, dtype, constant=np.zeros(shape, np.int8))
    values = _values(path, initializer)
    if values.shape != shape:
        raise _damaged(initializer.name, f"values of shape {list(values.shape)} for {list(shape)}")
    width = 0.5 if dtype in ("int4", "uint4") else values.dtype.itemsize
    return Tensor(initializer.name, shape, dtype, constant=values, stored_bytes=math.ceil(values.size * width))


def _values(path: Path, proto: Any) -> Array:
    from onnx import external_data_helper, numpy_helper

    if external_data_helper.uses_external_data(proto):
        info = external_data_helper.ExternalDataInfo(proto)
        file = (path.parent / info.location).resolve()
        if path.parent.resolve() not in file.parents or not file.is_file():
            raise _damaged(proto.name, f"data in {info.location!r}")
        external_data_helper.load_external_data_for_tensor(proto, str(path.parent))
    try:
        values = np.asarray(numpy_helper.to_array(proto))
    except (ValueError, TypeError, KeyError, NotImplementedError) as exc:
        raise _damaged(proto.name, str(exc)) from None
    if values.dtype.name in ("int4", "uint4"):
        return values.astype(np.int8 if values.dtype.name == "int4" else np.uint8)
    return values


def _sparse_initializer(path: Path, sparse: Any) -> Tensor:
    """Expand a COO initialiser: values, and linear or per-dimension indices."""
    shape = tuple(int(size) for size in sparse.dims)
    if any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise _damaged(sparse.values.name, f"shape {list(shape)[:8]}")
    values, indices = _values(path, sparse.values), _values(path, sparse.indices)
    dense = np.zeros(math.prod(shape), values.dtype)
    try:
        flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
        dense[flat] = values
    except (ValueError, IndexError) as exc:
        raise _damaged(sparse.values.name, f"indices outside {list(shape)} ({exc})") from None
    return Tensor(
        sparse.values.name,
        shape,
        values.dtype.name,
        constant=dense.reshape(shape),
        stored_bytes=int(values.nbytes + indices.nbytes),
        sparse=True,
    )


def _op(node: Any, tensors: dict[str, Tensor]) -> Op:
    from onnx import numpy_helper

    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.name == "value" and node.op_type == "Constant" and node.output:
            values = numpy_helper.to_array(attribute.t)
            tensors[node.output[0]] = Tensor(
                node.output[0], values.shape, values.dtype.name, constant=values, stored_bytes=int(values.nbytes)
            )
        elif attribute.type == 2:
            attributes[attribute.name] = int(attribute.i)
        elif attribute.type == 7:
            attributes[attribute.name] = tuple(int(item) for item in attribute.ints)
    name = node.name or (node.output[0] if node.output else node.op_type)
    return Op(node.op_type, name, tuple(node.input), tuple(node.output), attributes)


def _attach_quantization(ops: tuple[Op, ...], tensors: dict[str, Tensor]) -> None:
    """Give integer constants in front of DequantizeLinear the scale and zero point that it applies."""
    import dataclasses

    for op in ops:
        if op.kind != "DequantizeLinear" or len(op.inputs) < 2 or op.inputs[0] not in tensors:
            continue
        scale = tensors.get(op.inputs[1])
        zero = tensors.get(op.inputs[2]) if len(op.inputs) > 2 else None
        if scale is None or scale.constant is None:
            continue
        scales = tuple(float(item) for item in np.ravel(scale.constant))
        if zero is not None and zero.constant is not None:
            zeros = tuple(int(item) for item in np.ravel(zero.constant))
        else:
            zeros = (0,) * len(scales)
        source = tensors[op.inputs[0]]
        quantization = Quantization(scales, zeros, int(op.attributes.get("axis", 1)))
        tensors[op.inputs[0]] = dataclasses.replace(source, quantization=quantization)


def _damaged(subject: str, found: str) -> FileFormatError:
    return FileFormatError(
        subject, found=found, expected="a sound .onnx file", next_step="export the model again; the file is damaged"
    )
