"""What operators make of constants, by NumPy: moves of any type, arithmetic of plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Op, Quantization, Tensor

__all__ = ["FOLDS", "Call", "slices_of"]


@dataclass(frozen=True, slots=True)
class Call:
    """An operator of constants, their values and tensors, and the tensors of its outputs."""

    op: Op
    values: Sequence[Array]
    sources: Sequence[Tensor]
    results: Sequence[Tensor]


#: Gives the values of each output; None where it cannot.
Fold = Callable[[Call], list[Array] | None]


def slices_of(op: Op, begin: Array, end: Array, step: Array) -> tuple[Any, ...]:
    """Return the index that a STRIDED_SLICE stands for, as NumPy takes it.

    Source: `StridedSlice` in tflite/kernels/internal/strided_slice_logic.h.
    """
    masks = {name: int(op.attributes.get(f"{name}_mask", 0)) for name in _MASKS}
    found: list[Any] = []
    for place in range(len(begin)):
        if masks["ellipsis"] >> place & 1:
            found.append(Ellipsis)
        elif masks["new_axis"] >> place & 1:
            found.append(None)
        elif masks["shrink_axis"] >> place & 1:
            found.append(int(begin[place]))
        else:
            first = None if masks["begin"] >> place & 1 else int(begin[place])
            last = None if masks["end"] >> place & 1 else int(end[place])
            if int(op.attributes.get("offset", 0)) and last is not None:
                last += int(begin[place])
            found.append(slice(first, last, int(step[place])))
    return tuple(found)


_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")


def _densified(call: Call) -> list[Array]:
    """DENSIFY: the reader of files has done it already."""
    return [call.values[0]]


def _dequantized(call: Call) -> list[Array] | None:
    """DEQUANTIZE: half precision exactly, integers as LiteRT's kernel does."""
    if call.sources[0].dtype == "float16":
        return [call.values[0].astype(np.float32)]
    quantization = call.sources[0].quantization
    if quantization is None or not quantization.scale:
        return None
    scale, zero = (
        _along(quantization, part, call.values[0].ndim) for part in (quantization.scale, quantization.zero_point)
    )
    return [((call.values[0].astype(np.float64) - zero) * scale).astype(np.float32)]


def _along(quantization: Quantization, part: Sequence[float], rank: int) -> Array:
    """Return scales or zero points as an array that broadcasts along the quantised dimension."""
    numbers = np.asarray(part, np.float64)
    if numbers.size == 1:
        return numbers.reshape(-1)[0]  # type: ignore[no-any-return]
    return numbers.reshape([-1 if axis == quantization.dimension else 1 for axis in range(rank)])


def _reshaped(call: Call) -> list[Array] | None:
    if call.values[0].size != call.results[0].num_elements:
        return None
    return [call.values[0].reshape(call.results[0].shape)]


def _strided_slice(call: Call) -> list[Array]:
    begin, end, step = (array.reshape(-1) for array in call.values[1:4])
    return [np.asarray(call.values[0][slices_of(call.op, begin, end, step)])]


def _slice(call: Call) -> list[Array]:
    begin, size = (array.reshape(-1).tolist() for array in call.values[1:3])
    where = [slice(first, None if count < 0 else first + count) for first, count in zip(begin, size, strict=True)]
    return [call.values[0][tuple(where)]]


def _pack(call: Call) -> list[Array]:
    return [np.stack(call.values, int(call.op.attributes.get("axis", 0)))]


def _unpack(call: Call) -> list[Array]:
    return list(np.moveaxis(call.values[0], int(call.op.attributes.get("axis", 0)), 0))


def _joined(call: Call) -> list[Array] | None:
    if len({source.quantization for source in (*call.sources, *call.results)}) > 1:
        return None
    return [np.concatenate(call.values, int(call.op.attributes["axis"]))]


def _gathered(call: Call) -> list[Array] | None:
    if int(call.op.attributes.get("batch_dims", 0)):
        return None
    return [np.asarray(np.take(call.values[0], call.values[1], int(call.op.attributes.get("axis", 0))))]


def _transposed(call: Call) -> list[Array]:
    return [np.ascontiguousarray(call.values[0].transpose(call.values[1].reshape(-1)))]


def _repeated(call: Call) -> list[Array]:
    return [np.ascontiguousarray(np.broadcast_to(call.values[0], call.results[0].shape))]


def _tiled(call: Call) -> list[Array]:
    return [np.tile(call.values[0], call.values[1].reshape(-1))]


def _filled(call: Call) -> list[Array]:
    return [np.full(call.values[0].reshape(-1), call.values[1].reshape(-1)[0])]


def _range(call: Call) -> list[Array]:
    start, stop, step = (array.reshape(-1)[0] for array in call.values)
    return [np.arange(start, stop, step, dtype=call.results[0].dtype)]


def _zeros(call: Call) -> list[Array] | None:
    return None if call.results[0].quantization is not None else [np.zeros_like(call.values[0])]


def _cast(call: Call) -> list[Array] | None:
    kind = call.results[0].dtype
    return [call.values[0].astype(kind)] if kind in ("float32", "int32", "int64", "bool") else None


def _plain(function: Callable[..., Array]) -> Fold:
    """Return the fold of an operator of whole arrays, which it does for numbers that have no scale."""

    def fold(call: Call) -> list[Array] | None:
        if any(tensor.quantization is not None for tensor in (*call.sources, *call.results)):
            return None
        if str(call.op.attributes.get("fused_activation_function", "NONE")) != "NONE":
            return None
        with np.errstate(all="ignore"):
            return [np.asarray(function(*call.values))]

    return fold


def _reduced(function: Callable[..., Array]) -> Fold:
    def fold(call: Call) -> list[Array] | None:
        if call.sources[0].quantization is not None:
            return None
        axes = tuple(int(axis) for axis in call.values[1].reshape(-1))
        found = function(call.values[0], axis=axes, keepdims=bool(call.op.attributes.get("keep_dims", False)))
        return [np.asarray(found, call.values[0].dtype)]

    return fold


def _divided(a: Array, b: Array) -> Array:
    """DIV of C: towards zero for integers."""
    quotient: Array = np.true_divide(a, b)
    return quotient if a.dtype.kind == "f" else np.trunc(quotient).astype(a.dtype)


FOLDS: dict[str, Fold] = {
    "ABS": _plain(np.abs),
    "ADD": _plain(np.add),
    "BROADCAST_TO": _repeated,
    "CAST": _cast,
    "CONCATENATION": _joined,
    "DENSIFY": _densified,
    "DEQUANTIZE": _dequantized,
    "DIV": _plain(_divided),
    "EQUAL": _plain(np.equal),
    "EXPAND_DIMS": _reshaped,
    "FILL": _filled,
    "FLOOR_DIV": _plain(np.floor_divide),
    "FLOOR_MOD": _plain(np.mod),
    "GATHER": _gathered,
    "GREATER": _plain(np.greater),
    "GREATER_EQUAL": _plain(np.greater_equal),
    "LESS": _plain(np.less),
    "LESS_EQUAL": _plain(np.less_equal),
    "LOGICAL_AND": _plain(np.logical_and),
    "LOGICAL_NOT": _plain(np.logical_not),
    "LOGICAL_OR": _plain(np.logical_or),
    "MAXIMUM": _plain(np.maximum),
    "MINIMUM": _plain(np.minimum),
    "MUL": _plain(np.multiply),
    "NEG": _plain(np.negative),
    "NOT_EQUAL": _plain(np.not_equal),
    "PACK": _pack,
    "RANGE": _range,
    "REDUCE_MAX": _reduced(np.max),
    "REDUCE_MIN": _reduced(np.min),
    "REDUCE_PROD": _reduced(np.prod),
    "RESHAPE": _reshaped,
    "SELECT_V2": _plain(np.where),
    "SLICE": _slice,
    "SQRT": _plain(np.sqrt),
    "SQUEEZE": _reshaped,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _plain(np.subtract),
    "SUM": _reduced(np.sum),
    "TILE": _tiled,
    "TRANSPOSE": _transposed,
    "UNPACK": _unpack,
    "ZEROS_LIKE": _zeros,
}
