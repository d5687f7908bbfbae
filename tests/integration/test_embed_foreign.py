"""Kinds of files that others made: streams with states, unsigned bytes, shapes that are computed; against LiteRT."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.c_bundle import write_bundle
from edgetool.embed.check_bundle import check_bundle
from edgetool.embed.firmware import PACKAGES, run_firmware
from edgetool.embed.lower import lower_file
from edgetool.exporters.tflite_file import pack, unpack
from edgetool.ir.tflite import read_tflite
from edgetool.targets import find_target

pytestmark = pytest.mark.slow


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _constant(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def check(content: bytes, folder: Path, *operators: str, num_samples: int = 50, io: str = "arena") -> None:
    """Hold a bundle to LiteRT's reference kernels; samples are steps of one sequence where the model has states."""
    path = folder / "model.tflite"
    path.write_bytes(content)
    kinds = {op.kind for op in read_tflite(path).ops}
    assert set(operators) <= kinds, kinds
    write_bundle(path, name="net", out=folder / "bundle", target=find_target("host"), overwrite=True, io=io)
    found = check_bundle(path, folder / "bundle", num_samples=num_samples)
    assert found.num_different == 0, found


def _converted(converter: Any, *shape: int, integers: bool) -> bytes:
    tf = _tf()
    if integers:
        random = np.random.default_rng(0)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [random.normal(size=(1, *shape)).astype(np.float32)] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    content = converter.convert()
    assert isinstance(content, bytes)
    return content


def streaming(*, integers: bool) -> bytes:
    """Return a network that keeps the last three rows of its input and a running sum: two states."""
    tf = _tf()

    class Stream(tf.Module):  # type: ignore[misc]  # tensorflow is untyped
        def __init__(self) -> None:
            super().__init__()
            self.rows = tf.Variable(tf.zeros((1, 3, 1, 6)), trainable=False)
            self.total = tf.Variable(tf.fill((1, 4), 0.25), trainable=False)

        @tf.function(input_signature=[tf.TensorSpec((1, 1, 1, 6), tf.float32)])  # type: ignore[untyped-decorator]
        def run(self, x: Any) -> Any:
            rows = tf.concat((self.rows, x), 1)
            self.rows.assign(rows[:, 1:])
            y = tf.nn.relu(tf.nn.conv2d(rows, _constant(4, 1, 6, 4), 1, "VALID"))
            total = 0.5 * self.total + tf.reshape(y, (1, 4))
            self.total.assign(total)
            return tf.sigmoid(tf.matmul(total, _constant(4, 3)))

    stream = Stream()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([stream.run.get_concrete_function()], stream)
    converter._experimental_variable_quantization = integers
    return _converted(converter, 1, 1, 6, integers=integers)


@pytest.mark.parametrize("io", ["arena", "caller"])
@pytest.mark.parametrize("integers", [True, False], ids=["int8", "float32"])
def test_states_live_from_run_to_run(integers: bool, io: str, tmp_path: Path) -> None:
    content = streaming(integers=integers)
    check(content, tmp_path, "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", num_samples=20, io=io)
    program = lower_file(tmp_path / "model.tflite")
    assert len(program.states) == 2
    assert "net_reset" in (tmp_path / "bundle" / "main.c").read_text()
    if integers and io == "arena" and not [tool for tool in PACKAGES if shutil.which(tool) is None]:
        found = run_firmware(tmp_path / "bundle", "net", program, find_target("cortex-m4-qemu"))
        assert found.num_failed == 0 and found.arena_is_whole


def _unsigned(content: bytes, *, weight_zero: int) -> bytes:
    """Return a file of int8 with unsigned bytes throughout, as TensorFlow 1 wrote them; weights get a zero point."""
    from ai_edge_litert import schema_py_generated as schema

    model = unpack(content)
    (graph,) = model.subgraphs
    flipped = set()
    for tensor in graph.tensors:
        if tensor.type != schema.TensorType.INT8:
            continue
        tensor.type = schema.TensorType.UINT8
        data = model.buffers[tensor.buffer].data
        is_constant = data is not None and len(data) > 0
        zeros = np.asarray(tensor.quantization.zeroPoint, np.int64)
        tensor.quantization.zeroPoint = zeros + 128 + (weight_zero if is_constant else 0)
        if is_constant and tensor.buffer not in flipped:
            model.buffers[tensor.buffer].data = np.asarray(data, np.uint8) ^ np.uint8(128)
            flipped.add(tensor.buffer)
    for code in model.operatorCodes:
        code.version = 1
    return pack(model)


@pytest.mark.parametrize("weight_zero", [0, 3, -40])
def test_unsigned_networks_bit_for_bit(weight_zero: int, tmp_path: Path) -> None:
    tf = _tf()

    def network(x: Any) -> Any:
        x = tf.nn.relu6(tf.nn.conv2d(x, _constant(3, 3, 4, 8), 2, "SAME") + _constant(8))
        y = tf.nn.relu(tf.nn.depthwise_conv2d(x, _constant(3, 3, 8, 1), (1, 1, 1, 1), "SAME"))
        x = tf.concat((x + tf.nn.conv2d(y, _constant(1, 1, 8, 8), 1, "SAME"), x), -1)
        x = tf.nn.avg_pool2d(tf.nn.max_pool2d(x, 2, 1, "SAME"), 3, 2, "VALID")
        return tf.nn.softmax(tf.matmul(tf.reshape(x, (1, 64)), _constant(64, 5)))

    concrete = tf.function(network).get_concrete_function(tf.TensorSpec((1, 9, 9, 4), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter._experimental_disable_per_channel = True
    content = _converted(converter, 9, 9, 4, integers=True)
    check(_unsigned(content, weight_zero=weight_zero), tmp_path, "AVERAGE_POOL_2D", "SOFTMAX", num_samples=100)
    kernels = {step.kernel for step in lower_file(tmp_path / "model.tflite").steps}
    assert ("conv_offset_s8" in kernels) == (weight_zero != 0), kernels


def test_unsigned_inputs_and_shapes_that_are_computed(tmp_path: Path) -> None:
    """As Keras's Reshape has it in a file of an open batch, and `inference_input_type = tf.uint8`."""
    tf = _tf()

    def network(x: Any) -> Any:
        x = tf.matmul(x, _constant(6, 12))
        return tf.nn.relu(tf.reshape(x, (tf.shape(x)[0], 4, 3)))

    concrete = tf.function(network).get_concrete_function(tf.TensorSpec((None, 6), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    _converted(converter, 6, integers=True)
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    check(converter.convert(), tmp_path, "QUANTIZE", "SHAPE", "STRIDED_SLICE", "PACK")
    kernels = [step.kernel for step in lower_file(tmp_path / "model.tflite").steps]
    assert kernels[0] == kernels[-1] == "flip_sign_u8" and "table_s8" not in kernels, kernels
