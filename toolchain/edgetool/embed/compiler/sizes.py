"""Sizes that a file does not state: inputs that may be of any, and images whose sizes it computes."""

from __future__ import annotations

from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Tensor
from edgetool.ir.input_shapes import open_shape_hint
from edgetool.ir.operators import Family, names_of

__all__ = ["computed_size", "require_known_sizes"]

#: Operators whose result has axes for rows and columns.
OF_IMAGES = (
    *names_of(Family.CONVOLUTION, Family.DEPTHWISE, Family.TRANSPOSED, is_tflite=True),
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
)


def computed_size(graph: Graph) -> Tensor | None:
    """Return an image whose sizes are known only while the model runs; None where all are stated."""
    made = [graph.tensors[name] for op in graph.ops if op.kind in OF_IMAGES for name in op.outputs]
    return next((tensor for tensor in made if not tensor.shape), None)


def require_known_sizes(graph: Graph) -> None:
    """Refuse inputs of open sizes other than the batch, and images whose sizes are computed.

    Raises:
        UnsupportedModelError: names the tensor.
    """
    expected = "sizes that are known; only the batch may be open, and is 1"
    opened = [graph.tensors[name] for name in graph.inputs]
    opened = [tensor for tensor in opened if any(size < 0 for size in tensor.shape[1:])]
    is_float = not any(tensor.quantization is not None for tensor in graph.tensors.values())
    interpreter = "embed the file for an interpreter, which is told them at run time: --runtime array"
    if opened:
        hint = open_shape_hint([(tensor.name, tensor.shape) for tensor in opened])
        export = f"edgetool export MODEL.tflite {hint} -o fixed.tflite, and embed that"
        raise UnsupportedModelError(
            ", ".join(tensor.name for tensor in opened),
            found=f"shape {' and '.join(str(list(tensor.shape)) for tensor in opened)}",
            expected=expected,
            next_step=f"give sizes, for example {export}; or {interpreter}" if is_float else interpreter,
        )
    computed = computed_size(graph)
    if computed is not None:
        raise UnsupportedModelError(
            computed.name,
            found="sizes that are computed while the model runs",
            expected=expected,
            next_step=f"export the model with numbers for all sizes, or {interpreter}",
        )
