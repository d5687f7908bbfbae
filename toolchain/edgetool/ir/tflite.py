"""Read a `.tflite` file with every length and offset checked: hostile files give errors, never a crash.

The schema classes are those of ai-edge-litert; no interpreter is loaded. Source of the format: LiteRT's schema.fbs.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.bounds.memory import read_file
from edgetool.bounds.parsing import parsing
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.ir.tflite_custom import custom_options
from edgetool.ir.tflite_values import damaged, decode_dense, decode_sparse, tensor_type

if TYPE_CHECKING:
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers.table import Table

__all__ = ["read_tflite"]

#: A tensor with more elements than this is refused: no microcontroller or phone model comes near it.
MAX_ELEMENTS = 1 << 31
MAX_RANK = 16

#: Types whose buffers are no arrays of numbers.
_OPAQUE = ("string", "resource", "variant", "type_")


def read_tflite(path: Path) -> Graph:
    """Read the main subgraph, and the others as its `subgraphs`.

    Raises:
        FileFormatError: damaged: an offset, a length or an index lies outside the file.
        UnsupportedModelError: no subgraph.
    """
    content = read_file(path)
    expected, next_step = "a sound .tflite file", "export the model again; the file is damaged"
    try:
        with parsing(str(path), expected=expected, next_step=next_step):
            return _Reader(content).read()
    except (FileFormatError, UnsupportedModelError) as exc:
        # The reader knows the tensor; the user also wants the file.
        if str(path) in exc.subject:
            raise
        raise type(exc)(
            f"{path}: {exc.subject}", found=exc.found, expected=exc.expected, next_step=exc.next_step
        ) from None


class _Reader:
    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.content = content
        self.model = schema.Model.GetRootAs(content, 0)
        self.num_buffers = self._count(self.model.BuffersLength(), 4)
        self.operators = _enumeration(schema.BuiltinOperator)
        self.options = _enumeration(schema.BuiltinOptions)
        self.options2 = _enumeration(schema.BuiltinOptions2)

    def read(self) -> Graph:
        num_subgraphs = self._count(self.model.SubgraphsLength(), 4)
        if num_subgraphs == 0:
            raise UnsupportedModelError("model", found="no subgraph", expected="one", next_step="export it again")
        codes = [self.model.OperatorCodes(i) for i in range(self._count(self.model.OperatorCodesLength(), 4))]
        kinds = [self._kind(code) for code in codes]
        graph = self._subgraph(self.model.Subgraphs(0), kinds)
        extra = num_subgraphs - 1
        if extra == 0:
            return graph
        note = f"{extra} further subgraph{'s are' if extra > 1 else ' is'} not analysed"
        others = tuple(self._subgraph(self.model.Subgraphs(i), kinds) for i in range(1, num_subgraphs))
        return dataclasses.replace(graph, notes=(note,), subgraphs=others)

    def _subgraph(self, graph: schema.SubGraph, kinds: list[str]) -> Graph:
        tensors = _unique([self._tensor(graph.Tensors(i), i) for i in range(self._count(graph.TensorsLength(), 4))])
        ops = [self._op(graph.Operators(i), kinds, tensors) for i in range(self._count(graph.OperatorsLength(), 4))]
        return Graph(
            format="tflite",
            tensors={tensor.name: tensor for tensor in tensors},
            ops=tuple(ops),
            inputs=self._names(graph, "Inputs", tensors),
            outputs=self._names(graph, "Outputs", tensors),
        )

    def _count(self, length: int, item_bytes: int) -> int:
        """Return a vector's length if that many items fit into the file."""
        if not 0 <= int(length) * item_bytes <= len(self.content):
            raise damaged("model", f"a vector of {length} items in {len(self.content)} bytes")
        return int(length)

    def _numbers(self, table: object, field: str, item_bytes: int) -> list[Any]:
        """Return a vector of numbers of a table; empty where it is absent."""
        if self._count(getattr(table, f"{field}Length")(), item_bytes) == 0:
            return []
        return list(getattr(table, f"{field}AsNumpy")().tolist())

    def _kind(self, code: schema.OperatorCode) -> str:
        number = max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))
        if self.operators.get(number) == "CUSTOM":
            return f"CUSTOM:{_text(code.CustomCode())[:64] or '?'}"
        return self.operators.get(number, f"UNKNOWN_{number}")

    def _names(self, table: object, field: str, tensors: list[Tensor]) -> tuple[str, ...]:
        found = []
        for number in self._numbers(table, field, 4):
            if not -1 <= number < len(tensors):
                raise damaged("model", f"tensor index {number} of {len(tensors)} tensors")
            found.append("" if number == -1 else tensors[number].name)
        return tuple(found)

    def _op(self, op: schema.Operator, kinds: list[str], tensors: list[Tensor]) -> Op:
        if not 0 <= int(op.OpcodeIndex()) < len(kinds):
            raise damaged("model", f"operator code {op.OpcodeIndex()} of {len(kinds)}")
        outputs = self._names(op, "Outputs", tensors)
        attributes = self._attributes(self.options.get(int(op.BuiltinOptionsType())), op.BuiltinOptions())
        attributes.update(self._attributes(self.options2.get(int(op.BuiltinOptions2Type())), op.BuiltinOptions2()))
        if self._count(op.CustomOptionsLength(), 1) > 0:
            attributes.update(custom_options(bytes(op.CustomOptionsAsNumpy())))
        return Op(
            kind=kinds[op.OpcodeIndex()],
            name=outputs[0] if outputs else "",
            inputs=self._names(op, "Inputs", tensors),
            outputs=outputs,
            attributes=attributes,
            intermediates=self._names(op, "Intermediates", tensors),
        )

    def _attributes(self, kind: str | None, table: Table | None) -> dict[str, Any]:
        """Return an operator's options under the schema's field names; padding and activations as words."""
        if kind in (None, "NONE") or table is None:
            return {}
        options = getattr(self.schema, str(kind))()
        options.Init(table.Bytes, table.Pos)
        found: dict[str, Any] = {}
        for field, name, is_vector in _fields(getattr(self.schema, str(kind))):
            if is_vector:
                found[name] = tuple(self._numbers(options, field, 1))
                continue
            value = getattr(options, field)()
            if field == "Padding":
                value = _enumeration(self.schema.Padding).get(int(value), f"PADDING_{value}")
            elif field == "FusedActivationFunction":
                value = _enumeration(self.schema.ActivationFunctionType).get(int(value), f"ACTIVATION_{value}")
            if isinstance(value, bytes):
                value = _text(value)
            if isinstance(value, bool | int | float | str):
                found[name] = value
        return found

    def _tensor(self, tensor: schema.Tensor, index: int) -> Tensor:
        name = _text(tensor.Name()) or f"tensor_{index}"
        shape = tuple(self._numbers(tensor, "Shape", 4))
        if len(shape) > MAX_RANK or any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
            raise damaged(name, f"shape {list(shape)[:8]}")
        signature = tuple(self._numbers(tensor, "ShapeSignature", 4))
        dtype = tensor_type(self.schema, int(tensor.Type()))
        constant, stored, sparse = self._constant(tensor, name, shape, dtype)
        return Tensor(
            name=name,
            shape=signature if len(signature) == len(shape) and constant is None else shape,
            dtype=dtype,
            quantization=self._quantization(tensor.Quantization(), name),
            constant=constant,
            stored_bytes=stored,
            sparse=sparse,
        )

    def _quantization(self, quantization: schema.QuantizationParameters | None, name: str) -> Quantization | None:
        if quantization is None:
            return None
        scale = self._numbers(quantization, "Scale", 4)
        if not scale:
            return None
        zero_point = self._numbers(quantization, "ZeroPoint", 8) or [0] * len(scale)
        if len(zero_point) not in (1, len(scale)):
            raise damaged(name, f"{len(zero_point)} zero points for {len(scale)} scales")
        return Quantization(tuple(scale), tuple(zero_point), int(quantization.QuantizedDimension()))

    def _constant(
        self, tensor: schema.Tensor, name: str, shape: tuple[int, ...], dtype: str
    ) -> tuple[Array | None, int, bool]:
        """Return the values of a tensor (None: an activation), what they take in the file, and whether sparse."""
        number = int(tensor.Buffer())
        if not 0 <= number < max(1, self.num_buffers):
            raise damaged(name, f"buffer {number} of {self.num_buffers}")
        raw = self._buffer(self.model.Buffers(number), name) if self.num_buffers else None
        if raw is None or bool(tensor.IsVariable()):
            return None, 0, False
        if dtype.startswith(_OPAQUE):
            return raw, raw.size, False
        sparsity = tensor.Sparsity()
        if sparsity is not None and sparsity.DimMetadataLength() > 0:
            size = len(self.content)
            dense, index_bytes = decode_sparse(self.schema, sparsity, raw, dtype, shape, name, size)
            return dense, raw.size + index_bytes, True
        return decode_dense(raw, dtype, shape, name), raw.size, False

    def _buffer(self, buffer: schema.Buffer, name: str) -> Array | None:
        """Return a buffer's bytes, not copied: inside the flatbuffer, or behind it (files over 2 GB)."""
        offset, size = int(buffer.Offset()), int(buffer.Size())
        if offset > 1:
            if size < 0 or offset + size > len(self.content):
                raise damaged(name, f"{size} bytes at offset {offset} of {len(self.content)}")
            return np.frombuffer(self.content, np.uint8, size, offset)
        if self._count(buffer.DataLength(), 1) == 0:
            return None
        return np.asarray(buffer.DataAsNumpy())


@functools.cache
def _enumeration(names: type) -> dict[int, str]:
    """Return value -> name of a schema enumeration."""
    return {value: name for name, value in vars(names).items() if isinstance(value, int) and not name.startswith("_")}


@functools.cache
def _fields(options: type) -> tuple[tuple[str, str, bool], ...]:
    """Return (method, snake-case name, is a vector) for each field of a schema table."""
    methods = {name for name, member in vars(options).items() if callable(member) and not name.startswith("_")}
    found = []
    for name in sorted(methods):
        if name.startswith("GetRootAs") or name.endswith(("AsNumpy", "IsNone", "BufferHasIdentifier")):
            continue
        if name == "Init" or (name.endswith("Length") and name.removesuffix("Length") in methods):
            continue
        is_vector = f"{name}Length" in methods
        if is_vector and f"{name}AsNumpy" not in methods:
            continue  # tables and strings
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
        found.append((name, snake, is_vector))
    return tuple(found)


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")


def _unique(tensors: list[Tensor]) -> list[Tensor]:
    """Give tensors that share a name a number, so that names identify."""
    seen: set[str] = set()
    renamed: list[Tensor] = []
    for index, tensor in enumerate(tensors):
        name = tensor.name if tensor.name not in seen else f"{tensor.name}#{index}"
        while name in seen:
            name += "#"
        seen.add(name)
        renamed.append(tensor if name == tensor.name else dataclasses.replace(tensor, name=name))
    return renamed
