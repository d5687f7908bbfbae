"""Read a `.tflite` file with every length and offset checked: hostile files give errors, never a crash.

The schema classes are those of ai-edge-litert; no interpreter is loaded. Source of the format: LiteRT's schema.fbs.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

__all__ = ["read_tflite"]

#: A constant with more elements than this is refused: no microcontroller or phone model comes near it.
MAX_ELEMENTS = 1 << 31

_DTYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16", 8: "complex64",
    9: "int8", 10: "float64", 11: "complex128", 12: "uint64", 13: "resource", 14: "variant", 15: "uint32", 16: "uint16",
    17: "int4", 18: "bfloat16",
}  # fmt: skip

#: What the schema classes raise on offsets and lengths that point nowhere.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, KeyError, UnicodeDecodeError)


def read_tflite(path: Path) -> Graph:
    """Read the main subgraph.

    Raises:
        FileFormatError: damaged: an offset, a length or an index lies outside the file.
        UnsupportedModelError: no subgraph.
    """
    content = path.read_bytes()
    try:
        return _Reader(content).read()
    except (FileFormatError, UnsupportedModelError):
        raise
    except _DAMAGE as exc:
        raise _damaged(path.name, f"a structure that points outside the file ({type(exc).__name__}: {exc})") from None


class _Reader:
    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.content = content
        self.model = schema.Model.GetRootAs(content, 0)
        self.names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}

    def read(self) -> Graph:
        if self._count(self.model.SubgraphsLength(), 4) == 0:
            raise UnsupportedModelError("model", found="no subgraph", expected="one", next_step="export it again")
        graph = self.model.Subgraphs(0)
        tensors = [self._tensor(graph.Tensors(i), i) for i in range(self._count(graph.TensorsLength(), 4))]
        tensors = _unique(tensors)
        codes = [self.model.OperatorCodes(i) for i in range(self._count(self.model.OperatorCodesLength(), 4))]
        kinds = [self._kind(code) for code in codes]
        ops = tuple(
            self._op(graph.Operators(i), kinds, tensors) for i in range(self._count(graph.OperatorsLength(), 4))
        )
        extra = int(self.model.SubgraphsLength()) - 1
        return Graph(
            format="tflite",
            tensors={tensor.name: tensor for tensor in tensors},
            ops=ops,
            inputs=self._names(graph.InputsLength(), graph.Inputs, tensors),
            outputs=self._names(graph.OutputsLength(), graph.Outputs, tensors),
            notes=(f"{extra} further subgraphs are not analysed",) if extra > 0 else (),
        )

    def _count(self, length: Any, item_bytes: int) -> int:
        """Return a vector's length if that many items fit into the file."""
        if not 0 <= int(length) * item_bytes <= len(self.content):
            raise _damaged("model", f"a vector of {length} items in {len(self.content)} bytes")
        return int(length)

    def _kind(self, code: Any) -> str:
        number = max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))
        if self.names.get(number) == "CUSTOM":
            custom = code.CustomCode()
            return f"CUSTOM:{custom.decode('utf-8', 'replace')[:64] if custom else '?'}"
        return self.names.get(number, f"UNKNOWN_{number}")

    def _names(self, length: Any, item: Callable[[int], Any], tensors: list[Tensor]) -> tuple[str, ...]:
        found = []
        for index in range(self._count(length, 4)):
            number = int(item(index))
            if number == -1:
                found.append("")
            elif 0 <= number < len(tensors):
                found.append(tensors[number].name)
            else:
                raise _damaged("model", f"tensor index {number} of {len(tensors)} tensors")
        return tuple(found)

    def _op(self, op: Any, kinds: list[str], tensors: list[Tensor]) -> Op:
        if not 0 <= int(op.OpcodeIndex()) < len(kinds):
            raise _damaged("model", f"operator code {op.OpcodeIndex()} of {len(kinds)}")
        outputs = self._names(op.OutputsLength(), op.Outputs, tensors)
        return Op(
            kind=kinds[op.OpcodeIndex()],
            name=outputs[0] if outputs else "",
            inputs=self._names(op.InputsLength(), op.Inputs, tensors),
            outputs=outputs,
        )

    def _tensor(self, tensor: Any, index: int) -> Tensor:
        name = tensor.Name()
        text = name.decode("utf-8", "replace") if name else f"tensor_{index}"
        shape = tuple(int(tensor.Shape(i)) for i in range(self._count(tensor.ShapeLength(), 4)))
        if any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
            raise _damaged(text, f"shape {list(shape)[:8]}")
        signature = [int(tensor.ShapeSignature(i)) for i in range(self._count(tensor.ShapeSignatureLength(), 4))]
        dtype = _DTYPES.get(int(tensor.Type()), f"type_{tensor.Type()}")
        constant, stored, sparse = self._constant(tensor, text, shape, dtype)
        return Tensor(
            name=text,
            shape=tuple(signature) if len(signature) == len(shape) else shape,
            dtype=dtype,
            quantization=self._quantization(tensor.Quantization()),
            constant=constant,
            stored_bytes=stored,
            sparse=sparse,
        )

    def _quantization(self, quantization: Any) -> Quantization | None:
        if quantization is None or self._count(quantization.ScaleLength(), 4) == 0:
            return None
        scale = tuple(float(quantization.Scale(i)) for i in range(quantization.ScaleLength()))
        count = self._count(quantization.ZeroPointLength(), 8)
        zero_point = tuple(int(quantization.ZeroPoint(i)) for i in range(count))
        return Quantization(scale, zero_point or (0,) * len(scale), int(quantization.QuantizedDimension()))

    def _constant(self, tensor: Any, name: str, shape: tuple[int, ...], dtype: str) -> tuple[Array | None, int, bool]:
        number = int(tensor.Buffer())
        if not 0 <= number < self._count(self.model.BuffersLength(), 4):
            raise _damaged(name, f"buffer {number} of {self.model.BuffersLength()}")
        raw = self._buffer(self.model.Buffers(number), name)
        if raw is None:
            return None, 0, False
        sparsity = tensor.Sparsity()
        if dtype in ("string", "resource", "variant") or dtype.startswith("type_"):
            return None, len(raw), False
        values = _typed(raw, dtype, None if sparsity else math.prod(shape))
        if sparsity is not None:
            dense, index_bytes = self._densify(sparsity, name, values, shape)
            return dense, len(raw) + index_bytes, True
        if values.size != math.prod(shape):
            raise _damaged(name, f"{values.size} stored elements for shape {list(shape)}")
        return values.reshape(shape), len(raw), False

    def _buffer(self, buffer: Any, name: str) -> bytes | None:
        """Return a buffer's bytes: inside the flatbuffer, or behind it (files over 2 GB)."""
        offset, size = int(buffer.Offset()), int(buffer.Size())
        if offset > 1:
            if offset + size > len(self.content):
                raise _damaged(name, f"{size} bytes at offset {offset} of {len(self.content)}")
            return self.content[offset : offset + size]
        length = self._count(buffer.DataLength(), 1)
        if length == 0:
            return None
        return bytes(buffer.DataAsNumpy().tobytes())

    def _densify(self, sparsity: Any, name: str, values: Array, shape: tuple[int, ...]) -> tuple[Array, int]:
        """Expand TFLite's sparse form (TACO-like: a level for each dimension and block) to a dense array."""
        order = [int(sparsity.TraversalOrder(i)) for i in range(self._count(sparsity.TraversalOrderLength(), 4))]
        block_map = [int(sparsity.BlockMap(i)) for i in range(self._count(sparsity.BlockMapLength(), 4))]
        levels = self._count(sparsity.DimMetadataLength(), 4)
        if levels != len(order) or sorted(order) != list(range(len(shape) + len(block_map))):
            raise _damaged(name, f"traversal order {order} for {len(shape)} dimensions")
        coordinates: dict[int, Array] = {}
        block_sizes: dict[int, int] = {}
        nodes = np.zeros(1, np.int64)
        index_bytes = 0
        for level in range(levels):
            nodes, index, parents, used = self._expand(sparsity.DimMetadata(level), nodes, name, math.prod(shape))
            index_bytes += used
            coordinates = {dimension: found[parents] for dimension, found in coordinates.items()}
            coordinates[order[level]] = index
            if order[level] >= len(shape):
                block_sizes[order[level]] = int(sparsity.DimMetadata(level).DenseSize())
        if len(nodes) != values.size:
            raise _damaged(name, f"{values.size} stored values for {len(nodes)} places")
        where = [coordinates[dimension] for dimension in range(len(shape))]
        for number, dimension in enumerate(block_map):
            block = len(shape) + number
            where[dimension] = where[dimension] * block_sizes[block] + coordinates[block]
        dense = np.zeros(shape, values.dtype)
        dense[tuple(where)] = values
        return dense, index_bytes

    def _expand(self, metadata: Any, parents: Array, name: str, limit: int) -> tuple[Array, Array, Array, int]:
        """Return a level's nodes, their coordinate, each one's parent, and the bytes that its indices take."""
        if int(metadata.Format()) == 0:
            size = int(metadata.DenseSize())
            if size < 0 or len(parents) * size > limit:
                raise _damaged(name, f"a dense level of {size} in a sparse tensor of {limit} elements")
            origin = np.repeat(np.arange(len(parents)), size)
            index = np.tile(np.arange(size), len(parents))
            return np.arange(len(parents) * size), index, origin, 0
        segments, segment_bytes = self._indices(metadata.ArraySegmentsType(), metadata.ArraySegments())
        indices, index_bytes = self._indices(metadata.ArrayIndicesType(), metadata.ArrayIndices())
        if len(segments) != len(parents) + 1 or (np.diff(segments) < 0).any() or segments[0] != 0:
            raise _damaged(name, f"{len(segments)} segments for {len(parents)} rows")
        if segments[-1] != len(indices):
            raise _damaged(name, f"{len(indices)} indices, {segments[-1]} expected")
        origin = np.repeat(np.arange(len(parents)), np.diff(segments))
        return np.arange(len(indices)), indices, origin, segment_bytes + index_bytes

    def _indices(self, kind: Any, table: Any) -> tuple[Array, int]:
        classes = {1: self.schema.Int32Vector, 2: self.schema.Uint16Vector, 3: self.schema.Uint8Vector}
        vector = classes[int(kind)]()
        vector.Init(table.Bytes, table.Pos)
        width = {1: 4, 2: 2, 3: 1}[int(kind)]
        count = self._count(vector.ValuesLength(), width)
        if count == 0:
            return np.zeros(0, np.int64), 0
        return np.asarray(vector.ValuesAsNumpy(), np.int64), count * width


def _typed(raw: bytes, dtype: str, num_elements: int | None) -> Array:
    """Return stored bytes as an array; int4 is widened to int8, bfloat16 to float32."""
    if dtype == "int4":
        packed = np.frombuffer(raw, np.uint8)
        nibbles = np.stack([packed & 0x0F, packed >> 4], axis=-1).reshape(-1).astype(np.int8)
        signed = np.where(nibbles > 7, nibbles - 16, nibbles).astype(np.int8)
        return signed if num_elements is None else signed[:num_elements]
    if dtype == "bfloat16":
        return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"))


def _unique(tensors: list[Tensor]) -> list[Tensor]:
    """Give tensors that share a name a number, so that names identify."""
    import dataclasses

    seen: set[str] = set()
    renamed: list[Tensor] = []
    for index, tensor in enumerate(tensors):
        name = tensor.name if tensor.name not in seen else f"{tensor.name}#{index}"
        seen.add(name)
        renamed.append(tensor if name == tensor.name else dataclasses.replace(tensor, name=name))
    return renamed


def _damaged(subject: str, found: str) -> FileFormatError:
    return FileFormatError(
        subject, found=found, expected="a sound .tflite file", next_step="export the model again; the file is damaged"
    )
