"""Choose the operators of an int8 file that stay in float32: attention and normalisation, between int8 products.

LiteRT 2.3 has fast int8 kernels (XNNPACK) for products with a constant kernel, for sums and products of elements, and
for moving data. A product of two activations, a squared difference and a reciprocal root run in scalar code, and each
parts the graph that XNNPACK takes as a whole. With these and the sums, products, means and softmaxes that touch them
in float32, int8 files of Transformers run as much faster than float32 as their products do (one thread, against the
float32 file): bert-mini 0.76 where all int8 is 5.9, vit-tiny 0.76 for 4.8, load-transformer 0.97 for 3.7, gpt-mini 0.52
for 3.3. onnxruntime's quantiser draws the same line.

Scores under a mask are the other reason. In int8 a mask adds -16, for a lower offset would leave no steps for the
scores that are seen; and that hides nothing where scores lie further apart, as those of a trained language model do.
In float32 the offset is Keras' own, -1e9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from edgetool.exporters.tflite.kernels import operator_name

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT, OperatorT, SubGraphT

__all__ = ["float_operators"]

#: Scalar in int8. A BATCH_MATMUL counts where both factors are activations.
_SLOW = frozenset({"BATCH_MATMUL", "RSQRT", "SQUARED_DIFFERENCE"})
#: As fast in float32; they follow a slow operator that they touch.
_ELEMENTWISE = frozenset(
    {
        "ABS",
        "ADD",
        "ADD_N",
        "DIV",
        "ELU",
        "EXP",
        "GELU",
        "GREATER",
        "GREATER_EQUAL",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LESS",
        "LESS_EQUAL",
        "LOG",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MAXIMUM",
        "MEAN",
        "MINIMUM",
        "MUL",
        "NEG",
        "POW",
        "PRELU",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RELU",
        "RELU6",
        "SELECT",
        "SELECT_V2",
        "SOFTMAX",
        "SQRT",
        "SQUARE",
        "SUB",
        "SUM",
        "TANH",
    }
)
#: They move values; in float32 only where all that they touch is.
_MOVES = frozenset(
    {
        "BROADCAST_TO",
        "CONCATENATION",
        "EXPAND_DIMS",
        "PACK",
        "RESHAPE",
        "SLICE",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TILE",
        "TRANSPOSE",
        "UNPACK",
    }
)
#: A range that no integer step serves: scores that a mask lowered by -1e9.
_LARGEST = 1e6


def float_operators(model: ModelT, ranges: Mapping[int, tuple[float, float]] | None = None) -> set[int]:
    """Return the positions of the operators that stay in float32.

    Args:
        model: `ModelT`, float32 or quantised; its first subgraph is read.
        ranges: tensor index -> (low, high) where known; an operator whose result is wider than 1e6 stays too.
    """
    graph = model.subgraphs[0]
    names = [operator_name(model, operator) for operator in graph.operators]
    slow = {
        position
        for position, operator in enumerate(graph.operators)
        if (names[position] in _SLOW and (names[position] != "BATCH_MATMUL" or not _has_constant(model, operator)))
        or (names[position] in _ELEMENTWISE and _is_wide(operator, ranges or {}))
    }
    joining = {position for position, name in enumerate(names) if name in _ELEMENTWISE} | slow
    neighbours = _neighbours(graph)
    found = {position for region in _regions(joining, neighbours) if region & slow for position in region}
    moves = {position for position, name in enumerate(names) if name in _MOVES}
    for region in _regions(moves, neighbours):
        around = {other for position in region for other in neighbours[position]} - region
        if around and around <= found:
            found |= region
    return found


def _has_constant(model: ModelT, operator: OperatorT) -> bool:
    graph = model.subgraphs[0]
    return any(model.buffers[graph.tensors[int(index)].buffer].data is not None for index in operator.inputs)


def _is_wide(operator: OperatorT, ranges: Mapping[int, tuple[float, float]]) -> bool:
    low, high = ranges.get(int(operator.outputs[0]), (0.0, 0.0))
    return max(-low, high) > _LARGEST


def _neighbours(graph: SubGraphT) -> list[set[int]]:
    """Return for each operator those that it reads from or writes to; -1 stands for the graph's inputs and outputs."""
    found: list[set[int]] = [set() for _ in graph.operators]
    producers = {int(index): position for position, op in enumerate(graph.operators) for index in op.outputs}
    producers |= {int(index): -1 for index in graph.inputs}
    for position, operator in enumerate(graph.operators):
        for index in operator.inputs:
            source = producers.get(int(index))
            if source is not None:
                found[position].add(source)
                if source >= 0:
                    found[source].add(position)
    for index in graph.outputs:
        if producers.get(int(index), -1) >= 0:
            found[producers[int(index)]].add(-1)
    return found


def _regions(members: set[int], neighbours: list[set[int]]) -> Iterator[set[int]]:
    """Yield the connected parts of `members`."""
    left = set(members)
    while left:
        region, edge = set(), {left.pop()}
        while edge:
            position = edge.pop()
            region.add(position)
            edge |= neighbours[position] & left
            left -= edge
        yield region
