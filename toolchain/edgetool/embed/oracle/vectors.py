"""Inputs and what LiteRT's reference kernels make of them: the truth that generated C is held to."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Program, sample_shape
from edgetool.errors import DataError, FileFormatError, InterpreterCrashError
from edgetool.ir.graph import Tensor
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan

__all__ = [
    "FAST",
    "FLOAT_TOLERANCE",
    "REFERENCE",
    "Vectors",
    "differences",
    "quantize_inputs",
    "random_inputs",
    "reference_vectors",
    "with_limits",
]

TIMEOUT_S = 600.0

#: What most programs are compared with, and what those are that it has no kernels for.
REFERENCE = "LiteRT's reference kernels"
FAST = "LiteRT's fast kernels without XNNPACK"

#: How far a float output may be from the reference, as part of its largest absolute value over all samples: sums in
#: another order round differently. Integers must be equal.
FLOAT_TOLERANCE = 1e-5


#: How far inputs are moved, as a part of themselves: two units in the last place of float32.
MOVED = 2.0**-22

#: Times that LiteRT's kernels are from one another, which C may be from either: three sums in three orders are no
#: further apart than a few times what two of them happen to be.
SPREAD = 4.0


@dataclass(frozen=True, slots=True)
class Vectors:
    """Stored values, each array `[N, ...]` of the tensor's own type.

    Attributes:
        oracle: what made the outputs.
        limits: how far each output may be from them, see `differences`; empty: the usual, `FLOAT_TOLERANCE` of floats.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    oracle: str = REFERENCE
    limits: tuple[float, ...] = ()

    def limit(self, index: int) -> float:
        """Return how far an output may be from the reference."""
        if self.limits:
            return self.limits[index]
        return FLOAT_TOLERANCE if np.issubdtype(self.outputs[index].dtype, np.floating) else 0.0


#: Kernels that LiteRT's reference kernels are no reference for, in ai-edge-litert 2.3.0: ELU and ROUND are missing
#: there, and SUM in int8 gives the same number whatever it is given, in int16 sums of other elements. Such files are
#: compared with its fast kernels, without XNNPACK.
WITHOUT_REFERENCE = frozenset({"elu_f32", "round_f32", "sum_s8", "sum_s16"})


def random_inputs(program: Program, num_samples: int, *, seed: int = 0) -> tuple[Array, ...]:
    """Return inputs `[N, ...]`: floats evenly from -1 to 1, integers each with the same chance.

    Quantised inputs and unsigned bytes take every stored value of their type, indices every row of the smallest table
    that they are for, and other integers, such as masks, 0 and 1.
    """
    random = np.random.default_rng(seed)
    found = []
    for name in program.inputs:
        tensor = program.tensors[name]
        shape = (num_samples, *sample_shape(tensor))
        if np.issubdtype(tensor.dtype, np.floating):
            found.append(random.uniform(-1.0, 1.0, shape).astype(tensor.dtype))
            continue
        if tensor.dtype == "bool":
            found.append(random.integers(0, 1, shape, endpoint=True).astype(np.bool_))
            continue
        limits = np.iinfo(tensor.dtype)
        low, high = int(limits.min), int(limits.max)
        if tensor.quantization is None and tensor.dtype != "uint8":
            low, high = 0, _last_row(program, name)
        found.append(random.integers(low, high, shape, dtype=tensor.dtype, endpoint=True))
    return tuple(found)


def _last_row(program: Program, name: str) -> int:
    """Return the largest index that every table takes which is read with the indices `name`; 1 where there is none."""
    tables = [
        step.fields["num_rows"]
        for step in program.steps
        if step.kernel.startswith("gather_") and program.owner(step.inputs[1]) == program.owner(name)
    ]
    return min((rows for rows in tables if isinstance(rows, int)), default=2) - 1


def quantize_inputs(program: Program, arrays: Sequence[Array]) -> tuple[Array, ...]:
    """Return real inputs as the values that the model takes: `round(x / scale) + zero_point`, saturated, if quantised.

    Raises:
        DataError: another number of inputs, or another shape.
    """
    tensors = [program.tensors[name] for name in program.inputs]
    shapes = [array.shape[1:] for array in arrays]
    if shapes != [sample_shape(tensor) for tensor in tensors]:
        raise DataError(
            "inputs",
            found=f"samples of shape {', '.join(str(list(shape)) for shape in shapes)}",
            expected=", ".join(str(list(sample_shape(tensor))) for tensor in tensors),
            next_step="give the data that the model was trained on",
        )
    found = []
    for tensor, array in zip(tensors, arrays, strict=True):
        if tensor.quantization is None:
            found.append(array.astype(tensor.dtype))
            continue
        limits, quantization = np.iinfo(tensor.dtype), tensor.quantization
        steps = np.rint(array.astype(np.float64) / quantization.scale[0]) + quantization.zero_point[0]
        found.append(np.clip(steps, limits.min, limits.max).astype(tensor.dtype))
    return tuple(found)


def differences(found: Array, expected: Array) -> Array:
    """Return how far an output is from the reference for each sample, float64 `[N]`.

    In steps for integers; for floats as part of the largest finite absolute value of all. What is infinite or no number
    is infinitely far from all but itself.
    """
    a, b = (array.reshape(len(array), -1).astype(np.float64) for array in (found, expected))
    is_same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.where(is_same, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf))
    distance: Array = apart.max(axis=1, initial=0.0)
    if np.issubdtype(expected.dtype, np.floating):
        largest = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        distance = distance / max(float(largest), float(np.finfo(np.float32).tiny))
    return distance


def reference_vectors(path: Path, program: Program, inputs: Sequence[Array], *, is_fast: bool = False) -> Vectors:
    """Run the file at `path` with LiteRT's reference kernels in a process of its own.

    LiteRT's own fast kernels run where those lack an operator or have it wrong, see `WITHOUT_REFERENCE`, and where
    `is_fast` asks for them.

    Raises:
        EdgetoolError: the interpreter refused the file or died.
        FileFormatError: it makes outputs of another shape than the file states.
    """
    kernels: Literal["reference", "builtin"] = "reference"
    if is_fast or any(step.kernel in WITHOUT_REFERENCE for step in program.steps):
        kernels = "builtin"
    oracle = REFERENCE if kernels == "reference" else FAST
    plan = RunPlan(kernels=kernels, keep_state=bool(program.states), whole_runs=True, timeout_s=TIMEOUT_S)
    given = [
        array.reshape(len(array), *program.tensors[name].shape)
        for array, name in zip(inputs, program.inputs, strict=True)
    ]
    try:
        with contextlib.closing(open_runner().open(path, plan)) as session:
            outputs = session.outputs(tuple(given))
    except InterpreterCrashError as exc:
        raise _no_oracle(path, oracle, exc) from None
    stored = []
    for name, output in zip(program.outputs, outputs, strict=True):
        tensor = program.tensors[name]
        _require_shape(path, name, output.shape[1:], tensor.shape)
        stored.append(_stored(output.reshape(len(output), *sample_shape(tensor)), tensor))
    return Vectors(tuple(inputs), tuple(stored), oracle)


def with_limits(path: Path, program: Program, vectors: Vectors) -> tuple[Vectors, Vectors | None]:
    """Return vectors whose floats may be as far off as rounding takes them, and what LiteRT's fast kernels made.

    Rounding adds up in deep networks, and where a float lies between two integers that it is rounded to, as with
    weights of int8 beside floats, kernels part company. It takes outputs as far as the fast kernels are from the
    reference, or the reference from itself on inputs that are moved by `MOVED`. None where there is no second opinion.
    """
    if vectors.oracle == FAST or not any(np.issubdtype(array.dtype, np.floating) for array in vectors.outputs):
        return vectors, None
    other = reference_vectors(path, program, vectors.inputs, is_fast=True)
    moved = reference_vectors(path, program, [_moved(array) for array in vectors.inputs])
    limits = []
    for index, output in enumerate(vectors.outputs):
        apart = max(float(differences(found.outputs[index], output).max(initial=0.0)) for found in (other, moved))
        limits.append(max(vectors.limit(index), SPREAD * apart))
    return (
        dataclasses.replace(vectors, limits=tuple(limits)),
        dataclasses.replace(other, limits=tuple(limits)),
    )


def _moved(array: Array) -> Array:
    if not np.issubdtype(array.dtype, np.floating):
        return array
    return np.asarray(array * array.dtype.type(1.0 + MOVED))


def _no_oracle(path: Path, oracle: str, death: InterpreterCrashError) -> InterpreterCrashError:
    """Return the error of a file that is sound and that the kernels it would be compared with die of."""
    return InterpreterCrashError(
        str(path),
        found=f"{oracle} end their process on this file ({death.found}), so that nothing tells which outputs are right",
        expected="a file that they run; they die of scales that are far apart, as layers have that never vary",
        next_step="look for such a layer with edgetool inspect and quantise again without it, or embed the file for an "
        "interpreter: --runtime array",
    )


def _require_shape(path: Path, name: str, found: tuple[int, ...], stated: tuple[int, ...]) -> None:
    if found != stated:
        raise FileFormatError(
            f"{path}: {name}",
            found=f"outputs of shape {list(found)} from LiteRT",
            expected=f"{list(stated)}, which the file states",
            next_step="export the model again",
        )


def _stored(values: Array, tensor: Tensor) -> Array:
    """Return the integers that a session dequantised, exactly: it computed `scale * (stored - zero_point)`."""
    if tensor.quantization is None or np.issubdtype(values.dtype, np.integer):
        return values.astype(tensor.dtype)
    scale, zero = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return np.asarray(np.rint(values.astype(np.float64) / scale) + zero).astype(tensor.dtype)
