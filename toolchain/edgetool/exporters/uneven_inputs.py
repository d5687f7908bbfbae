"""Inputs whose columns differ so much in size that one 8-bit scale holds some of them in a handful of steps.

A table with a column of 0.05 and one of 2,000 is the usual case: in int8 the first is one and the same number for every
sample. Where the model itself brings columns to one size (a Normalization layer, or any chain of sums and products
with constants), that chain is computed in float32 and what comes out of it is quantised. Where it does not, a note
names the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgetool.data.uneven_columns import MIN_STEPS
from edgetool.exporters.tflite.kernels import operator_name

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT
    from onnx import GraphProto

__all__ = ["float_front_onnx", "float_front_tflite", "uneven_note"]

#: Columns that a note names, at most.
MAX_NAMED = 8

#: Sums and products of elements, and what moves them: with constants they only scale columns.
_TFLITE_FRONT = frozenset({"ADD", "DIV", "MUL", "RESHAPE", "SUB"})
_ONNX_FRONT = frozenset({"Add", "Div", "Mul", "Reshape", "Sub"})


def float_front_tflite(model: ModelT, inputs: Sequence[int]) -> set[int]:
    """Return the positions of the operators between `inputs` and what is to be quantised: all in float32.

    Args:
        model: `ModelT`, float; its first subgraph is read.
        inputs: tensors that stay in float.
    """
    graph = model.subgraphs[0]
    front = set(inputs)
    found = set()
    for position, operator in enumerate(graph.operators):
        given = [int(index) for index in operator.inputs]
        varying = [i for i in given if i >= 0 and model.buffers[graph.tensors[i].buffer].data is None]
        if operator_name(model, operator) in _TFLITE_FRONT and len(varying) == 1 and varying[0] in front:
            found.add(position)
            front.add(int(operator.outputs[0]))
    return found


def float_front_onnx(graph: GraphProto, inputs: Sequence[str]) -> set[str]:
    """Return `inputs` and the tensors behind them that only lie inside a float front: they get no range.

    What leaves the front, for a product or any other operator, keeps its range.

    Args:
        graph: of the float model, in order.
        inputs: tensors that stay in float.
    """
    constants = {tensor.name for tensor in graph.initializer}
    front, nodes = set(inputs), set()
    for position, node in enumerate(graph.node):
        varying = [name for name in node.input if name and name not in constants]
        if node.op_type in _ONNX_FRONT and len(varying) == 1 and varying[0] in front:
            nodes.add(position)
            front.add(node.output[0])
    leaving = {
        name
        for position, node in enumerate(graph.node)
        if position not in nodes
        for name in node.input
        if name in front
    }
    return (front - leaving) | set(inputs) if nodes else set()


def uneven_note(columns: dict[int, list[int]], names: Sequence[str], *, is_solved: bool) -> str:
    """Say which columns are too small for one scale, and what was done or what helps.

    Args:
        columns: from `uneven_columns`.
        names: of the inputs.
        is_solved: the front of the model is computed in float32.
    """
    parts = []
    for index, found in columns.items():
        listed = ", ".join(str(column) for column in found[:MAX_NAMED])
        more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
        parts.append(f"{names[index]}: columns {listed}{more}")
    what = f"{'; '.join(parts)} vary by less than {MIN_STEPS} steps of an integer input's scale"
    if is_solved:
        return f"{what}: the input is float32, and the model's own scaling of columns is computed in float32"
    return (
        f"{what}, so that samples become alike: train and run the model on columns of one size, "
        "by --mean and --std for each column, or with a Normalization layer as its first"
    )
