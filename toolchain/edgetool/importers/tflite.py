"""A float `.tflite` file as it is: litert-quantizer takes it, nothing else does."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.files import import_file, run_content
from edgetool.importers.tflite_sizes import with_fixed_sizes
from edgetool.ir.graph import Graph, Tensor
from edgetool.ir.input_shapes import shapes_by_name
from edgetool.ir.tflite import read_tflite

__all__ = ["load_tflite"]


def load_tflite(path: Path, options: ImportOptions) -> ImportedModel:
    """Load a TFLite model; see `Importer`.

    Raises:
        FileFormatError: damaged.
        UnsupportedModelError: quantised already, or open dimensions other than the batch.
        UsageError: shapes that do not fit the inputs.
    """
    graph = read_tflite(path)
    custom = [op for op in graph.ops if op.kind.startswith(("CUSTOM:", "UNKNOWN_"))]
    if custom:
        raise UnsupportedModelError(
            f"{path}: {custom[0].name}",
            found=f"operator {custom[0].kind}",
            expected="operators of the TFLite builtin set",
            next_step="convert the model again without SELECT_TF_OPS and custom operators",
        )
    if not options.input_shapes:
        return import_file(path, _widened(graph), "tflite", "litert", path.read_bytes)
    constants = [shape.name for shape in options.input_shapes if shape.value is not None]
    if constants:
        raise UsageError(
            f"--input-shape {constants[0]}:=",
            found=f"a value for an input of {path.name}",
            expected="sizes: values are for .onnx files",
            next_step="leave it out",
        )
    content = with_fixed_sizes(path, graph, shapes_by_name(options.input_shapes, graph.inputs, str(path)))
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        fixed = Path(folder) / path.name
        fixed.write_bytes(content)
        graph = read_tflite(fixed)
    imported = import_file(path, _widened(graph), "tflite", "litert", lambda: content)
    return dataclasses.replace(imported, run=lambda inputs: run_content(content, inputs))


def _widened(graph: Graph) -> Graph:
    """Return the graph with float16 constants as float32 where a DEQUANTIZE widens them: the exporter does so."""
    tensors = dict(graph.tensors)
    ops = []
    for op in graph.ops:
        stored = graph.tensors.get(op.inputs[0]) if op.kind == "DEQUANTIZE" and op.inputs else None
        if stored is None or stored.constant is None or stored.dtype != "float16":
            ops.append(op)
            continue
        tensors.pop(stored.name, None)
        values = stored.constant.astype(np.float32)
        tensors[op.outputs[0]] = Tensor(op.outputs[0], values.shape, "float32", None, values, values.nbytes)
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))
