"""Kernels for 64-bit processors, compiled for every set of instructions that this machine runs or emulates."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.bundles.c_bundle import Bundle, write_bundle
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")

#: What the compiler may use -> its flags, and what the processor must have.
INSTRUCTIONS: dict[str, tuple[list[str], set[str]]] = {
    "plain": (["-U__SSE2__"], set()),
    "sse2": ([], set()),
    "avx2": (["-mavx2"], {"avx2"}),
    "avx-vnni": (["-mavx2", "-mavxvnni"], {"avx_vnni"}),
    "avx512-vnni": (["-mavx512f", "-mavx512vnni"], {"avx512_vnni"}),
}

ARM = {"neon": [], "neon-dotprod": ["-march=armv8.2-a+dotprod"]}


#: Program -> Debian's package.
PACKAGES = {
    "gcc": "gcc",
    "g++": "g++",
    "clang": "clang",
    "valgrind": "valgrind",
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
}


def _require_tools(*tools: str) -> None:
    """Skip, or fail under `EDGETOOL_REQUIRE_DEVICES`, where a program is missing."""
    missing = [PACKAGES[tool] for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    reason = f"needs: apt install {' '.join(missing)}"
    if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
        pytest.fail(reason)
    pytest.skip(reason)


def _normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def _network(x: Any) -> Any:
    """Channels that fill no vector, odd rows, strides, dilation, uneven padding, single pixels, in place or not."""
    import tensorflow as tf

    same = (1, 1, 1, 1)
    x = tf.nn.relu(tf.nn.conv2d(x, _normal(3, 2, 3, 20), (2, 1), "SAME") - 0.5)  # 7 x 11 of 20
    x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, _normal(3, 3, 20, 1), same, "SAME"))
    x = tf.nn.depthwise_conv2d(x, _normal(3, 3, 20, 1), same, "SAME", dilations=(2, 2)) + x
    x = tf.nn.depthwise_conv2d(x, _normal(2, 3, 20, 2), (1, 2, 2, 1), "VALID")  # 3 x 5 of 40
    y = tf.nn.conv2d(x, _normal(1, 1, 40, 33), 1, "SAME")
    x = tf.nn.conv2d(y, _normal(3, 3, 33, 33), 1, "SAME", dilations=(1, 2)) + y
    x = tf.nn.relu(tf.nn.conv2d(x, _normal(1, 1, 33, 33), 1, "SAME") + x)
    y = tf.nn.conv2d(tf.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0))), _normal(2, 2, 33, 17), 1, "VALID")
    x = tf.nn.conv2d(x, _normal(1, 1, 33, 17), (1, 1), "SAME")
    x = tf.nn.relu(x) + y
    x = tf.nn.conv2d(x, _normal(3, 5, 17, 21), 1, "VALID")  # one pixel
    x = tf.matmul(tf.reshape(x, (3, 7)), _normal(7, 19)) + _normal(19)
    return tf.matmul(tf.reshape(x, (1, 57)), _normal(57, 16))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, to_int8: Callable[..., Path]) -> Bundle:
    """A network of all these kernels, with 200 test vectors."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("simd")
    concrete = tf.function(_network).get_concrete_function(tf.TensorSpec((1, 13, 11, 3), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    path = to_int8(converter, (13, 11, 3), folder / "m.tflite", 30)
    return write_bundle(
        path, name="net", out=folder / "net", target=find_target("host"), overwrite=False, num_vectors=200
    )


def test_the_network_has_every_kernel_and_no_portable_one(bundle: Bundle) -> None:
    kernels = {"conv_s8", "conv_add_s8", "depthwise_conv_s8", "fully_connected_s8", "add_s8"}
    assert {f"{kernel}_simd" for kernel in kernels} <= {*bundle.operators} and not kernels & {*bundle.operators}


def _passes(bundle: Bundle, out: Path, compiler: list[str], runner: tuple[str, ...] = ()) -> None:
    sources = [str(bundle.out / name) for name in ("main.c", "net.c", "weights.c")]
    program = out / "self_test"
    subprocess.run([*compiler, *WARNINGS, *sources, "-o", str(program), "-lm"], check=True)
    done = subprocess.run([*runner, str(program)], capture_output=True, text=True)
    assert done.returncode == 0 and "PASS: 200 of 200" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("compiler", ["gcc -std=c99", "clang -std=c99", "g++ -std=c++17 -x c++", "sanitizers"])
@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_set_of_instructions_gives_the_same_bytes(
    name: str, compiler: str, bundle: Bundle, tmp_path: Path
) -> None:
    flags, needed = INSTRUCTIONS[name]
    if not needed <= set(Path("/proc/cpuinfo").read_text().split()):
        pytest.skip(f"this processor has no {', '.join(needed)}")
    sanitized = "gcc -std=c99 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
    command = (sanitized if compiler == "sanitizers" else f"{compiler} -O2").split()
    _require_tools(command[0])
    _passes(bundle, tmp_path, [*command, *flags])


@pytest.mark.parametrize("name", ARM)
def test_neon_gives_the_same_bytes(name: str, bundle: Bundle, tmp_path: Path) -> None:
    tools = ("aarch64-linux-gnu-gcc", "qemu-aarch64")
    _require_tools(*tools)
    _passes(bundle, tmp_path, [tools[0], "-std=c99", "-O2", "-static", *ARM[name]], (tools[1],))


def test_nothing_is_read_that_was_not_written(bundle: Bundle, tmp_path: Path) -> None:
    _require_tools("gcc", "valgrind")
    runner = ("valgrind", "--quiet", "--error-exitcode=9")
    _passes(bundle, tmp_path, ["gcc", "-std=c99", "-O1", "-mavx2"], runner)
