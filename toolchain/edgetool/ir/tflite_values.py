"""Turn the stored bytes of a `.tflite` tensor into a dense array: packed types, and TFLite's sparse form.

Sizes are checked against the file before anything is allocated, so that a damaged file cannot ask for more memory than
a small multiple of its own size.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import DimensionMetadata, SparsityParameters
    from flatbuffers.table import Table

__all__ = ["MAX_EXPANSION", "PACKED_BITS", "damaged", "decode_dense", "decode_sparse", "tensor_type"]

#: A sparse tensor may stand for at most so many bytes for each byte of the file (and for 16 MiB in any case).
MAX_EXPANSION = 1024
MIN_EXPANDED = 1 << 24

#: Types with several elements in a byte, the first in the lowest bits: bits of an element.
PACKED_BITS = {"int2": 2, "int4": 4, "uint4": 4}


def tensor_type(schema: ModuleType, code: int) -> str:
    """Return NumPy's name of a TensorType of the schema, which is the schema's own in lower case."""
    for name, value in vars(schema.TensorType).items():
        if value == code and not name.startswith("_"):
            return str(name.lower())
    return f"type_{code}"


def decode_dense(raw: Array, dtype: str, shape: tuple[int, ...], name: str) -> Array:
    """Return a buffer as an array of `shape`; packed integers are widened to 8 bits, bfloat16 to float32.

    Args:
        raw: `[num_bytes]` uint8; the result may be a view on it.
        dtype: NumPy's name, or a key of `PACKED_BITS`, or `bfloat16`.
        shape: of the result.
        name: the tensor's, for messages.

    Raises:
        FileFormatError: the number of bytes is not that of the shape.
    """
    count = math.prod(shape)
    bits = PACKED_BITS.get(dtype)
    if bits is not None:
        if raw.size != -(-count * bits // 8):
            raise damaged(name, f"{raw.size} bytes for {dtype} of shape {list(shape)}")
        return _unpack(raw, dtype, bits)[:count].reshape(shape)
    values = _plain(raw, dtype, name)
    if values.size != count:
        raise damaged(name, f"{values.size} stored elements for shape {list(shape)}")
    return values.reshape(shape)


def decode_sparse(
    schema: ModuleType,
    sparsity: SparsityParameters,
    raw: Array,
    dtype: str,
    shape: tuple[int, ...],
    name: str,
    file_bytes: int,
) -> tuple[Array, int]:
    """Return the dense array and the bytes that its indices take in the file.

    The form is that of TACO: one level for each dimension and then for each block, in `traversal_order`; a level is
    dense, or compressed to segments and indices. Source: LiteRT's schema.fbs, `SparsityParameters`.

    Args:
        schema: the module of the schema's classes.
        sparsity: the tensor's SparsityParameters.
        raw: `[num_bytes]` uint8, the stored values.
        dtype: as for `decode_dense`.
        shape: of the dense tensor.
        name: the tensor's, for messages.
        file_bytes: size of the file, which bounds what is allocated.

    Raises:
        FileFormatError: levels, segments or indices that do not fit together or the shape.
    """
    if math.prod(shape) > max(MIN_EXPANDED, MAX_EXPANSION * file_bytes):
        raise damaged(name, f"a sparse tensor of shape {list(shape)} in a file of {file_bytes} bytes")
    bits = PACKED_BITS.get(dtype)
    values = _unpack(raw, dtype, bits) if bits is not None else _plain(raw, dtype, name)
    order = _vector(sparsity, "TraversalOrder", file_bytes, name)
    block_map = _vector(sparsity, "BlockMap", file_bytes, name)
    levels = int(sparsity.DimMetadataLength())
    rank = len(shape)
    if levels != order.size or sorted(order.tolist()) != list(range(rank + block_map.size)):
        raise damaged(name, f"traversal order {order.tolist()[:16]} for {rank} dimensions")
    if block_map.size and (block_map.min() < 0 or block_map.max() >= rank):
        raise damaged(name, f"block map {block_map.tolist()[:16]} for {rank} dimensions")
    # Whatever follows a level stores at least one byte for two of its nodes: more nodes than this cannot be honest.
    max_nodes = 8 * file_bytes + 1
    coordinates: dict[int, Array] = {}
    block_sizes: dict[int, int] = {}
    num_nodes, index_bytes = 1, 0
    for level, dimension in enumerate(order.tolist()):
        metadata = sparsity.DimMetadata(level)
        parents, index, used = _expand(schema, metadata, num_nodes, name, max_nodes)
        num_nodes, index_bytes = index.size, index_bytes + used
        coordinates = {other: found[parents] for other, found in coordinates.items()}
        coordinates[dimension] = index
        if dimension >= rank:
            block_sizes[dimension] = int(metadata.DenseSize())
    if num_nodes > values.size:
        raise damaged(name, f"{values.size} stored values for {num_nodes} places")
    where = [coordinates[dimension] for dimension in range(rank)]
    for number, dimension in enumerate(block_map.tolist()):
        where[dimension] = where[dimension] * block_sizes[rank + number] + coordinates[rank + number]
    for index, size in zip(where, shape, strict=True):
        if index.size and (index.min() < 0 or index.max() >= size):
            raise damaged(name, f"an index outside shape {list(shape)}")
    dense = np.zeros(shape, values.dtype)
    dense[tuple(where)] = values[:num_nodes]
    return dense, index_bytes


def damaged(subject: str, found: str) -> FileFormatError:
    """Return the error for a file whose content contradicts itself."""
    return FileFormatError(
        subject, found=found, expected="a sound .tflite file", next_step="export the model again; the file is damaged"
    )


def _expand(
    schema: ModuleType, metadata: DimensionMetadata, num_parents: int, name: str, max_nodes: int
) -> tuple[Array, Array, int]:
    """Return, for each node of a level, its parent's number and its index, and the bytes that the level stores."""
    if int(metadata.Format()) == schema.DimensionType.DENSE:
        size = int(metadata.DenseSize())
        if size < 0 or num_parents * size > max_nodes:
            raise damaged(name, f"a dense level of {size} under {num_parents} nodes")
        return np.repeat(np.arange(num_parents), size), np.tile(np.arange(size), num_parents), 0
    segments, segment_bytes = _indices(schema, metadata.ArraySegmentsType(), metadata.ArraySegments(), name)
    indices, index_bytes = _indices(schema, metadata.ArrayIndicesType(), metadata.ArrayIndices(), name)
    if segments.size != num_parents + 1 or segments[0] != 0 or (np.diff(segments) < 0).any():
        raise damaged(name, f"{segments.size} segments for {num_parents} rows")
    if segments[-1] != indices.size:
        raise damaged(name, f"{indices.size} indices, {segments[-1]} expected")
    return np.repeat(np.arange(num_parents), np.diff(segments)), indices, segment_bytes + index_bytes


def _indices(schema: ModuleType, kind: int, table: Table | None, name: str) -> tuple[Array, int]:
    classes = {
        schema.SparseIndexVector.Int32Vector: schema.Int32Vector,
        schema.SparseIndexVector.Uint16Vector: schema.Uint16Vector,
        schema.SparseIndexVector.Uint8Vector: schema.Uint8Vector,
    }
    if int(kind) not in classes or table is None:
        raise damaged(name, f"an index vector of type {kind}")
    vector = classes[int(kind)]()
    vector.Init(table.Bytes, table.Pos)
    stored = _as_array(vector, "Values")
    return stored.astype(np.int64), int(stored.nbytes)


def _vector(table: object, field: str, file_bytes: int, name: str) -> Array:
    if getattr(table, f"{field}Length")() * 4 > file_bytes:
        raise damaged(name, f"a longer {field} than the file")
    return _as_array(table, field)


def _as_array(table: object, field: str) -> Array:
    """Return a vector of numbers of a flatbuffer table; its class gives 0 for one that is absent."""
    if getattr(table, f"{field}Length")() == 0:
        return np.zeros(0, np.int32)
    return np.asarray(getattr(table, f"{field}AsNumpy")())


def _unpack(raw: Array, dtype: str, bits: int) -> Array:
    """Return the elements of packed bytes, sign-extended unless unsigned."""
    per_byte = 8 // bits
    mask = (1 << bits) - 1
    fields = np.stack([(raw >> (bits * place)) & mask for place in range(per_byte)], axis=-1).reshape(-1)
    if dtype.startswith("u"):
        return fields.astype(np.uint8)
    signed = fields.astype(np.int8)
    return np.where(signed >= 1 << (bits - 1), signed - (1 << bits), signed).astype(np.int8)


def _plain(raw: Array, dtype: str, name: str) -> Array:
    """Return bytes as elements of a type that NumPy knows."""
    stored = "uint16" if dtype == "bfloat16" else "uint8" if dtype.startswith("float8") else dtype
    element = np.dtype(stored).newbyteorder("<")
    if raw.size % element.itemsize:
        raise damaged(name, f"{raw.size} bytes of {dtype}, {element.itemsize} bytes each")
    values = np.ascontiguousarray(raw).view(element)
    return (values.astype(np.uint32) << 16).view(np.float32) if dtype == "bfloat16" else values
