"""Read and write `.tflite` flatbuffers as objects, compactly and with the alignment that kernels rely on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.data.dataset import Array

if TYPE_CHECKING:

    class _Table(Protocol):
        """What the classes of the schema have in common."""

        def Pack(self, builder: flatbuffers.Builder) -> int: ...  # noqa: N802


__all__ = ["OPERATOR_NAMES", "constant", "operator_code", "pack", "unpack"]

#: Buffers are `force_align: 16` in schema.fbs; the Python object API does not do it, and microcontrollers fault on it.
BUFFER_ALIGNMENT = 16

#: Builtin operator code -> name, for example 3 -> `CONV_2D`.
OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}

_DTYPES: dict[int, str] = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.INT8: "int8",
    schema.TensorType.INT16: "int16",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.BOOL: "bool",
}


class _CompactBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers ships no types
    """A flatbuffer builder that aligns byte buffers and writes equal vectors of numbers and equal strings once."""

    def __init__(self, initial_size: int) -> None:
        super().__init__(initial_size)
        self._vectors: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: Array) -> int:  # noqa: N802  # overrides flatbuffers
        """Write `x` once; later equal vectors refer to the first one."""
        content = x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes()
        key = (x.dtype.str, content)
        if key not in self._vectors:
            alignment = BUFFER_ALIGNMENT if x.dtype == np.uint8 else x.dtype.alignment
            self.StartVector(x.itemsize, x.size, alignment)
            self.head -= len(content)
            self.Bytes[self.head : self.head + len(content)] = content
            self._vectors[key] = int(self.EndVector())
        return self._vectors[key]

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """Write a string once."""
        return int(self.CreateSharedString(s, encoding, errors))

    def CreateSharedString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """Write a string once; the library's own method would call `CreateString` and so this class again."""
        content = s if isinstance(s, bytes) else s.encode(encoding, errors)
        key = ("string", bytes(content))
        if key not in self._vectors:
            self._vectors[key] = int(super().CreateString(content))
        return self._vectors[key]


def unpack(content: bytes) -> schema.ModelT:
    """Return the `ModelT` object tree of a TFLite file, its constants inside it.

    litert-quantizer writes 256 KiB of constants and more behind the flatbuffer, as files over 2 GB must have them.

    Args:
        content: bytes that a converter wrote; not for files of unknown origin, which are read with checks elsewhere.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers or []:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    return model


class _Shared:
    """A table of the file that several others refer to, written when the first of them is."""

    def __init__(self, table: _Table) -> None:
        self._table = table
        self._place: int | None = None

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802  # as the tables of the schema have it
        if self._place is None:
            self._place = int(self._table.Pack(builder))
        return self._place


def pack(model: schema.ModelT) -> bytes:
    """Return the bytes of a `ModelT`: same tree, same bytes."""
    builder = _CompactBuilder(1024)
    with _sharing_tables(model):
        builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@contextlib.contextmanager
def _sharing_tables(model: schema.ModelT) -> Iterator[None]:
    """Let equal ranges of tensors, and equal options of operators, be one table each meanwhile.

    A recurrent layer that is written out has hundreds of tensors and operators, and a dozen different tables.
    """
    tables: dict[Any, _Shared] = {}
    replaced: list[tuple[Any, str, Any]] = []
    for graph in model.subgraphs:
        for owner, name in (
            *((tensor, "quantization") for tensor in graph.tensors),
            *((operator, "builtinOptions") for operator in graph.operators),
        ):
            table = getattr(owner, name)
            content = None if table is None else _content(table)
            if content is not None:
                replaced.append((owner, name, table))
                setattr(owner, name, tables.setdefault(content, _Shared(table)))
    try:
        yield
    finally:
        for owner, name, table in replaced:
            setattr(owner, name, table)


def _content(table: object) -> tuple[object, ...] | None:
    """Return what tells a table from others; None where it holds further tables."""
    content: list[Any] = [type(table)]
    for name, value in sorted(vars(table).items()):
        if isinstance(value, np.ndarray):
            content.append((name, value.dtype.str, value.tobytes()))
        elif value is None or isinstance(value, int | float | bytes | str | np.generic):
            content.append((name, type(value), value))
        else:
            return None
    return tuple(content)


def operator_code(model: schema.ModelT, builtin: int, version: int) -> int:
    """Return the index of an operator code, adding it where the file has none; a newer version serves too."""
    for place, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin and code.version >= version:
            return place
    model.operatorCodes.append(
        schema.OperatorCodeT(builtinCode=builtin, deprecatedBuiltinCode=builtin, version=version)
    )
    return len(model.operatorCodes) - 1


def constant(model: schema.ModelT, tensor: schema.TensorT) -> Array | None:
    """Return the stored values of `tensor` in its shape, or None where it has none or is stored sparse."""
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0 or tensor.sparsity is not None or tensor.type not in _DTYPES:
        return None
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.dtype(_DTYPES[tensor.type])).reshape(shape)
