"""Every operator as C, in int8 and in float32, from files that the converter wrote, against LiteRT's reference."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.errors import UnsupportedModelError
from edgetool.ir.tflite import read_tflite
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


def _running_sums(x: Any) -> Any:
    cumsum = _tf().cumsum
    return cumsum(x, -1) + cumsum(x, 1, exclusive=True) * cumsum(x, -1, reverse=True)


def _remainders(x: Any, y: Any) -> Any:
    tf = _tf()
    return tf.math.floormod(4.0 * x, y) + tf.math.floordiv(4.0 * x, y), tf.pow(abs(x) + 0.1, y)


def _whole_numbers(x: Any, y: Any) -> Any:
    """Numbers of both signs; 7 in place of a divisor of 0."""
    tf = _tf()
    a, b = tf.cast(100.0 * x, tf.int32), tf.cast(9.0 * y, tf.int32)
    divisor = tf.where(tf.broadcast_to(b, a.shape) == 0, 7 + 0 * a, tf.broadcast_to(b, a.shape))
    parts = (tf.math.floordiv(a, divisor), tf.math.floormod(a, divisor), tf.nn.relu(a - b), a * b + 3, tf.maximum(a, b))
    chosen = tf.where(b > 0, tf.cast(x, tf.float32), tf.cast(y, tf.float32))
    return chosen, tf.stack([*parts, tf.minimum(a, b)], 1), tf.cast(a, tf.int64), tf.cast(a, tf.float32)


def _truth_values(x: Any, y: Any) -> Any:
    tf = _tf()
    either, both = tf.logical_or(x > 0.5, y > 0.0), tf.logical_and(x > 0.0, tf.logical_not(y > 0.5))
    return tf.cast(either, tf.float32), tf.cast(both, tf.int32), tf.cast(tf.nn.relu(x), tf.bool)


def _best_pixels(x: Any) -> Any:
    """The channels of the pixel in which each is the largest, as pose estimation reads them."""
    tf = _tf()
    best = tf.argmax(tf.reshape(x, (35, 6)), 0, tf.int32)
    places = tf.stack((tf.zeros(6, tf.int32), best // 7, best % 7), 1)
    return tf.gather_nd(x, places), places


def _prelu(x: Any) -> Any:
    relu = _tf().nn.relu
    return relu(x) + relu(-x) * -_constant(1, 1, 6)


#: Operators that are converted, compiled and run together.
GROUP = 12

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
        [IMAGE],
        lambda x: _tf().compat.v1.image.resize_bilinear(x, (9, 20), align_corners=True),
        "RESIZE_BILINEAR",
    ),
    "transpose conv": (
        [IMAGE],
        lambda x: _tf().nn.conv2d_transpose(x, _constant(3, 2, 4, 6), (1, 10, 14, 4), 2, "SAME") + _constant(4),
        "TRANSPOSE_CONV",
    ),
    "transpose conv valid": (
        [IMAGE],
        lambda x: _tf().nn.conv2d_transpose(x, _constant(4, 3, 5, 6), (1, 16, 9, 5), (3, 1), "VALID"),
        "TRANSPOSE_CONV",
    ),
    "softmax": ([SEQUENCE], lambda x: _tf().nn.softmax(x), "SOFTMAX"),
    "dense rows": ([SEQUENCE], lambda x: _tf().matmul(x, _constant(8, 3)) + _constant(3), "FULLY_CONNECTED"),
    "conv": ([IMAGE], lambda x: _tf().nn.relu(_tf().nn.conv2d(x, _constant(3, 3, 6, 5), (2, 1), "SAME")), "CONV_2D"),
    "conv 1d": ([SEQUENCE], lambda x: _tf().nn.conv1d(x, _constant(3, 8, 5), 1, "SAME"), "CONV_2D"),
    "depthwise": (
        [IMAGE],
        lambda x: _tf().nn.depthwise_conv2d(x, _constant(3, 3, 6, 2), (1, 1, 1, 1), "SAME"),
        "DEPTHWISE_CONV_2D",
    ),
    "max pool": ([IMAGE], lambda x: _tf().nn.max_pool2d(x, 3, 2, "SAME"), "MAX_POOL_2D"),
    "average pool": ([IMAGE], lambda x: _tf().nn.avg_pool2d(x, 3, 2, "SAME"), "AVERAGE_POOL_2D"),
}

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
    "arg min": ([SEQUENCE], lambda x: (_tf().argmin(x, -1, _tf().int32), _tf().argmin(x, 1)), "ARG_MIN"),
    "spectrum": ([(6, 32)], lambda x: _tf().abs(_tf().signal.rfft(x * _constant(32))), "RFFT2D"),
    "sign": ([SEQUENCE], lambda x: _tf().sign(_tf().nn.relu(x) - _tf().nn.relu(x - 0.5)), "SIGN"),
    "length one": ([SEQUENCE], lambda x: _tf().math.l2_normalize(x, -1), "L2_NORMALIZATION"),
    "running sums": ([SEQUENCE], _running_sums, "CUMSUM"),
    "remainders": ([SEQUENCE, (5, 1)], _remainders, "FLOOR_MOD"),
    "whole numbers": ([SEQUENCE, (5, 1)], _whole_numbers, "FLOOR_DIV"),
    "truth values": ([SEQUENCE, (5, 1)], _truth_values, "LOGICAL_AND"),
    "gather by several axes": ([IMAGE], _best_pixels, "GATHER_ND"),
}


#: Cases that have no 16-bit form: the converter refuses all but differences squared and the layer that has them, which
#: LiteRT refuses to run.
NOT_WIDE = ("div", "squared difference", "layer norm", "prelu", "hard swish")

#: Cases of 16-bit activations.
WIDE_CASES = (*(case for case in CASES if case not in NOT_WIDE), "exp", "log", "broadcast to")


def _lstm(units: int, **options: Any) -> Any:
    import tf_keras

    return tf_keras.layers.LSTM(units, **options)


def _steps_first(units: int) -> list[Any]:
    import tf_keras

    def swap() -> Any:
        return tf_keras.layers.Lambda(lambda x: _tf().transpose(x, (1, 0, 2)))

    return [swap(), _lstm(units, time_major=True, return_sequences=True), swap()]


#: Recurrent networks: input shape, and layers.
LSTM_CASES: dict[str, tuple[Sequence[int], Callable[[], list[Any]]]] = {
    "every step": ((7, 5), lambda: [_lstm(6, return_sequences=True)]),
    "last step": ((7, 5), lambda: [_lstm(9)]),
    "one of all": ((1, 1), lambda: [_lstm(1)]),
    "long": ((60, 17), lambda: [_lstm(33, return_sequences=True)]),
    "two layers": ((9, 4), lambda: [_lstm(8, return_sequences=True), _lstm(5)]),
    "steps first": ((7, 5), lambda: _steps_first(6)),
}


def _padded_network(x: Any) -> Any:
    """Padding of several kinds in front of convolutions: all of it is theirs in the end."""
    tf = _tf()
    x = tf.nn.conv2d(tf.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0))), _constant(3, 3, 6, 8), 2, "VALID")
    x = tf.nn.relu(
        tf.nn.depthwise_conv2d(
            tf.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0))), _constant(3, 3, 8, 1), (1, 1, 1, 1), "VALID"
        )
    )
    x = tf.nn.depthwise_conv2d(
        tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), _constant(3, 3, 8, 1), (1, 2, 2, 1), "VALID"
    )
    return tf.nn.conv2d(tf.pad(x, ((0, 0), (0, 1), (1, 0), (0, 0))), _constant(2, 2, 8, 3), 1, "VALID")


def _causal(x: Any) -> Any:
    return _tf().nn.conv1d(_tf().pad(x, ((0, 0), (2, 0), (0, 0))), _constant(3, 8, 5), 1, "VALID")


@pytest.mark.parametrize("kind", ["float32", "int8", "int16"])
@pytest.mark.parametrize(("function", "shape"), [(_padded_network, IMAGE), (_causal, SEQUENCE)], ids=["2d", "1d"])
def test_padding_is_part_of_the_convolution(
    function: Function, shape: Sequence[int], kind: str, tmp_path: Path
) -> None:
    content = convert([shape], function, integers=kind == "int8", wide=kind == "int16")
    check(content, "PAD", tmp_path)
    kernels = [step.kernel for step in lower_file(tmp_path / "model.tflite").steps]
    assert not [kernel for kernel in kernels if kernel.startswith(("fill", "copy"))], kernels
    for target in ("cortex-m4-qemu", "cortex-m55-qemu") if kind == "int8" else ():
        check(content, "PAD", tmp_path, target=target)
        if not missing_packages(find_target("cortex-m4-qemu")):
            found = run_firmware(tmp_path / "bundle", "net", lower_file(tmp_path / "model.tflite"), find_target(target))
            assert found.num_failed == 0 and found.arena_is_whole


def _dilated_by_batches(x: Any) -> Any:
    """As older converters wrote dilated convolutions: of images, and of rows."""
    tf = _tf()
    x = tf.space_to_batch(x, (2, 3), ((2, 3), (3, 4)))
    x = tf.nn.relu(tf.nn.conv2d(x, _constant(3, 3, 6, 8), 1, "VALID"))
    x = tf.space_to_batch(tf.batch_to_space(x, (2, 3), ((0, 1), (0, 1))), (2, 2), ((0, 1), (0, 0)))
    x = tf.batch_to_space(
        tf.nn.depthwise_conv2d(x, _constant(3, 3, 8, 1), (1, 1, 1, 1), "SAME"), (2, 2), ((0, 1), (0, 0))
    )
    x = tf.space_to_batch(tf.reshape(x, (1, -1, 8)), (2,), ((4, 0),))
    x = tf.nn.conv2d(tf.expand_dims(x, 1), _constant(1, 3, 8, 4), 1, "VALID")
    return tf.batch_to_space(tf.squeeze(x, 1), (2,), ((0, 0),))


@pytest.mark.parametrize("integers", [True, False], ids=["int8", "float32"])
def test_batches_of_spaces_are_dilated_convolutions(integers: bool, tmp_path: Path) -> None:
    content = convert([(5, 8, 6)], _dilated_by_batches, integers=integers)
    check(content, "SPACE_TO_BATCH_ND", tmp_path)
    kernels = [step.kernel for step in lower_file(tmp_path / "model.tflite").steps]
    assert len(kernels) == 3, kernels


def test_padding_that_others_need_or_of_channels_stays(tmp_path: Path) -> None:
    tf = _tf()

    def shared(x: Any) -> Any:
        padded = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return tf.nn.conv2d(padded, _constant(3, 3, 6, 6), 1, "VALID"), padded

    def channels(x: Any) -> Any:
        return tf.nn.conv2d(tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 1))), _constant(3, 3, 7, 4), 1, "VALID")

    def wide(x: Any) -> Any:
        return tf.nn.conv2d(tf.pad(x, ((0, 0), (4, 0), (1, 1), (0, 0))), _constant(3, 3, 6, 4), 1, "VALID")

    for function in (shared, channels, wide):
        check(convert([IMAGE], function, integers=True), "PAD", tmp_path)
        kernels = {step.kernel for step in lower_file(tmp_path / "model.tflite").steps}
        assert {"fill_s8", "copy_s8", "conv_s8"} <= kernels


def _unfused(content: bytes) -> bytes:
    """Return a file with each fused activation as an operator of its own; values below zero are stored too."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack, unpack

    model = unpack(content)
    (graph,) = model.subgraphs
    kinds = {schema.ActivationFunctionType.RELU: "RELU", schema.ActivationFunctionType.RELU6: "RELU6"}
    operators = []
    for op in graph.operators:
        operators.append(op)
        kind = kinds.get(getattr(op.builtinOptions, "fusedActivationFunction", 0))
        if kind is None:
            continue
        op.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        result = graph.tensors[op.outputs[0]]
        if result.quantization is not None and result.quantization.zeroPoint is not None:
            result.quantization.zeroPoint = np.array([-20], np.int64)
        before = copy.copy(result)
        before.name = result.name + b" before"
        activation = schema.OperatorT()
        activation.opcodeIndex = len(model.operatorCodes)
        activation.inputs, activation.outputs = np.array([len(graph.tensors)]), op.outputs
        op.outputs = activation.inputs
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
        model.operatorCodes.append(code)
        graph.tensors.append(before)
        operators.append(activation)
    graph.operators = operators
    return pack(model)


@pytest.mark.parametrize("integers", [True, False], ids=["int8", "float32"])
def test_activations_are_limits_of_what_is_in_front(integers: bool, tmp_path: Path) -> None:
    tf = _tf()

    def network(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.conv2d(x, _constant(3, 3, 6, 6), 1, "SAME"))
        z = tf.nn.relu6(tf.nn.depthwise_conv2d(y, _constant(3, 3, 6, 1), (1, 1, 1, 1), "SAME"))
        z = tf.nn.conv2d(z, _constant(1, 1, 6, 6), 1, "SAME")
        return tf.nn.relu(tf.matmul(tf.reshape(tf.nn.relu(z + y), (1, 210)), _constant(210, 3)))

    content = _unfused(convert([IMAGE], network, integers=integers))
    check(content, "RELU6", tmp_path)
    kinds = [op.kind for op in read_tflite(tmp_path / "model.tflite").ops]
    assert kinds.count("RELU") + kinds.count("RELU6") == 4
    kernels = [step.kernel for step in lower_file(tmp_path / "model.tflite").steps]
    assert not [kernel for kernel in kernels if kernel.startswith(("relu", "table"))], kernels


def convert(
    shapes: Sequence[Sequence[int]], function: Function, *, integers: bool = False, wide: bool = False
) -> bytes:
    tf = _tf()
    specs = [tf.TensorSpec((1, *shape), tf.float32) for shape in shapes]
    concrete = tf.function(function).get_concrete_function(*specs)
    return finish(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), shapes, integers=integers, wide=wide)


def finish(converter: Any, shapes: Sequence[Sequence[int]], *, integers: bool = False, wide: bool = False) -> bytes:
    """Return the file, with scales of 20 samples where it is of integers."""
    tf = _tf()
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


def convert_lstm(case: str, *, integers: bool) -> bytes:
    """Return a network of LSTM layers. Small weights give its state a scale that LiteRT has no tanh for."""
    import tf_keras

    shape, layers = LSTM_CASES[case]
    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential([tf_keras.layers.Input(shape, batch_size=1), *layers()])
    model.set_weights([weight * 3.0 for weight in model.get_weights()])
    return finish(_tf().lite.TFLiteConverter.from_keras_model(model), [shape], integers=integers)


def check(
    content: bytes, operators: str | Sequence[str], folder: Path, *, target: str = "host", num_samples: int = 50
) -> None:
    path = folder / "model.tflite"
    path.write_bytes(content)
    wanted = {operators} if isinstance(operators, str) else set(operators)
    assert wanted <= {op.kind for op in read_tflite(path).ops}
    write_bundle(path, name="net", out=folder / "bundle", target=find_target(target), overwrite=True)
    found = check_bundle(path, folder / "bundle", num_samples=num_samples)
    assert found.num_different == 0, found


def groups(cases: Iterable[str]) -> list[Any]:
    """Return parameters that name a few cases each: a conversion, a compiler and two runs are paid once for all."""
    names = list(cases)
    parts = [names[start : start + GROUP] for start in range(0, len(names), GROUP)]
    return [pytest.param(part, id=f"{part[0]} to {part[-1]}") for part in parts]


def check_group(cases: list[str], folder: Path, *, integers: bool = False, wide: bool = False) -> None:
    """Check cases side by side in one file, each with inputs of its own; which one is wrong is told by each alone."""
    try:
        _check_together(cases, folder, integers=integers, wide=wide)
    except Exception:
        for case in cases if len(cases) > 1 else ():
            try:
                _check_together([case], folder, integers=integers, wide=wide)
            except Exception as exc:
                raise AssertionError(f"{case!r}: {exc}") from exc
        raise


def _check_together(cases: list[str], folder: Path, *, integers: bool, wide: bool) -> None:
    described = [{**CASES, **FLOAT_CASES}[case] for case in cases]

    ends = list(itertools.accumulate(len(shapes) for shapes, _, _ in described))
    parts = [(function, end - len(shapes), end) for (shapes, function, _), end in zip(described, ends, strict=True)]

    def side_by_side(*inputs: Any) -> list[Any]:
        return [function(*inputs[start:end]) for function, start, end in parts]

    shapes = [shape for shapes, _, _ in described for shape in shapes]
    content = convert(shapes, side_by_side, integers=integers, wide=wide)
    check(content, [operator for _, _, operator in described], folder)


@pytest.mark.parametrize("cases", groups(CASES))
def test_integers_bit_for_bit(cases: list[str], tmp_path: Path) -> None:
    check_group(cases, tmp_path, integers=True)


@pytest.mark.parametrize("cases", groups(WIDE_CASES))
def test_16_bit_activations_bit_for_bit(cases: list[str], tmp_path: Path) -> None:
    check_group(cases, tmp_path, wide=True)


def test_what_litert_refuses_in_16_bits_is_refused_by_name(tmp_path: Path) -> None:
    from edgetool.embed.compiler.pipeline import lower_file

    shapes, function, _ = CASES["squared difference"]
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(shapes, function, wide=True))
    with pytest.raises(UnsupportedModelError, match=r"SQUARED_DIFFERENCE\): 16-bit.*SUB; embed this file for an"):
        lower_file(path)


@pytest.mark.parametrize("cases", groups([*CASES, *FLOAT_CASES]))
def test_floats_within_rounding(cases: list[str], tmp_path: Path) -> None:
    check_group(cases, tmp_path)


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize("case", LSTM_CASES)
def test_recurrent_layers(case: str, integers: bool, tmp_path: Path) -> None:
    """Integers bit for bit, floats within rounding, though an interpreter keeps the state from run to run."""
    check(convert_lstm(case, integers=integers), "UNIDIRECTIONAL_SEQUENCE_LSTM", tmp_path, num_samples=200)
