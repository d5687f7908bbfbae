"""Fuse what tf2onnx leaves in pieces into operators of their own: GELU and layer normalisation.

1. `x / 2 * Erfc(-x / sqrt 2)`, as TensorFlow writes GELU, becomes `Gelu` (opset 20). tf2onnx 1.17 does not know `Erfc`
   at all; one elsewhere becomes `1 - Erf`.
2. The twelve operators of tf_keras' layer normalisation become `LayerNormalization`.

Runtimes have one kernel for each, and a quantiser leaves them in float as a whole: in pieces, their variances and
products got 8-bit steps of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.exporters.onnx.graph import constant, consumers, drop_unused, producers, replace_node

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["fuse_gelu", "fuse_layer_norm"]

#: The first opset that has `Gelu`.
GELU_OPSET = 20


def fuse_gelu(model: ModelProto) -> ModelProto:
    """Return the model with its `Erfc` nodes replaced; raises its opset where a `Gelu` is made.

    Args:
        model: what tf2onnx gave; modified.
    """
    import onnx

    graph = model.graph
    gelus = []
    for node in [node for node in graph.node if node.op_type == "Erfc"]:
        found = _gelu_around(graph, node)
        if found is not None:
            gelus.append((found[0].output[0], found[1]))
        erf = onnx.helper.make_node("Erf", [node.input[0]], [f"{node.output[0]}/erf"], name=f"{node.name}/erf")
        one = f"{node.output[0]}/one"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(1.0, np.float32), one))
        made = onnx.helper.make_node("Sub", [one, f"{node.output[0]}/erf"], list(node.output), name=node.name)
        replace_node(graph, node, [erf, made])
    if not gelus:
        return model
    raised = onnx.version_converter.convert_version(model, GELU_OPSET)
    for output, source in gelus:
        last = producers(raised.graph)[output]
        gelu = onnx.helper.make_node("Gelu", [source], [output], name=last.name)
        replace_node(raised.graph, last, [gelu])
    drop_unused(raised.graph)
    return raised


def _gelu_around(graph: GraphProto, erfc: NodeProto) -> tuple[NodeProto, str] | None:
    """Return the last node of the GELU that `erfc` is in, and what the GELU reads; None where it is in none.

    The pieces: `inner = c * -x` with c = sqrt(1/2), `half = x / 2`, and `half * Erfc(inner)`.
    """
    made, follow = producers(graph), consumers(graph).get(erfc.output[0], [])
    inner = made.get(erfc.input[0])
    if len(follow) != 1 or follow[0].op_type != "Mul" or inner is None or inner.op_type != "Mul":
        return None
    factor, turned = _constant_factor(graph, inner)
    negated = made.get(turned) if turned else None
    if factor is None or negated is None or negated.op_type != "Neg" or abs(factor - np.sqrt(0.5)) > 1e-6:
        return None
    other = next((name for name in follow[0].input if name != erfc.output[0]), "")
    half = made.get(other)
    if half is None or half.op_type != "Mul":
        return None
    share, source = _constant_factor(graph, half)
    return (follow[0], source) if share == 0.5 and source == negated.input[0] else None


def _constant_factor(graph: GraphProto, product: NodeProto) -> tuple[float | None, str]:
    """Return the constant number that a `Mul` multiplies by, and the name of what it multiplies."""
    for place, name in enumerate(product.input):
        values = constant(graph, name)
        if values is not None and values.size == 1:
            return float(values.ravel()[0]), str(product.input[1 - place])
    return None, ""


def fuse_layer_norm(model: ModelProto) -> int:
    """Write layer normalisations over the last axis as `LayerNormalization`, in place; returns how many.

    The pieces, with g and b for scale and offset, `inverse = g / sqrt(variance + epsilon)`:
    `x * inverse + (b - mean * inverse)`.
    """
    import onnx

    graph = model.graph
    fused = 0
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in values}
    for root in [node for node in graph.node if node.op_type == "Sqrt"]:
        found = _layer_norm_around(graph, root, ranks)
        if found is None:
            continue
        last, inputs, epsilon = found
        norm = onnx.helper.make_node(
            "LayerNormalization", inputs, list(last.output), name=last.name, axis=-1, epsilon=epsilon
        )
        replace_node(graph, last, [norm])
        fused += 1
    if fused:
        drop_unused(graph)
    return fused


def _layer_norm_around(
    graph: GraphProto, root: NodeProto, ranks: dict[str, int]
) -> tuple[NodeProto, list[str], float] | None:
    """Return the last node of the normalisation that the square root is in, its inputs `x, g, b`, and epsilon."""
    made, readers = producers(graph), consumers(graph)
    source = _source_of_variance(graph, made, root, ranks)
    if source is None:
        return None
    x, mean, epsilon = source
    reciprocal = _only(readers, root.output[0], "Reciprocal")
    scaled = _only(readers, reciprocal.output[0], "Mul") if reciprocal is not None else None
    if reciprocal is None or scaled is None:
        return None
    gamma = _other(scaled, reciprocal.output[0])
    products = readers.get(scaled.output[0], [])
    first = next((node for node in products if node.op_type == "Mul" and _other(node, scaled.output[0]) == x), None)
    second = next((node for node in products if node.op_type == "Mul" and _other(node, scaled.output[0]) == mean), None)
    if first is None or second is None or len(products) != 2:
        return None
    difference = _only(readers, second.output[0], "Sub")
    last = _only(readers, first.output[0], "Add")
    if difference is None or last is None or difference.output[0] not in last.input:
        return None
    beta = str(difference.input[0])
    rows = [constant(graph, name) for name in (gamma, beta)]
    if any(row is None or row.ndim != 1 for row in rows) or difference.input[1] != second.output[0]:
        return None
    return last, [x, gamma, beta], epsilon


def _source_of_variance(
    graph: GraphProto, made: dict[str, NodeProto], root: NodeProto, ranks: dict[str, int]
) -> tuple[str, str, float] | None:
    """Return x, its mean over the last axis, and epsilon, where `root` is the square root of variance + epsilon."""
    add = made.get(root.input[0])
    if add is None or add.op_type != "Add":
        return None
    epsilon, name = _constant_factor(graph, add)
    variance = made.get(name)
    squares = made.get(variance.input[0]) if variance is not None and _is_mean(graph, variance, ranks) else None
    if epsilon is None or squares is None or squares.op_type != "Mul" or squares.input[0] != squares.input[1]:
        return None
    distance = made.get(squares.input[0])
    mean = made.get(distance.input[1]) if distance is not None and distance.op_type == "Sub" else None
    if distance is None or mean is None or not _is_mean(graph, mean, ranks) or mean.input[0] != distance.input[0]:
        return None
    return str(distance.input[0]), str(mean.output[0]), epsilon


def _is_mean(graph: GraphProto, node: NodeProto, ranks: dict[str, int]) -> bool:
    """Tell whether a node is the mean over the last axis, which stays with size 1."""
    axes = constant(graph, node.input[1]) if node.op_type == "ReduceMean" and len(node.input) > 1 else None
    keeps = next((a.i for a in node.attribute if a.name == "keepdims"), 1)
    return axes is not None and bool(keeps) and axes.ravel().tolist() in ([-1], [ranks.get(node.input[0], 0) - 1])


def _only(readers: dict[str, list[NodeProto]], name: str, kind: str) -> NodeProto | None:
    """Return the node of that kind that alone reads `name`."""
    found = readers.get(name, [])
    return found[0] if len(found) == 1 and found[0].op_type == kind else None


def _other(node: NodeProto, name: str) -> str:
    """Return the other input of a node of two."""
    return str(node.input[1] if node.input[0] == name else node.input[0])
