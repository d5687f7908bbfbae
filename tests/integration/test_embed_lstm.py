"""The LSTM in int8: gates at every 16-bit value against LiteRT's state, other scales, compilers and sanitizers."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle, run_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.emit.codegen import kernel_sources
from edgetool.embed.oracle.vectors import random_inputs, reference_vectors
from edgetool.errors import UnsupportedModelError
from edgetool.exporters.tflite.file import pack, unpack
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

NUM_CELLS = 256

CORES = ("cortex-m4-qemu", "cortex-m55-qemu")
TARGETS = ("host", *CORES)

#: Inputs of the operator: first weights of gates, first bias, output before, state.
WEIGHTS, BIASES, HIDDEN, STATE = 1, 12, 18, 19

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZED = ("-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *WARNINGS)

#: Prints both functions of every 16-bit value.
EVERY_VALUE = """
int main(void) {
  for (int32_t v = INT16_MIN; v <= INT16_MAX; ++v) {
    printf("%d %d\\n", (int)lstm_s8_sigmoid(v), (int)lstm_s8_tanh(v, 3));
  }
  return 0;
}
"""


def converted(units: int, shape: tuple[int, int], folder: Path, to_int8: Callable[..., Path]) -> bytes:
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input(shape, batch_size=1), layers.LSTM(units, return_sequences=True)])
    model.set_weights([weight * 3.0 for weight in model.get_weights()])
    path = to_int8(tf.lite.TFLiteConverter.from_keras_model(model), shape, folder / "lstm.tflite")
    return path.read_bytes()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, to_int8: Callable[..., Path]) -> bytes:
    """33 units over 20 steps of 17 values."""
    return converted(33, (20, 17), tmp_path_factory.mktemp("lstm"), to_int8)


class Edited:
    """A model of one LSTM whose constants and scales are set."""

    def __init__(self, content: bytes) -> None:
        self.model = unpack(content)
        self.graph = self.model.subgraphs[0]
        (self.op,) = (op for op in self.graph.operators if op.intermediates is not None)
        self.op.inputs = list(self.op.inputs)

    def put(self, index: int, values: Array, scale: float) -> None:
        """Give the operator a constant of its own."""
        from ai_edge_litert import schema_py_generated as schema

        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors.append(copy.deepcopy(self.graph.tensors[self.op.inputs[index]]))
        self.graph.tensors[-1].buffer = len(self.model.buffers) - 1
        self.op.inputs[index] = len(self.graph.tensors) - 1
        self.scale(self.op.inputs[index], scale)

    def scale(self, tensor: int, scale: float, zero_point: int = 0) -> None:
        quantization: Any = self.graph.tensors[tensor].quantization
        quantization.scale, quantization.zeroPoint = [scale], [zero_point]


def swept(content: bytes, gate: int) -> Array:
    """Return LiteRT's state after a step for each 16-bit value of a gate, where the other one is as large as it gets.

    A state of 15 bits behind the point is the rounded product of input and cell gate.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    edited = Edited(content)
    edited.scale(edited.op.inputs[0], 2.0**-6)
    edited.scale(edited.op.inputs[STATE], 2.0**-15)
    for index in range(4):
        is_swept = index == gate
        bias = np.arange(NUM_CELLS) * 256 - 32768 + 128 if is_swept else np.full(NUM_CELLS, 40000)
        edited.put(WEIGHTS + index, np.full((NUM_CELLS, 1), is_swept, np.int8), 2.0**-6)
        edited.put(BIASES + index, bias.astype(np.int32), 2.0**-12)
    interpreter = Interpreter(
        model_content=pack(edited.model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    found = np.empty((NUM_CELLS, 256), np.int64)
    for value in range(-128, 128):
        interpreter.reset_all_variables()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.full((1, 1, 1), value, np.int8))
        interpreter.invoke()
        found[:, value + 128] = interpreter.get_tensor(int(edited.op.inputs[STATE]))[0]
    return found.reshape(-1)


def test_gates_are_litert_s_at_every_16_bit_value(tmp_path: Path, to_int8: Callable[..., Path]) -> None:
    code = "\n".join(["#include <stdint.h>", "#include <stdio.h>", *kernel_sources(["lstm_s8_functions"]), EVERY_VALUE])
    (tmp_path / "every.c").write_text(code)
    subprocess.run(["gcc", *SANITIZED, "every.c", "-o", "every"], check=True, cwd=tmp_path)
    ran = subprocess.run([tmp_path / "every"], check=True, capture_output=True, text=True)
    sigmoid, tanh = np.array([line.split() for line in ran.stdout.splitlines()], np.int64).T
    content = converted(NUM_CELLS, (1, 1), tmp_path, to_int8)
    for gate, function, other in ((0, sigmoid, tanh[-1]), (2, tanh, sigmoid[-1])):
        product = function * other
        expected = (product + (1 << 14) - (product < 0)) >> 15
        np.testing.assert_array_equal(swept(content, gate), expected)


@pytest.mark.parametrize("bits", range(7))
def test_every_scale_of_the_state(bits: int, network: bytes, tmp_path: Path) -> None:
    """With a clip that is reached, and the zero points and scales of output and state differing."""
    edited = Edited(network)
    edited.scale(edited.op.inputs[STATE], 2.0 ** (bits - 15))
    edited.scale(edited.op.inputs[HIDDEN], 0.0079, -9)
    edited.scale(edited.op.intermediates[4], 0.006, 17)
    edited.op.builtinOptions.cellClip = (0.0, 0.7, 10.0)[bits % 3]
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(edited.model))
    target = find_target(TARGETS[bits % 3])
    write_bundle(path, name="net", out=tmp_path / "b", target=target, overwrite=False)
    assert check_bundle(path, tmp_path / "b", num_samples=200, seed=bits).num_different == 0


@pytest.mark.parametrize("core", CORES)
def test_kernels_of_cores(core: str, network: bytes, tmp_path: Path) -> None:
    """Every second weight is -128, which the DSP extension has no half for; of the rest none is."""
    missing = missing_packages(find_target("cortex-m4-qemu"))
    if missing:
        pytest.skip(f"no Arm compiler or emulator: apt install {' '.join(missing.values())}")
    edited = Edited(network)
    edited.put(WEIGHTS + 1, np.tile(np.array([-5, -128], np.int8), (33, 9))[:, :17].copy(), 0.004)
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(edited.model))
    target = find_target(core)
    made = write_bundle(path, name="net", out=tmp_path / "b", target=target, overwrite=False, num_vectors=10)
    assert f"lstm_s8_{'mve' if core == CORES[1] else 'dsp'}" in made.operators
    found = run_firmware(made.out, "net", lower_file(path), target)
    assert found.num_failed == 0 and found.arena_is_whole


def test_a_scale_that_litert_computes_no_tanh_for_is_refused(network: bytes, tmp_path: Path) -> None:
    edited = Edited(network)
    edited.scale(edited.op.inputs[STATE], 2.0**-16)
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(edited.model))
    with pytest.raises(UnsupportedModelError, match="a state of scale 1"):
        lower_file(path)


@pytest.mark.parametrize("target", TARGETS)
def test_compilers_and_sanitizers_find_nothing(target: str, network: bytes, tmp_path: Path) -> None:
    path, bundle = tmp_path / "model.tflite", tmp_path / "b"
    path.write_bytes(network)
    write_bundle(path, name="net", out=bundle, target=find_target(target), overwrite=False)
    program = lower_file(path)
    inputs = random_inputs(program, 20, seed=3)
    found = run_bundle(bundle, "net", program, inputs, compiler="gcc", flags=SANITIZED)
    for made, expected in zip(found, reference_vectors(path, program, inputs).outputs, strict=True):
        np.testing.assert_array_equal(made, expected)
    for compiler in (["g++", "-std=c++17", "-x", "c++"], ["clang", "-std=c99"], ["clang++", "-std=c++17", "-x", "c++"]):
        if shutil.which(compiler[0]):
            sources = ["main.c", "net.c", "weights.c"]
            subprocess.run([*compiler, "-O1", *WARNINGS, *sources, "-o", "other"], check=True, cwd=bundle)
            assert subprocess.run(["./other"], cwd=bundle).returncode == 0
    if shutil.which("cppcheck"):
        kinds = "--enable=warning,portability,performance"
        command = ["cppcheck", "--quiet", kinds, "--error-exitcode=3", "net.c", "main.c"]
        subprocess.run(command, check=True, cwd=bundle)
