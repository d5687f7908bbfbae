"""Every operator as C, in int8 and in float32, from files that the converter wrote, against LiteRT's reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.c_bundle import write_bundle
from edgetool.embed.check_bundle import check_bundle
from edgetool.errors import UnsupportedModelError
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

Function = Callable[..., Any]


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _constant(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _layer_norm(x: Any) -> Any:
    tf = _tf()
    mean = tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-3) * _constant(x.shape[-1]) + _constant(x.shape[-1], seed=1)


def _layer_norm_of_keras(x: Any) -> Any:
    """Squares are products, which 16-bit kernels have."""
    tf = _tf()
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(centred * centred, -1, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-3) * _constant(x.shape[-1]) + _constant(x.shape[-1], seed=1)


def _attention(x: Any) -> Any:
    tf = _tf()
    heads = tf.transpose(tf.reshape(x, (1, 5, 2, 4)), (0, 2, 1, 3))
    weights = tf.nn.softmax(tf.matmul(heads, heads, transpose_b=True) * 0.5)
    return tf.reshape(tf.transpose(tf.matmul(weights, heads), (0, 2, 1, 3)), (1, 5, 8))


def _prelu(x: Any) -> Any:
    relu = _tf().nn.relu
    return relu(x) + relu(-x) * -_constant(1, 1, 6)


IMAGE, SEQUENCE, VECTOR = (5, 7, 6), (5, 8), (12,)

#: What is computed -> shapes of its inputs, the function, the operator that the file must hold.
CASES: dict[str, tuple[Sequence[Sequence[int]], Function, str]] = {
    "add constant": ([IMAGE], lambda x: x + _constant(6), "ADD"),
    "add repeated": ([IMAGE, (1, 7, 1)], lambda x, y: x + y, "ADD"),
    "sub": ([IMAGE, IMAGE], lambda x, y: x - y, "SUB"),
    "sub from constant": ([SEQUENCE], lambda x: 1.0 - x, "SUB"),
    "mul": ([IMAGE, (1, 1, 6)], lambda x, y: x * y, "MUL"),
    "mul scalar": ([SEQUENCE], lambda x: x * 3.7, "MUL"),
    "div": ([SEQUENCE, SEQUENCE], lambda x, y: x / (_tf().abs(y) + 1.0), "DIV"),
    "squared difference": ([SEQUENCE, (5, 1)], lambda x, y: _tf().math.squared_difference(x, y), "SQUARED_DIFFERENCE"),
    "maximum": ([SEQUENCE, SEQUENCE], lambda x, y: _tf().maximum(x, y), "MAXIMUM"),
    "minimum": ([SEQUENCE, SEQUENCE], lambda x, y: _tf().minimum(x, y), "MINIMUM"),
    "mean of rows": ([SEQUENCE], lambda x: _tf().reduce_mean(x, -1, keepdims=True), "MEAN"),
    "sum": ([IMAGE], lambda x: _tf().reduce_sum(x, (1, 2)), "SUM"),
    "sum of rows": ([SEQUENCE], lambda x: _tf().reduce_sum(x, -1), "SUM"),
    "layer norm": ([SEQUENCE], _layer_norm, "RSQRT"),
    "layer norm of keras": ([SEQUENCE], _layer_norm_of_keras, "RSQRT"),
    "attention": ([SEQUENCE], _attention, "BATCH_MATMUL"),
    "matmul turned": ([(4, 5), (4, 6)], lambda x, y: _tf().matmul(x, y, transpose_a=True), "BATCH_MATMUL"),
    "gelu": ([SEQUENCE], lambda x: _tf().nn.gelu(x), "GELU"),
    "gelu tanh": ([SEQUENCE], lambda x: _tf().nn.gelu(x, approximate=True), "GELU"),
    "prelu": ([IMAGE], _prelu, "PRELU"),
    "leaky relu": ([SEQUENCE], lambda x: _tf().nn.leaky_relu(x, 0.3), "LEAKY_RELU"),
    "hard swish": ([SEQUENCE], lambda x: x * _tf().nn.relu6(x + 3.0) / 6.0, "HARD_SWISH"),
    "tanh": ([SEQUENCE], lambda x: _tf().tanh(x), "TANH"),
    "sigmoid": ([SEQUENCE], lambda x: _tf().sigmoid(x), "LOGISTIC"),
    "relu": ([SEQUENCE], lambda x: _tf().nn.relu(x), "RELU"),
    "relu6": ([SEQUENCE], lambda x: _tf().nn.relu6(x), "RELU6"),
    "abs": ([SEQUENCE], lambda x: abs(x), "ABS"),
    "pad": ([IMAGE], lambda x: _tf().pad(x, ((0, 0), (1, 2), (0, 3), (2, 0))), "PAD"),
    "concatenation": ([IMAGE, (5, 7, 3)], lambda x, y: _tf().concat((x, y), -1), "CONCATENATION"),
    "concatenation of rows": ([IMAGE, (2, 7, 6)], lambda x, y: _tf().concat((x, y), 1), "CONCATENATION"),
    "split": ([IMAGE], lambda x: _tf().split(x, 3, -1), "SPLIT"),
    "split unevenly": ([IMAGE], lambda x: _tf().split(x, (1, 3, 3), 2), "SPLIT_V"),
    "slice": ([IMAGE], lambda x: _tf().slice(x, (0, 1, 2, 3), (1, 3, 4, 2)), "SLICE"),
    "strided slice": ([IMAGE], lambda x: x[:, 1::2, -2, ::3], "STRIDED_SLICE"),
    "transpose": ([IMAGE], lambda x: _tf().transpose(x, (0, 3, 1, 2)), "TRANSPOSE"),
    "pack": ([SEQUENCE, SEQUENCE], lambda x, y: _tf().stack((x, y), 2), "PACK"),
    "unpack": ([SEQUENCE], lambda x: _tf().unstack(x, axis=1)[1:4], "UNPACK"),
    "gather": ([SEQUENCE], lambda x: _tf().gather(x, np.array((3, 0, 3), np.int32), axis=1), "GATHER"),
    "nearest": ([IMAGE], lambda x: _tf().image.resize(x, (9, 20), "nearest"), "RESIZE_NEAREST_NEIGHBOR"),
    "bilinear": ([IMAGE], lambda x: _tf().image.resize(x, (9, 20), "bilinear"), "RESIZE_BILINEAR"),
    "bilinear smaller": ([IMAGE], lambda x: _tf().image.resize(x, (3, 4), "bilinear"), "RESIZE_BILINEAR"),
    "bilinear corners": (
        [IMAGE], lambda x: _tf().compat.v1.image.resize_bilinear(x, (9, 20), align_corners=True), "RESIZE_BILINEAR",
    ),
    "transpose conv": (
        [IMAGE],
        lambda x: _tf().nn.conv2d_transpose(x, _constant(3, 2, 4, 6), (1, 10, 14, 4), 2, "SAME") + _constant(4),
        "TRANSPOSE_CONV",
    ),
    "transpose conv valid": (
        [IMAGE], lambda x: _tf().nn.conv2d_transpose(x, _constant(4, 3, 5, 6), (1, 16, 9, 5), (3, 1), "VALID"),
        "TRANSPOSE_CONV",
    ),
    "softmax": ([SEQUENCE], lambda x: _tf().nn.softmax(x), "SOFTMAX"),
    "dense rows": ([SEQUENCE], lambda x: _tf().matmul(x, _constant(8, 3)) + _constant(3), "FULLY_CONNECTED"),
    "conv": ([IMAGE], lambda x: _tf().nn.relu(_tf().nn.conv2d(x, _constant(3, 3, 6, 5), (2, 1), "SAME")), "CONV_2D"),
    "conv 1d": ([SEQUENCE], lambda x: _tf().nn.conv1d(x, _constant(3, 8, 5), 1, "SAME"), "CONV_2D"),
    "depthwise": (
        [IMAGE], lambda x: _tf().nn.depthwise_conv2d(x, _constant(3, 3, 6, 2), (1, 1, 1, 1), "SAME"),
        "DEPTHWISE_CONV_2D",
    ),
    "max pool": ([IMAGE], lambda x: _tf().nn.max_pool2d(x, 3, 2, "SAME"), "MAX_POOL_2D"),
    "average pool": ([IMAGE], lambda x: _tf().nn.avg_pool2d(x, 3, 2, "SAME"), "AVERAGE_POOL_2D"),
}  # fmt: skip

#: Cases of float32 alone: the converter keeps them so, or has no integer form.
FLOAT_CASES: dict[str, tuple[Sequence[Sequence[int]], Function, str]] = {
    "elu": ([SEQUENCE], lambda x: _tf().nn.elu(x), "ELU"),
    "exp": ([SEQUENCE], lambda x: _tf().exp(x), "EXP"),
    "log": ([SEQUENCE], lambda x: _tf().math.log(_tf().abs(x) + 1.0), "LOG"),
    "sqrt": ([SEQUENCE], lambda x: _tf().sqrt(_tf().abs(x)), "SQRT"),
    "square": ([SEQUENCE], lambda x: _tf().square(x), "SQUARE"),
    "sin": ([SEQUENCE], lambda x: _tf().sin(x) + _tf().cos(x), "SIN"),
    "negative": ([SEQUENCE], lambda x: -x, "NEG"),
    "pad with a value": ([SEQUENCE], lambda x: _tf().pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=2.5), "PADV2"),
    "broadcast to": ([(5, 1)], lambda x: _tf().broadcast_to(x, (1, 5, 8)), "BROADCAST_TO"),
    "arg max": ([SEQUENCE], lambda x: _tf().argmax(x, -1, _tf().int32), "ARG_MAX"),
}


#: Cases that have no 16-bit form: the converter refuses all but differences squared and the layer that has them, which
#: LiteRT refuses to run.
NOT_WIDE = ("div", "squared difference", "layer norm", "prelu", "hard swish")

#: Cases of 16-bit activations.
WIDE_CASES = (*(case for case in CASES if case not in NOT_WIDE), "exp", "log", "broadcast to")


def convert(
    shapes: Sequence[Sequence[int]], function: Function, *, integers: bool = False, wide: bool = False
) -> bytes:
    tf = _tf()
    specs = [tf.TensorSpec((1, *shape), tf.float32) for shape in shapes]
    concrete = tf.function(function).get_concrete_function(*specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    if integers or wide:
        random = np.random.default_rng(0)
        samples = [[random.normal(size=(1, *shape)).astype(np.float32) for shape in shapes] for _ in range(20)]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(samples)
        kinds = tf.lite.OpsSet
        wide_kind = kinds.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide_kind if wide else kinds.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int16 if wide else tf.int8
    content = converter.convert()
    assert isinstance(content, bytes)
    return content


def check(content: bytes, operator: str, folder: Path, *, target: str = "host", num_samples: int = 50) -> None:
    from edgetool.ir.tflite import read_tflite

    path = folder / "model.tflite"
    path.write_bytes(content)
    assert operator in {op.kind for op in read_tflite(path).ops}
    write_bundle(path, name="net", out=folder / "bundle", target=find_target(target), overwrite=True)
    found = check_bundle(path, folder / "bundle", num_samples=num_samples)
    assert found.num_different == 0, found


@pytest.mark.parametrize("case", CASES)
def test_integers_bit_for_bit(case: str, tmp_path: Path) -> None:
    shapes, function, operator = CASES[case]
    check(convert(shapes, function, integers=True), operator, tmp_path)


@pytest.mark.parametrize("case", WIDE_CASES)
def test_16_bit_activations_bit_for_bit(case: str, tmp_path: Path) -> None:
    shapes, function, operator = {**CASES, **FLOAT_CASES}[case]
    check(convert(shapes, function, wide=True), operator, tmp_path)


def test_what_litert_refuses_in_16_bits_is_refused_by_name(tmp_path: Path) -> None:
    from edgetool.embed.lower import lower_file

    shapes, function, _ = CASES["squared difference"]
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(shapes, function, wide=True))
    with pytest.raises(UnsupportedModelError, match=r"SQUARED_DIFFERENCE\): 16-bit.*SUB; edgetool compress"):
        lower_file(path)


@pytest.mark.parametrize("case", [*CASES, *FLOAT_CASES])
def test_floats_within_rounding(case: str, tmp_path: Path) -> None:
    shapes, function, operator = {**CASES, **FLOAT_CASES}[case]
    check(convert(shapes, function), operator, tmp_path)
