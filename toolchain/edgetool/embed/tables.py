"""Tables of operators that change each value by itself, computed by LiteRT's reference kernels.

The operator is taken out of the file with the quantisation of its two tensors, put into a model of its own, and given
all 256 values: what generated C looks up is then right by construction, for every such operator and version of LiteRT.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.embed.program import Program, Step
from edgetool.embed.vectors import reference_vectors
from edgetool.errors import FileFormatError

__all__ = ["fill_tables"]

TABLE = "table_s8"


def fill_tables(program: Program, path: Path) -> Program:
    """Return the program with the tables of its `table_s8` steps filled.

    Args:
        program: lowered from the file at `path`.
        path: the `.tflite` file.

    Raises:
        FileFormatError: the operator is not in the file.
        EdgetoolError: the interpreter refused the operator.
    """
    wanted = [step for step in program.steps if step.kernel == TABLE]
    if not wanted:
        return program
    content = _single_operators(path, [step.output for step in wanted])
    asked = Program(
        program.tensors, (), tuple(step.inputs[0] for step in wanted), tuple(step.output for step in wanted), {}, ""
    )
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        model = Path(folder) / "operators.tflite"
        model.write_bytes(content)
        found = reference_vectors(model, asked, [every] * len(wanted)).outputs
    tables = {step.output: np.ascontiguousarray(table.reshape(256)) for step, table in zip(wanted, found, strict=True)}
    return dataclasses.replace(program, steps=tuple(_with_table(step, tables) for step in program.steps))


def _with_table(step: Step, tables: dict[str, Any]) -> Step:
    if step.kernel != TABLE:
        return step
    return dataclasses.replace(step, fields={**step.fields, "table": tables[step.output]})


def _single_operators(path: Path, outputs: list[str]) -> bytes:
    """Return a model with an input and an output of 256 values for each of some operators of a file."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite_file import pack, unpack

    model = unpack(path.read_bytes())
    graph = model.subgraphs[0]
    names = [(tensor.name or b"").decode("utf-8", "replace") or f"tensor_{i}" for i, tensor in enumerate(graph.tensors)]
    makers = {names[int(op.outputs[0])]: op for op in graph.operators if len(op.outputs)}
    tensors: list[Any] = []
    operators: list[Any] = []
    for output in outputs:
        if output not in makers:
            raise FileFormatError(
                str(path), found=f"no operator that makes {output}", expected="one", next_step="export the model again"
            )
        operator = copy.copy(makers[output])
        source, result = graph.tensors[int(operator.inputs[0])], graph.tensors[int(operator.outputs[0])]
        operator.inputs, operator.outputs = [len(tensors)], [len(tensors) + 1]
        tensors += [_flat(source, f"x{len(operators)}"), _flat(result, f"y{len(operators)}")]
        operators.append(operator)
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = list(range(0, len(tensors), 2)), list(range(1, len(tensors), 2))
    model.subgraphs, model.buffers = [graph], [schema.BufferT()]
    model.signatureDefs = model.metadata = model.metadataBuffer = None
    return pack(model)


def _flat(tensor: Any, name: str) -> Any:
    """Return a tensor of 256 values with the same type and quantisation."""
    found = copy.copy(tensor)
    found.name, found.shape, found.shapeSignature, found.buffer = name.encode(), [1, 256], None, 0
    return found
