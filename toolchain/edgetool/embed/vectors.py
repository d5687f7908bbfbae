"""Inputs and what LiteRT's reference kernels make of them: the truth that generated C is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Program
from edgetool.errors import DataError
from edgetool.ir.graph import Tensor
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

__all__ = ["Vectors", "quantize_inputs", "random_inputs", "reference_vectors"]

TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Vectors:
    """Stored values, each array `[N, ...]` of the tensor's own integer type."""

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]


def random_inputs(program: Program, num_samples: int, *, seed: int = 0) -> tuple[Array, ...]:
    """Return every stored value of the inputs' types with the same chance, `[N, ...]`."""
    random = np.random.default_rng(seed)
    found = []
    for name in program.inputs:
        tensor = program.tensors[name]
        limits = np.iinfo(tensor.dtype)
        shape = (num_samples, *tensor.shape[1:])
        found.append(random.integers(limits.min, limits.max, shape, dtype=tensor.dtype, endpoint=True))
    return tuple(found)


def quantize_inputs(program: Program, arrays: Sequence[Array]) -> tuple[Array, ...]:
    """Return real inputs as the integers that the model takes: `round(x / scale) + zero_point`, saturated.

    Raises:
        DataError: another number of inputs, or another shape.
    """
    tensors = [program.tensors[name] for name in program.inputs]
    shapes = [array.shape[1:] for array in arrays]
    if shapes != [tensor.shape[1:] for tensor in tensors]:
        raise DataError(
            "inputs",
            found=f"samples of shape {', '.join(str(list(shape)) for shape in shapes)}",
            expected=", ".join(str(list(tensor.shape[1:])) for tensor in tensors),
            next_step="give the data that the model was trained on",
        )
    found = []
    for tensor, array in zip(tensors, arrays, strict=True):
        assert tensor.quantization is not None
        limits, quantization = np.iinfo(tensor.dtype), tensor.quantization
        steps = np.rint(array.astype(np.float64) / quantization.scale[0]) + quantization.zero_point[0]
        found.append(np.clip(steps, limits.min, limits.max).astype(tensor.dtype))
    return tuple(found)


def reference_vectors(path: Path, program: Program, inputs: Sequence[Array]) -> Vectors:
    """Run the file at `path` with LiteRT's reference kernels in a process of its own.

    Raises:
        EdgetoolError: the interpreter refused the file or died.
    """
    with ProcessRunner().open(path, RunPlan(kernels="reference", timeout_s=TIMEOUT_S)) as session:
        outputs = session.outputs(tuple(inputs), batch_size=1)
    stored = (_stored(array, program.tensors[name]) for array, name in zip(outputs, program.outputs, strict=True))
    return Vectors(tuple(inputs), tuple(stored))


def _stored(values: Array, tensor: Tensor) -> Array:
    """Return the integers that a session dequantised, exactly: it computed `scale * (stored - zero_point)`."""
    if tensor.quantization is None or np.issubdtype(values.dtype, np.integer):
        return values.astype(tensor.dtype)
    scale, zero = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return np.asarray(np.rint(values.astype(np.float64) / scale) + zero).astype(tensor.dtype)
