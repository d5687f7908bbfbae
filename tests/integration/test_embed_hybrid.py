"""int8 weights beside float activations, as dynamic-range quantisation writes them, against LiteRT's reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.exporters.tflite.file import pack, unpack
from edgetool.targets import find_target

pytestmark = pytest.mark.slow


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _constant(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


#: What is computed -> shape of the input, the function, the kernel.
LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any], str]] = {
    "dense": ((60,), lambda x: _tf().nn.relu(_tf().matmul(x, _constant(60, 9)) + _constant(9)), "fully_connected"),
    "rows": ((5, 17), lambda x: _tf().matmul(x, _constant(17, 6)), "fully_connected"),
    "conv": (
        (7, 6, 5),
        lambda x: _tf().nn.relu6(_tf().nn.conv2d(x, _constant(3, 2, 5, 9), 2, "SAME") + _constant(9)),
        "conv",
    ),
    "dilated": ((9, 8, 5), lambda x: _tf().nn.conv2d(x, _constant(3, 3, 5, 4), 1, "VALID", dilations=2), "conv"),
    "depthwise": (
        (7, 6, 5),
        lambda x: _tf().nn.depthwise_conv2d(x, _constant(3, 3, 5, 2), (1, 1, 1, 1), "SAME") + _constant(10),
        "depthwise_conv",
    ),
}


def _with_int8_weights(content: bytes, *, by_channel: bool, is_symmetric: bool) -> bytes:
    """Return a float file with int8 weights in its layers."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpack(content)
    graph = model.subgraphs[0]
    kinds = schema.BuiltinOperator
    layers = {kinds.FULLY_CONNECTED: 0, kinds.CONV_2D: 0, kinds.DEPTHWISE_CONV_2D: 3}
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode not in layers:
            continue
        dimension = layers[code.builtinCode]
        code.version = {kinds.FULLY_CONNECTED: 9, kinds.CONV_2D: 5, kinds.DEPTHWISE_CONV_2D: 6}[code.builtinCode]
        if code.builtinCode == kinds.FULLY_CONNECTED:
            operator.builtinOptions.asymmetricQuantizeInputs = not is_symmetric
        tensor = graph.tensors[operator.inputs[1]]
        values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)
        others = tuple(axis for axis in range(values.ndim) if axis != dimension or not by_channel)
        scales = np.abs(values).max(axis=others, keepdims=True) / 127
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scales.reshape(-1).astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(scales.size, np.int64)
        tensor.quantization.quantizedDimension = dimension
        model.buffers[tensor.buffer].data = np.frombuffer(np.round(values / scales).astype(np.int8).tobytes(), np.uint8)
    return pack(model)


def _network(name: str, *, by_channel: bool, is_symmetric: bool) -> bytes:
    tf = _tf()
    shape, function, _ = LAYERS[name]
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    return _with_int8_weights(content, by_channel=by_channel, is_symmetric=is_symmetric)


@pytest.mark.parametrize(
    ("name", "by_channel", "is_symmetric"),
    [
        ("dense", True, False),
        ("dense", True, True),
        ("dense", False, False),
        ("dense", False, True),
        ("rows", True, False),
        ("rows", False, True),
        ("conv", True, False),
        ("conv", False, False),
        ("dilated", True, False),
        ("dilated", False, False),
        ("depthwise", True, False),
    ],
)
def test_layers_give_every_bit_of_the_reference(
    name: str, by_channel: bool, is_symmetric: bool, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(_network(name, by_channel=by_channel, is_symmetric=is_symmetric))
    assert [step.kernel for step in lower_file(path).steps] == [f"{LAYERS[name][2]}_hybrid"]
    write_bundle(path, name="net", out=tmp_path / "bundle", target=find_target("host"), overwrite=False)
    found = check_bundle(path, tmp_path / "bundle", num_samples=100)
    assert found.max_difference == 0.0, found


def test_firmware_computes_in_bytes(tmp_path: Path) -> None:
    missing = missing_packages(find_target("cortex-m4-qemu"))
    if missing:
        pytest.skip(f"no Arm compiler or emulator: apt install {' '.join(missing.values())}")
    path = tmp_path / "model.tflite"
    path.write_bytes(_network("conv", by_channel=True, is_symmetric=False))
    target = find_target("cortex-m4-qemu")
    made = write_bundle(path, name="net", out=tmp_path / "bundle", target=target, overwrite=False)
    found = run_firmware(made.out, "net", lower_file(path), target)
    assert found.num_failed == 0 and found.arena_is_whole
    assert made.constant_bytes < 3 * 2 * 5 * 9 * 2 + 400  # weights stay bytes
