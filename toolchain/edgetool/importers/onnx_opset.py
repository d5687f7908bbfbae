"""Operator sets before 7: onnxruntime lacks kernels for some of their operators (BatchNormalization, seen in 1.32)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from edgetool.errors import UnsupportedModelError

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

__all__ = ["raise_old_opset"]

#: Models of this operator set and later are left as they are.
FIRST_OPSET = 7
#: What older models become here; exporters raise them further.
RAISED_OPSET = 13
#: Stands for an open dimension while a model is raised: the converter wants sizes.
OPEN_SIZE = 1


def raise_old_opset(model: ModelProto, name: str) -> tuple[ModelProto, int | None]:
    """Return a model that onnxruntime has kernels for, and the operator set that it came in where it was raised.

    Args:
        model: `ModelProto`; not modified.
        name: The model's name in messages.

    Raises:
        UnsupportedModelError: onnx's version converter does not know how.
    """
    import onnx.version_converter

    opset = next((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), FIRST_OPSET)
    if opset >= FIRST_OPSET:
        return model, None
    try:
        return _raised(model), opset
    except (RuntimeError, ValueError, onnx.version_converter.ConvertError) as exc:
        raise UnsupportedModelError(
            name,
            found=f"operator set {opset}, which onnx cannot raise ({' '.join(str(exc).split())[:200]})",
            expected=f"operator set {FIRST_OPSET} or later, which onnxruntime has kernels for",
            next_step="export the model again with a later operator set",
        ) from None


def _raised(model: ModelProto) -> ModelProto:
    """Return a copy of `model` in `RAISED_OPSET`.

    Shapes and types that the converter notes of inner tensors are dropped: it leaves the type of new ones open.

    Raises:
        ValueError: a second operand along an axis, of tensors whose shapes are not known.
    """
    import onnx.version_converter

    sized = copy.deepcopy(model)
    for value in (*sized.graph.input, *sized.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.dim_value = OPEN_SIZE
    del sized.graph.value_info[:]
    _spread_along_axes(sized)
    raised = onnx.version_converter.convert_version(sized, RAISED_OPSET)
    del raised.graph.value_info[:]
    for values, sources in ((raised.graph.input, model.graph.input), (raised.graph.output, model.graph.output)):
        stated = {source.name: source for source in sources}
        for value in values:
            if value.name in stated:
                value.CopyFrom(stated[value.name])
    return raised


def _spread_along_axes(model: ModelProto) -> None:
    """Give second operands that lie along an `axis` of the first the shape that NumPy's rule wants.

    onnx 1.23 gives a bias `[C]` along axis 1 of `[N, C, H, W]` the shape `[C, 1, 1, 1]`, and adds it along the batch.
    """
    import onnx.shape_inference
    from onnx import helper

    inferred = onnx.shape_inference.infer_shapes(model).graph
    ranks = {value.name: _rank(value) for value in (*inferred.input, *inferred.output, *inferred.value_info)}
    ranks |= {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if "axis" in attributes and "broadcast" in attributes and len(node.input) == 2:
            first, second = (ranks.get(name) for name in node.input)
            if first is None or second is None:
                raise ValueError(f"{node.op_type} along an axis of a tensor whose shape is not known")
            axis = attributes["axis"].i
            missing = list(range(second, first - (axis if axis >= 0 else axis + first)))
            node.attribute.remove(attributes["axis"])
            if missing:
                spread = f"{node.output[0]}/spread"
                model.graph.node.append(helper.make_node("Unsqueeze", [node.input[1]], [spread], axes=missing))
                node.input[1] = spread
        model.graph.node.append(node)


def _rank(value: ValueInfoProto) -> int | None:
    kind = value.type.tensor_type
    return len(kind.shape.dim) if kind.HasField("shape") else None
