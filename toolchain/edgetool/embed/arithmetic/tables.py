"""Tables of operators that change each value by itself, computed by LiteRT's reference kernels.

The operator is taken out of the file with the quantisation of its two tensors, put into a model of its own, and given
all values: what generated C looks up is then right by construction, for every such operator and version of LiteRT. In
16 bits the table has 513 values, 128 steps apart, and what lies between them is checked.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.interpolation import fitted_table
from edgetool.embed.arithmetic.rescale import RANGES
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.unsigned import as_unsigned, flipped, name_in_file
from edgetool.embed.ops.checks import INTEGER_MODEL
from edgetool.embed.oracle.vectors import reference_vectors
from edgetool.embed.program import Program, Step
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Tensor

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import TensorT

__all__ = ["fill_tables"]

#: Kernels with a table -> the type of its values.
TABLES = {"table_s8": "int8", "interpolate_s16": "int16"}


def fill_tables(program: Program, context: Context) -> Program:
    """Return the program with the tables of its steps filled.

    Args:
        program: lowered from the file at the context's path.
        context: without a path, tables stay empty.

    Raises:
        FileFormatError: the operator is not in the file.
        UnsupportedModelError: a 16-bit operator that LiteRT does not interpolate.
        EdgetoolError: the interpreter refused the operator.
    """
    wanted = [step for step in program.steps if _is_empty(step)]
    path = context.path
    if not wanted or path is None:
        return program
    content, unsigned = _single_operators(path, [name_in_file(step.output) for step in wanted])
    values = [_every_value(step) for step in wanted]
    tensors: dict[str, Tensor] = {}
    for step, array, are_unsigned in zip(wanted, values, unsigned, strict=True):
        for name, is_unsigned in zip((step.inputs[0], step.output), are_unsigned, strict=True):
            tensor = dataclasses.replace(program.tensors[name], shape=array.shape)
            tensors[name] = as_unsigned(tensor) if is_unsigned else tensor
    given = [flipped(array) if is_unsigned else array for array, (is_unsigned, _) in zip(values, unsigned, strict=True)]
    inputs, outputs = (tuple(names) for names in zip(*((step.inputs[0], step.output) for step in wanted), strict=True))
    asked = Program(tensors, (), inputs, outputs, {}, "")
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        model = Path(folder) / "operators.tflite"
        model.write_bytes(content)
        found = reference_vectors(model, asked, given).outputs
    found = tuple(flipped(y) if is_unsigned else y for y, (_, is_unsigned) in zip(found, unsigned, strict=True))
    tables = {step.output: _table(step, result.reshape(-1)) for step, result in zip(wanted, found, strict=True)}
    return dataclasses.replace(program, steps=tuple(_with_table(step, tables) for step in program.steps))


def _every_value(step: Step) -> Array:
    """Return all that a step may be given, `[1, 256]` or `[1, 65536]`; 16-bit functions may have a lowest value."""
    dtype = TABLES[step.kernel]
    low, high = RANGES[dtype]
    lowest = step.fields.get("lowest", low)
    assert isinstance(lowest, int)
    values: Array = np.maximum(np.arange(low, high + 1), lowest).astype(dtype).reshape(1, -1)
    return values


def _table(step: Step, values: Array) -> Array:
    if step.kernel == "table_s8":
        return np.ascontiguousarray(values)
    table = fitted_table(values)
    if table is None:
        raise UnsupportedModelError(
            step.layer,
            found="values that do not lie on lines between 513 points",
            expected="an operator that LiteRT interpolates in 16 bits",
            next_step=INTEGER_MODEL,
        )
    return table


def _is_empty(step: Step) -> bool:
    table = step.fields["table"] if step.kernel in TABLES else None
    return isinstance(table, np.ndarray) and table.size == 0


def _with_table(step: Step, tables: dict[str, Array]) -> Step:
    if not _is_empty(step):
        return step
    return dataclasses.replace(step, fields={**step.fields, "table": tables[step.output]})


def _single_operators(path: Path, outputs: list[str]) -> tuple[bytes, list[tuple[bool, bool]]]:
    """Return a model with an input and an output of all values for each of some operators of a file.

    Returns:
        the file, and whether each operator's input and output are unsigned bytes in it.
    """
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack, unpack

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
    unsigned = [tensor.type == schema.TensorType.UINT8 for tensor in tensors]
    return pack(model), list(zip(unsigned[::2], unsigned[1::2], strict=True))


def _flat(tensor: TensorT, name: str) -> TensorT:
    """Return a tensor of as many values as its type has, with the same quantisation."""
    from ai_edge_litert import schema_py_generated as schema

    num_values = 1 << 16 if tensor.type == schema.TensorType.INT16 else 1 << 8
    found = copy.copy(tensor)
    found.name, found.shape, found.shapeSignature, found.buffer = name.encode(), [1, num_values], None, 0
    return found
