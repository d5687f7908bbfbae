"""Take the branch of every `If` whose condition follows from constants and from shapes that are known.

PyTorch's tracer and torch.jit leave such nodes for what a module asks of its inputs' shapes. onnxruntime takes branches
too, while it folds constants, but fails on some that lie within others (seen with 1.32), so it is done here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.onnx_inputs import dims_of
from edgetool.ir.onnx_shapes import infer_shapes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["take_branches"]

#: Operators that conditions are made of.
_CONDITION_OPS = frozenset(
    {
        "Abs",
        "Add",
        "And",
        "Cast",
        "Concat",
        "Div",
        "Equal",
        "Gather",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "Or",
        "ReduceProd",
        "ReduceSum",
        "Reshape",
        "Slice",
        "Squeeze",
        "Sub",
        "Unsqueeze",
        "Where",
        "Xor",
    }
)
#: Of the operators that one condition depends on, at most so many in a row are looked at.
MAX_DEPTH = 64
#: Values of so many elements are weights, not parts of a condition.
MAX_ELEMENTS = 256


def take_branches(model: ModelProto) -> int:
    """Replace `If` nodes of the main graph of `model` (modified) by the branch that is taken; returns how many."""
    num = 0
    while True:
        conditions = _Conditions(model)
        taken = [(node, conditions.truth(node.input[0])) for node in model.graph.node if node.op_type == "If"]
        known = [(node, truth) for node, truth in taken if truth is not None]
        if not known:
            return num
        for node, truth in known:
            _take(model.graph, node, truth)
        num += len(known)


class _Conditions:
    """What is known of small tensors of a model before it runs."""

    def __init__(self, model: ModelProto) -> None:
        self._opset = max((int(entry.version) for entry in model.opset_import if entry.domain == ""), default=1)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = {output: node for node in model.graph.node for output in node.output}
        self._shapes = _known_shapes(model)
        self._known: dict[str, Array | None] = {}

    def truth(self, name: str) -> bool | None:
        """Return the value of a condition; None where it is not known."""
        value = self._value(name, MAX_DEPTH)
        return bool(value.ravel()[0]) if value is not None and value.size == 1 else None

    def _value(self, name: str, depth: int) -> Array | None:
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self._compute(name, depth)
        return self._known[name]

    def _compute(self, name: str, depth: int) -> Array | None:
        from onnx import numpy_helper

        tensor = self._constants.get(name)
        if tensor is not None:
            return np.asarray(numpy_helper.to_array(tensor)) if np.prod(tensor.dims) <= MAX_ELEMENTS else None
        node = self._makers.get(name)
        if node is None or depth == 0:
            return None
        if node.op_type in ("Shape", "Size"):
            return self._shape(node)
        if node.op_type == "Constant":
            return self._run(node, {})
        if node.op_type not in _CONDITION_OPS or node.domain not in ("", "ai.onnx"):
            return None
        inputs: dict[str, Array] = {}
        for source in node.input:
            value = self._value(source, depth - 1) if source else None
            if source and value is None:
                return None
            if value is not None:
                inputs[source] = value
        return self._run(node, inputs)

    def _shape(self, node: NodeProto) -> Array | None:
        shape = self._shapes.get(node.input[0])
        if shape is None:
            return None
        if node.op_type == "Size":
            return np.array(np.prod(shape), np.int64)
        limits = {attribute.name: int(attribute.i) for attribute in node.attribute}
        return np.array(shape, np.int64)[limits.get("start") : limits.get("end")]

    def _run(self, node: NodeProto, inputs: dict[str, Array]) -> Array | None:
        from onnx.reference import ReferenceEvaluator

        try:
            outputs = cast("list[Array]", ReferenceEvaluator(node, opsets={"": self._opset}).run(None, inputs))
        except Exception:  # noqa: BLE001 - whatever the evaluator cannot do, the condition stays unknown
            return None
        value = np.asarray(outputs[0])
        return value if value.size <= MAX_ELEMENTS else None


def _known_shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """Return tensor name -> shape, of those that have no open dimension."""
    try:
        graph = infer_shapes(model).graph
    except Exception:  # noqa: BLE001 - a C++ extension with errors of its own
        graph = model.graph
    shapes: dict[str, tuple[int, ...]] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sizes = [size for size in dims_of(value) if isinstance(size, int)]
        kind = value.type.tensor_type
        if kind.HasField("shape") and len(sizes) == len(kind.shape.dim):
            shapes[value.name] = tuple(sizes)
    for tensor in model.graph.initializer:
        shapes[tensor.name] = tuple(tensor.dims)
    return shapes


def _take(graph: GraphProto, node: NodeProto, truth: bool) -> None:
    """Put the nodes of one branch of an `If` in its place."""
    from onnx import helper

    name = "then_branch" if truth else "else_branch"
    branch = next(attribute.g for attribute in node.attribute if attribute.name == name)
    prefix = node.output[0]
    own = [tensor.name for tensor in branch.initializer]
    made = [output for inner in branch.node for output in inner.output if output]
    names = {inner: f"{prefix}/{inner}" for inner in (*own, *made)}
    copies = []
    for value, output in zip(branch.output, node.output, strict=True):
        if value.name in made and names[value.name] not in node.output:
            names[value.name] = output
        else:  # a value from outside, a constant, or one that is given twice
            copies.append(helper.make_node("Identity", [names.get(value.name, value.name)], [output]))
    for inner in branch.node:
        _rename(inner, names)
    for tensor in branch.initializer:
        tensor.name = names[tensor.name]
    graph.initializer.extend(branch.initializer)
    place = next(index for index, other in enumerate(graph.node) if other.output[:1] == [prefix])
    nodes = [*graph.node[:place], *branch.node, *copies, *graph.node[place + 1 :]]
    kept = [type(node).FromString(item.SerializeToString()) for item in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.value_info[:]


def _rename(node: NodeProto, names: dict[str, str]) -> None:
    """Rename what a node reads and makes, and what the graphs within it read from outside."""
    for inner in _nodes(node):
        inner.input[:] = [names.get(name, name) for name in inner.input]
        inner.output[:] = [names.get(name, name) for name in inner.output]
        for attribute in inner.attribute:
            for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                for value in graph.output:
                    value.name = names.get(value.name, value.name)


def _nodes(node: NodeProto) -> Iterator[NodeProto]:
    """Yield a node and those of the graphs within it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        for attribute in current.attribute:
            waiting += attribute.g.node if attribute.HasField("g") else []
            for graph in attribute.graphs:
                waiting += graph.node
