"""Shape inference of ONNX graphs, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.bounds.memory import bounded_allocation

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["infer_shapes"]

#: What inference may take beside the model: shapes are lists of a few numbers.
ALLOWANCE_BYTES = 1 << 29


def infer_shapes(model: ModelProto) -> ModelProto:
    """Return a copy of an `onnx.ModelProto` with the shapes that follow from its inputs.

    Small integer tensors, which shapes are computed with, are followed too. onnx 1.23 writes them out however long they
    are: a `Range` up to 2^34, or a `Concat` of a tensor with itself forty times over. Where that takes too much memory,
    shapes are inferred without them.

    Raises:
        Exception: what onnx's C++ extension raises on a graph that makes no sense.
    """
    import onnx

    try:
        with bounded_allocation(ALLOWANCE_BYTES + 4 * int(model.ByteSize())):
            return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except MemoryError:
        return onnx.shape_inference.infer_shapes(model)
