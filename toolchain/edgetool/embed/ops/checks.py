"""What kernels ask of tensors, with errors that name layer, finding and alternative."""

from __future__ import annotations

from collections.abc import Sequence

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.rescale import activation_range
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

__all__ = [
    "INTEGER_MODEL",
    "LARGEST",
    "SUFFIXES",
    "bias_of",
    "constant_of",
    "float_range",
    "fused_range",
    "image_shape",
    "output_of",
    "quantization_of",
    "require",
    "require_int8",
    "require_one_scale",
    "suffix_of",
    "weights_of",
]

#: Type -> how names of its kernels end.
SUFFIXES = {"float32": "f32", "int8": "s8", "int16": "s16", "int32": "s32"}

#: Fused activation -> what it lets through; the largest float stands for no limit.
LARGEST = 3.4028234663852886e38
FLOAT_RANGES = {
    "NONE": (-LARGEST, LARGEST),
    "RELU": (0.0, LARGEST),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}

INTEGER_MODEL = (
    "embed this file for an interpreter: --runtime array, tflm or linux; or quantise the float model that it was made "
    "from: edgetool compress MODEL --recipe w8a8_static"
)


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


def require_one_scale(op: Op, *tensors: Tensor) -> None:
    """Refuse tensors of several scales or zero points, of an operator that moves or compares stored values."""
    first = tensors[0].quantization
    for tensor in tensors[1:]:
        other = tensor.quantization
        is_one = (first is None and other is None) or (
            first is not None
            and other is not None
            and (first.scale, first.zero_point) == (other.scale, other.zero_point)
        )
        require(is_one, op, what=f"{tensors[0].name} of another scale than the result", expected="one scale")


def suffix_of(op: Op, allowed: Sequence[str], *tensors: Tensor) -> str:
    """Return how the name of the kernel for these tensors, all of one type, ends."""
    kinds = sorted({tensor.dtype for tensor in tensors})
    expected = f"all of {' or of '.join(allowed)}"
    require(len(kinds) == 1 and kinds[0] in allowed, op, what=f"tensors of {', '.join(kinds)}", expected=expected)
    return SUFFIXES[kinds[0]]


def float_range(op: Op) -> tuple[float, float]:
    """Return the smallest and largest value behind the fused activation."""
    kind = str(op.attributes.get("fused_activation_function", "NONE"))
    require(
        kind in FLOAT_RANGES,
        op,
        what=f"fused activation {kind}",
        expected=", ".join(FLOAT_RANGES),
        next_step="make the activation a layer of its own",
    )
    return FLOAT_RANGES[kind]


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


def weights_of(op: Op, graph: Graph, dtype: str) -> Array:
    """Return the weights: int8 for integers, float32 for floats; int4 of a file have been widened."""
    dtype = "int8" if dtype == "int16" else dtype
    name = op.inputs[1] if len(op.inputs) > 1 else ""
    is_packed = dtype == "int8" and name != "" and graph.tensors[name].dtype == "int4"
    return constant_of(op, graph, 1, "int4" if is_packed else dtype)


def bias_of(op: Op, graph: Graph, num_channels: int, dtype: str = "int32", *, index: int = 2) -> Array:
    """Return the bias `[C]`; zeros where there is none."""
    import numpy as np

    if len(op.inputs) <= index or not op.inputs[index]:
        return np.zeros(num_channels, dtype)
    bias = constant_of(op, graph, index, dtype).reshape(-1)
    require(bias.size == num_channels, op, what=f"{bias.size} biases", expected=str(num_channels))
    return bias


def fused_range(op: Op, result: Tensor) -> tuple[int, int]:
    """Return the smallest and largest stored value behind the fused activation."""
    kind = str(op.attributes.get("fused_activation_function", "NONE"))
    require(
        kind in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"),
        op,
        what=f"fused activation {kind}",
        expected="NONE, RELU, RELU6 or RELU_N1_TO_1",
        next_step="make the activation a layer of its own",
    )
    return activation_range(kind, quantization_of(op, result), result.dtype)


def image_shape(op: Op, tensor: Tensor) -> tuple[int, int, int]:
    """Return height, width and channels of `[1, H, W, C]`."""
    is_image = len(tensor.shape) == 4 and tensor.shape[0] in (-1, 1)
    require(is_image, op, what=f"{tensor.name} of shape {list(tensor.shape)}", expected="[1, H, W, C]")
    _, height, width, channels = tensor.shape
    return height, width, channels
