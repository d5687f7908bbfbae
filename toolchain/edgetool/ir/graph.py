"""A model file as a graph of operators and tensors, the same for every format."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from edgetool.data.dataset import Array

__all__ = ["Graph", "Op", "Quantization", "Tensor", "element_bytes"]

#: Bytes of an element of types that NumPy does not know.
_ELEMENT_BYTES = {
    "int2": 0.25,
    "uint2": 0.25,
    "int4": 0.5,
    "uint4": 0.5,
    "float4e2m1": 0.5,
    "bfloat16": 2.0,
    "unknown": 0.0,
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (stored - zero_point), one pair for the tensor or one for each index of `dimension`.

    `scale` is empty where it is known only when the model runs (dynamic quantisation in ONNX).
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        shape: dimensions; -1 where open.
        dtype: NumPy's name, or `int4`, `uint4`, `bfloat16`, `string`, ..., or `unknown`.
        constant: the stored values, dense, in the stored type (packed integers widened to 8 bits, bfloat16 to
            float32; a view on the file where possible), or None for an activation.
        stored_bytes: what the constant takes in the file.
        sparse: the file holds only the non-zero values.
        has_shape: False where the file does not tell the shape and it could not be inferred; `shape` is () then.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    constant: Array | None = None
    stored_bytes: int = 0
    sparse: bool = False
    has_shape: bool = True

    @property
    def num_elements(self) -> int:
        """Number of elements; open dimensions count as 1."""
        return math.prod(max(1, size) if size < 0 else size for size in self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes of an activation of this shape and type; open dimensions count as 1."""
        return math.ceil(self.num_elements * element_bytes(self.dtype))


@dataclass(frozen=True, slots=True)
class Op:
    """An operator.

    Attributes:
        kind: the format's own name, `CONV_2D` or `Conv`.
        name: the node's name, or its first output's.
        inputs: tensor names; empty for an optional input that is not given.
        intermediates: tensors that carry the quantisation of values inside of the operator (TFLite's LSTM).
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    intermediates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole model; operators are in execution order.

    Attributes:
        dims: the dimensions of inputs and outputs as the file states them, by tensor: a size, the name of an open one,
            or None. Empty where the format has no names for them.
        subgraphs: what operators of TFLite refer to by an index from 1 on: branches, bodies, initial values.
        states: tensors that keep their values from one run to the next, with the values before the first run. A file
            has operators for variables instead; a pass resolves them.
    """

    format: str
    tensors: dict[str, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    subgraphs: tuple[Graph, ...] = ()
    dims: dict[str, tuple[int | str | None, ...]] = field(default_factory=dict)
    states: dict[str, Array] = field(default_factory=dict)

    def producers(self) -> dict[str, Op]:
        """Return which operator makes each tensor."""
        return {name: op for op in self.ops for name in op.outputs}

    def constant_outputs(self) -> set[str]:
        """Return the tensors that operators compute from constants alone; runtimes do so when they load the file."""
        found: set[str] = set()
        inputs = set(self.inputs)
        for op in self.ops:
            given = [name for name in op.inputs if name]
            if all(name in found or self.constant(name) is not None for name in given) and not inputs & set(given):
                found.update(op.outputs)
        return found - {""}

    def constant(self, name: str) -> Array | None:
        """Return the stored values of a tensor, or None where it is no constant."""
        tensor = self.tensors.get(name)
        return None if tensor is None else tensor.constant


def element_bytes(dtype: str) -> float:
    """Return the bytes of one element; strings count as 1."""
    import numpy as np

    if dtype in _ELEMENT_BYTES:
        return _ELEMENT_BYTES[dtype]
    try:
        return float(np.dtype(dtype).itemsize) or 1.0
    except TypeError:
        return 1.0
