"""What kernels ask of tensors, with errors that name layer, finding and alternative."""

from __future__ import annotations

from edgetool.data.dataset import Array
from edgetool.embed.rescale import activation_range
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

__all__ = [
    "bias_of",
    "constant_of",
    "fused_range",
    "image_shape",
    "output_of",
    "quantization_of",
    "require",
    "require_int8",
]

INTEGER_MODEL = "edgetool compress with --recipe w8a8_static gives such a file"


def require(found: bool, op: Op, *, what: str, expected: str, next_step: str = INTEGER_MODEL) -> None:
    """Refuse an operator unless `found`.

    Raises:
        UnsupportedModelError: names the operator and its layer.
    """
    if not found:
        raise UnsupportedModelError(f"{op.name or '?'} ({op.kind})", found=what, expected=expected, next_step=next_step)


def output_of(op: Op, graph: Graph) -> Tensor:
    """Return the only output."""
    require(len(op.outputs) == 1, op, what=f"{len(op.outputs)} outputs", expected="one")
    return graph.tensors[op.outputs[0]]


def require_int8(op: Op, *tensors: Tensor) -> None:
    """Refuse tensors of another type than int8."""
    for tensor in tensors:
        require(tensor.dtype == "int8", op, what=f"{tensor.name} of {tensor.dtype}", expected="int8 activations")


def quantization_of(op: Op, tensor: Tensor) -> Quantization:
    """Return the quantisation of a tensor that has one."""
    found = tensor.quantization
    require(found is not None and len(found.scale) > 0, op, what=f"{tensor.name} without scale", expected="a scale")
    assert found is not None
    return found


def constant_of(op: Op, graph: Graph, index: int, dtype: str) -> Array:
    """Return a constant input of the operator."""
    name = op.inputs[index] if index < len(op.inputs) else ""
    values = graph.constant(name) if name else None
    kind = graph.tensors[name].dtype if name else "nothing"
    found = f"input {index} of {kind}{'' if values is None else ', constant'}"
    require(values is not None and kind == dtype, op, what=found, expected=f"a constant of {dtype}")
    assert values is not None
    return values


def bias_of(op: Op, graph: Graph, num_channels: int) -> Array:
    """Return the bias int32 `[C]`; zeros where there is none."""
    import numpy as np

    if len(op.inputs) < 3 or not op.inputs[2]:
        return np.zeros(num_channels, np.int32)
    bias = constant_of(op, graph, 2, "int32").reshape(-1)
    require(bias.size == num_channels, op, what=f"{bias.size} biases", expected=str(num_channels))
    return bias


def fused_range(op: Op, result: Tensor) -> tuple[int, int]:
    """Return the smallest and largest stored value behind the fused activation."""
    kind = str(op.attributes.get("fused_activation_function", "NONE"))
    require(
        kind in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), op, what=f"fused activation {kind}",
        expected="NONE, RELU, RELU6 or RELU_N1_TO_1", next_step="make the activation a layer of its own",
    )  # fmt: skip
    return activation_range(kind, quantization_of(op, result), result.dtype)


def image_shape(op: Op, tensor: Tensor) -> tuple[int, int, int]:
    """Return height, width and channels of `[1, H, W, C]`."""
    require(len(tensor.shape) == 4, op, what=f"{tensor.name} of shape {list(tensor.shape)}", expected="[N, H, W, C]")
    _, height, width, channels = tensor.shape
    return height, width, channels
