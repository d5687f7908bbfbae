"""Turn what an `.onnx` file stores of a constant into NumPy: dense, sparse, packed, in a file beside the model.

Sizes are checked against the stored bytes before anything is allocated; external data is read only from below the
model's own folder.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetool.bounds.memory import MODEL_BYTES, require_bounded, stored_bytes
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError
from edgetool.ir.graph import Tensor, element_bytes

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, SparseTensorProto, TensorProto

__all__ = [
    "NEXT_STEP",
    "constant_values",
    "damaged",
    "dense_initializer",
    "dtype_name",
    "require_bounded_files",
    "sparse_initializer",
]

#: A sparse initialiser may stand for at most so many elements for each stored byte (and 16 Mi in any case).
MAX_EXPANSION = 1024
MIN_EXPANDED = 1 << 24

_EXTERNAL = 1

NEXT_STEP = "export the model again; the file is damaged"


def dtype_name(code: int) -> str:
    """Return NumPy's name of a TensorProto.DataType, which is the specification's own in lower case."""
    import onnx

    try:
        name = str(onnx.TensorProto.DataType.Name(code))
    except ValueError:
        return f"type_{code}"
    special = {"FLOAT": "float32", "DOUBLE": "float64", "UNDEFINED": "unknown"}
    return special.get(name, name.lower())


def dense_initializer(path: Path, proto: TensorProto) -> Tensor:
    """Return an initialiser as a tensor.

    Raises:
        FileFormatError: its bytes do not match its shape, or lie outside the model's folder.
    """
    shape = tuple(int(size) for size in proto.dims)
    dtype = dtype_name(proto.data_type)
    if any(size < 0 for size in shape):
        raise damaged(proto.name, f"shape {list(shape)[:8]}")
    if dtype == "string":
        stored = sum(len(item) for item in proto.string_data)
        return Tensor(proto.name, shape, dtype, constant=np.zeros(0, np.uint8), stored_bytes=stored)
    values = _values(path, proto)
    if values.shape != shape:
        raise damaged(proto.name, f"values of shape {list(values.shape)} for {list(shape)}")
    stored = math.ceil(values.size * element_bytes(dtype))
    return Tensor(proto.name, shape, dtype, constant=values, stored_bytes=stored)


def sparse_initializer(path: Path, sparse: SparseTensorProto) -> Tensor:
    """Expand a SparseTensorProto: values, and linear `[NNZ]` or coordinate `[NNZ, rank]` indices.

    Raises:
        FileFormatError: an index outside the shape, or a shape of absurd size.
    """
    name = str(sparse.values.name)
    shape = tuple(int(size) for size in sparse.dims)
    values, indices = _values(path, sparse.values), _values(path, sparse.indices)
    stored = int(values.nbytes + indices.nbytes)
    if any(size < 0 for size in shape) or math.prod(shape) > max(MIN_EXPANDED, MAX_EXPANSION * stored):
        raise damaged(name, f"a sparse tensor of shape {list(shape)[:8]} in {stored} bytes")
    try:
        flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
    except ValueError as exc:
        raise damaged(name, f"indices outside {list(shape)} ({exc})") from None
    if flat.shape != values.shape or (flat.size and (flat.min() < 0 or flat.max() >= math.prod(shape))):
        raise damaged(name, f"{flat.size} indices for {values.size} values of shape {list(shape)}")
    dense = np.zeros(math.prod(shape), values.dtype)
    dense[flat] = values
    dtype = dtype_name(sparse.values.data_type)
    return Tensor(name, shape, dtype, constant=dense.reshape(shape), stored_bytes=stored, sparse=True)


def constant_values(node: NodeProto) -> Array | None:
    """Return the value of a Constant node, in whichever attribute it stands; None for strings and sparse values."""
    for attribute in node.attribute:
        if attribute.name == "value":
            return _values(None, attribute.t)
        if attribute.name == "value_float":
            return np.asarray(attribute.f, np.float32)
        if attribute.name == "value_int":
            return np.asarray(attribute.i, np.int64)
        if attribute.name == "value_floats":
            return np.asarray(attribute.floats, np.float32)
        if attribute.name == "value_ints":
            return np.asarray(attribute.ints, np.int64)
    return None


def damaged(subject: str, found: str) -> FileFormatError:
    """Return the error for a file whose content contradicts itself."""
    return FileFormatError(subject, found=found, expected="a sound .onnx file", next_step=NEXT_STEP)


def require_bounded_files(path: Path, graph: GraphProto) -> None:
    """Refuse a graph whose initialisers claim far more than the files beside the model hold: many may claim the same.

    Raises:
        FileFormatError: far more bytes, or data outside the model's folder.
    """
    tensors = [
        *graph.initializer,
        *(item for sparse in graph.sparse_initializer for item in (sparse.values, sparse.indices)),
    ]
    regions = [_region(path, tensor) for tensor in tensors if tensor.data_location == _EXTERNAL]
    stored = sum(stored_bytes(file) for file in {file for file, _, _ in regions})
    require_bounded(str(path), sum(length for _, _, length in regions), stored, MODEL_BYTES)


def _values(path: Path | None, proto: TensorProto) -> Array:
    from onnx import numpy_helper

    if proto.data_location == _EXTERNAL:
        proto = _with_external_data(path, proto)
    try:
        values = np.asarray(numpy_helper.to_array(proto))
    except (ValueError, TypeError, KeyError, NotImplementedError, AttributeError) as exc:
        raise damaged(proto.name, " ".join(str(exc).split())[:200]) from None
    # Types that NumPy lacks come as those of ml_dtypes: widened, so that everything can compute with them.
    if values.dtype.name in ("int4", "int2"):
        return values.astype(np.int8)
    if values.dtype.name in ("uint4", "uint2"):
        return values.astype(np.uint8)
    if values.dtype.name.startswith(("bfloat", "float8", "float4")):
        return values.astype(np.float32)
    return values


def _region(path: Path | None, proto: TensorProto) -> tuple[Path, int, int]:
    """Return where external data lie: a file below the model's folder, offset and length in bytes."""
    fields = {entry.key: entry.value for entry in proto.external_data}
    location = fields.get("location", "")
    if path is None or not location:
        raise damaged(proto.name, "external data without a location")
    try:
        folder = path.parent.resolve()
        file = (folder / location).resolve()
        offset, length = int(fields.get("offset", "0")), int(fields.get("length", "-1"))
        inside = folder in file.parents and file.is_file()
        size = file.stat().st_size if inside else 0
    except (ValueError, OSError) as exc:
        raise damaged(proto.name, f"external data in {location!r} ({exc})") from None
    if not inside:
        raise damaged(proto.name, f"external data in {location!r}, which is no file below the model's folder")
    length = size - offset if length < 0 else length
    if offset < 0 or length < 0 or offset + length > size:
        raise damaged(proto.name, f"external data at {offset} + {length} of {size} bytes in {location!r}")
    return file, offset, length


def _with_external_data(path: Path | None, proto: TensorProto) -> TensorProto:
    """Return a copy of `proto` that holds its bytes itself, read from a file below the model's folder."""
    import onnx

    file, offset, length = _region(path, proto)
    with file.open("rb") as stream:
        stream.seek(offset)
        content = stream.read(length)
    loaded = onnx.TensorProto()
    loaded.CopyFrom(proto)
    del loaded.external_data[:]
    loaded.data_location = onnx.TensorProto.DEFAULT
    loaded.raw_data = content
    return loaded
