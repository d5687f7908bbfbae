"""The child's side of `verify`: describe a model file, and run a model of a framework.

Files may be hostile, so each function is called by name in a child (`edgetool.runners.child`); parameters and results
are plain JSON.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError, FileFormatError, InternalError
from edgetool.importers import import_model
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.input_shapes import InputShape
from edgetool.records import FLOAT32
from edgetool.runners.agent import by_sample, sample_axes
from edgetool.schema import parse, to_builtins
from edgetool.store.atomic import save_array
from edgetool.verify.domain import input_facts

__all__ = ["describe_graph", "describe_source", "run_source"]

_LOOKUPS = {"GATHER": (0, 1), "Gather": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}  # positions of the table and of the ids
_PASS_THROUGH = {"Transpose", "TRANSPOSE", "Reshape", "RESHAPE", "Cast", "CAST", "Identity"}


def describe_graph(path: str, input_shapes: Sequence[Mapping[str, object]] = ()) -> dict[str, Any]:
    """Return the inputs of a `.tflite` or `.onnx` file and how it stores weights: fields of `verify.files.ModelFacts`.

    Shapes are those of the data, samples first (`runners.agent.by_sample`).

    Args:
        path: the file.
        input_shapes: fields of `InputShape`; those of inputs that the file does not have are left out.

    Raises:
        FileFormatError: damaged.
    """
    from edgetool.ir import read_graph
    from edgetool.ir.weight_format import coarsest_format

    shapes = [parse(InputShape, item, source="--input-shape", error=InternalError) for item in input_shapes]
    graph = read_graph(Path(path), shapes, known_only=True)
    axes = sample_axes([graph.dims.get(name, (None,)) for name in graph.inputs])
    inputs = []
    for name, axis in zip(graph.inputs, axes, strict=True):
        tensor = graph.tensors.get(name)
        if tensor is None:
            raise FileFormatError(
                path,
                found=f"input {name!r} that the graph lacks",
                expected="a whole graph",
                next_step="export it again",
            )
        low, high = _input_range(graph, tensor)
        shape = by_sample(tensor.shape, axis) if name in graph.dims else tensor.shape
        inputs.append({"name": name, "shape": list(shape), "dtype": tensor.dtype, "low": low, "high": high})
    return {"inputs": inputs, "weights": to_builtins(coarsest_format(graph))}


def describe_source(model: str, options: Mapping[str, object]) -> dict[str, Any]:
    """Return the same facts of a model that a framework runs; see `describe_graph`.

    Args:
        model: what `import_model` takes.
        options: fields of `ImportOptions`.
    """
    facts = input_facts(_import(model, options))
    inputs = [{**dataclasses.asdict(entry), "shape": list(entry.shape)} for entry in facts]
    return {"inputs": inputs, "weights": to_builtins(FLOAT32)}


def run_source(model: str, inputs_npy: list[str], outputs_npy: str, options: Mapping[str, object]) -> list[str]:
    """Run a model on `.npy` files and write its outputs.

    Args:
        model: what `import_model` takes.
        inputs_npy: one file a model input, `[N, ...]`, in the model's order.
        outputs_npy: prefix of the files to write: `<prefix>0.npy` and so on, each `[N, ...]`.
        options: fields of `ImportOptions`.

    Returns:
        The files written, in the model's order.

    Raises:
        EdgetoolError: the importer's.
        DataError: number or shape of the inputs does not fit the model.
    """
    imported = _import(model, options)
    arrays = tuple(np.load(name, allow_pickle=False) for name in inputs_npy)
    _check_inputs(model, imported, arrays)
    written = []
    for index, array in enumerate(imported.run(arrays)):
        written.append(f"{outputs_npy}{index}.npy")
        save_array(Path(written[-1]), np.asarray(array))
    return written


def _import(model: str, options: Mapping[str, object]) -> ImportedModel:
    parsed = parse(ImportOptions, options, source="options", error=InternalError)
    return _imported(model, parsed)


@functools.lru_cache(maxsize=1)
def _imported(model: str, options: ImportOptions) -> ImportedModel:
    return import_model(model, options)


def _check_inputs(path: str, imported: ImportedModel, arrays: tuple[Array, ...]) -> None:
    shapes = [spec.shape for spec in imported.inputs]
    if len(arrays) != len(shapes):
        raise DataError(
            path, found=f"{len(arrays)} input arrays", expected=f"{len(shapes)}", next_step="give one a model input"
        )
    for array, shape in zip(arrays, shapes, strict=True):
        fits = array.ndim == len(shape) and all(
            wanted < 0 or wanted == size for wanted, size in zip(shape[1:], array.shape[1:], strict=True)
        )
        if not fits:
            wanted = ", ".join("?" if size < 0 else str(size) for size in shape[1:])
            raise DataError(
                path,
                found=f"data of shape {list(array.shape)}",
                expected=f"[N, {wanted}], as the model's input",
                next_step="give data that fits the model",
            )


def _input_range(graph: Graph, tensor: Tensor) -> tuple[float | None, float | None]:
    """Return the real range that an input can carry: of its own quantisation, of the first quantisation step behind
    it, or the rows of the table that it looks up; None where the file says nothing.
    """
    if tensor.quantization is not None and tensor.dtype in ("int8", "uint8", "int16"):
        return _real_range(tensor.quantization.scale, tensor.quantization.zero_point, tensor.dtype)
    names = {tensor.name}
    for op in graph.ops:
        if not names & set(op.inputs):
            continue
        if op.kind in _PASS_THROUGH and op.inputs[0] in names:
            names.update(op.outputs)
        elif op.kind == "QUANTIZE":
            made = graph.tensors.get(op.outputs[0]) if op.outputs else None
            if made is not None and made.quantization is not None and made.dtype in ("int8", "uint8", "int16"):
                return _real_range(made.quantization.scale, made.quantization.zero_point, made.dtype)
        elif op.kind == "QuantizeLinear":
            return _onnx_range(graph, op)
        elif op.kind in _LOOKUPS:
            table, ids = _LOOKUPS[op.kind]
            rows = graph.constant(op.inputs[table]) if len(op.inputs) > max(table, ids) else None
            if rows is not None and op.inputs[ids] in names and rows.ndim:
                return 0.0, float(rows.shape[0] - 1)
    return None, None


def _onnx_range(graph: Graph, op: Op) -> tuple[float | None, float | None]:
    scale = graph.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    zero_point = graph.constant(op.inputs[2]) if len(op.inputs) > 2 else None
    if scale is None or zero_point is None or zero_point.dtype.name not in ("int8", "uint8", "int16", "uint16"):
        return None, None
    scales, zero_points = np.ravel(scale).tolist(), np.ravel(zero_point).tolist()
    return _real_range(tuple(scales), tuple(zero_points), zero_point.dtype.name)


def _real_range(scale: tuple[float, ...], zero_point: tuple[int, ...], dtype: str) -> tuple[float | None, float | None]:
    """Return (q - zero_point) * scale of the smallest and the largest integer; None unless it is a sound pair."""
    if len(scale) != 1 or len(zero_point) != 1:
        return None, None
    limits = np.iinfo(dtype)
    low, high = ((int(q) - int(zero_point[0])) * float(scale[0]) for q in (limits.min, limits.max))
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else (None, None)
