"""Bundles as firmware of emulated Cortex-M cores. Skips loudly where compiler or emulator are missing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import string
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.boards.firmware import (
    SOURCES,
    FirmwareRun,
    board_folder,
    emulator_command,
    linker_memory,
    missing_packages,
    run_firmware,
)
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.errors import InterpreterCrashError
from edgetool.runners import open_board, open_runner
from edgetool.runners.base import RunPlan
from edgetool.targets import find_target

TINY = Path(__file__).parents[1] / "golden" / "models" / "tiny_int8.tflite"
CORES = ("cortex-m3-qemu", "cortex-m4-qemu", "cortex-m7-qemu", "cortex-m55-qemu")

#: TFLM with CMSIS-NN, the better of two optimisation levels: instructions on Cortex-M4 and M55, RAM on M4.
TFLM = {
    "resnet8_cifar10_int8": (29_877_200, 4_812_968, 55_552),
    "dscnn_kws_int8": (7_699_720, 1_787_218, 23_376),
    "autoencoder_toycar_int8": (582_280, 149_937, 2_852),
}


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    missing = missing_packages(find_target("cortex-m4-qemu")).values()
    if missing:
        reason = f"no Arm compiler or emulator: apt install {' '.join(missing)}"
        if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            pytest.fail(reason)
        pytest.skip(reason)


def run(model: Path, core: str, out: Path) -> FirmwareRun:
    target = find_target(core)
    write_bundle(model, name="net", out=out, target=target, overwrite=False, num_vectors=20)
    return run_firmware(out, "net", lower_file(model), target)


@pytest.mark.parametrize("core", ["cortex-m4-qemu", "cortex-m55-qemu"])
def test_a_board_is_a_runner_as_a_process_is(core: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype(np.float32)
    with contextlib.closing(open_board(find_target(core)).open(TINY, RunPlan())) as session:
        (outputs,) = session.outputs((x,), batch_size=3)
        (count,) = session.time(1)
    with contextlib.closing(open_runner().open(TINY, RunPlan(kernels="reference"))) as session:
        (expected,) = session.outputs((x,))
    assert np.array_equal(outputs, expected)
    assert 0 < count < 100_000


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", ["tiny_int8", *TFLM])
def test_every_byte_is_that_of_the_reference_kernels(
    core: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = TINY if name == "tiny_int8" else request.getfixturevalue("shared_models") / f"{name}.tflite"
    found = run(model, core, tmp_path / "b")
    assert found.num_failed == 0 and found.arena_is_whole
    assert check_bundle(model, tmp_path / "b", num_samples=50).num_different == 0, "the same code on this machine"


def write_odd_network(path: Path, to_int8: Callable[..., Path]) -> Path:
    """Sizes at which the cores' kernels end early: channels that are no multiple, sums of more than 512 weights."""
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    inputs = layers.Input((9, 7, 12), batch_size=1)
    x = layers.Conv2D(18, 5, padding="same", activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Conv2D(20, 1, activation=tf.nn.relu6)(x)
    x = layers.DepthwiseConv2D((5, 3), 2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    y = layers.Conv2D(65, 3, padding="same")(x)
    x = layers.Add()([y, layers.Conv2D(65, 1)(x)])
    x = layers.Add()([layers.Conv2D(65, 3, padding="same")(x), x])  # 585 weights
    x = layers.Conv2D(64, (2, 3), (3, 2), activation="relu")(x)
    y = layers.Flatten()(layers.Conv2D(11, 3, padding="same", dilation_rate=2)(x))
    y = layers.Dense(19)(layers.Dense(601, activation="relu")(y))
    model = tf_keras.Model(inputs, layers.Add()([y, layers.Dense(19)(layers.Flatten()(x))]))
    return to_int8(tf.lite.TFLiteConverter.from_keras_model(model), (9, 7, 12), path)


@pytest.mark.slow
@pytest.mark.parametrize(("core", "suffix"), [("cortex-m4-qemu", "_dsp"), ("cortex-m55-qemu", "_mve")])
def test_odd_sizes_on_the_cores_own_kernels(
    core: str, suffix: str, tmp_path: Path, to_int8: Callable[..., Path]
) -> None:
    model = write_odd_network(tmp_path / "odd.tflite", to_int8)
    target = find_target(core)
    made = write_bundle(model, name="net", out=tmp_path / "b", target=target, overwrite=False, num_vectors=20)
    assert {f"conv_s8{suffix}", f"conv_add_s8{suffix}", f"fully_connected_s8{suffix}"} <= set(made.operators)
    assert any(kernel.startswith("depthwise_rows") for kernel in made.operators)
    assert check_bundle(model, made.out, num_samples=50).num_different == 0, "the same code on this machine"
    for optimize in ("size", "balanced", "speed"):
        found = run_firmware(made.out, "net", lower_file(model), target, optimize=optimize)
        assert found.num_failed == 0 and found.arena_is_whole, optimize


@pytest.mark.parametrize("core", ["cortex-m4-qemu", "cortex-m55-qemu"])
@pytest.mark.parametrize("flags", ["-O0", "-Og", "-Os -fno-omit-frame-pointer", "-O3 -fPIC"])
def test_kernels_of_all_registers_compile(core: str, flags: str, shared_models: Path, tmp_path: Path) -> None:
    """Loops that take every register: compilers must find them whatever else a project asks for."""
    target = find_target(core)
    assert target.toolchain is not None
    for name in TFLM:
        model = shared_models / f"{name}.tflite"
        bundle = write_bundle(model, name="net", out=tmp_path / name, target=target, overwrite=False).out
        compilers = [["arm-none-eabi-gcc", *target.toolchain.flags]]
        if shutil.which("clang"):
            root = subprocess.run(["arm-none-eabi-gcc", "-print-sysroot"], capture_output=True, text=True, check=True)
            include = ["-isystem", f"{root.stdout.strip()}/include", "-isystem", "/usr/lib/arm-none-eabi/include"]
            compilers.append(["clang", "--target=arm-none-eabi", *target.toolchain.flags, *include])
        for compiler in compilers:
            kept = [flag for flag in compiler if not (compiler[0] == "clang" and flag == "-mfpu=auto")]
            subprocess.run(
                [*kept, *flags.split(), "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-c", "net.c"],
                check=True,
                cwd=bundle,
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", TFLM)
def test_less_is_needed_than_by_an_interpreter(name: str, shared_models: Path, tmp_path: Path) -> None:
    on_m4, on_m55, ram = TFLM[name]
    small = run(shared_models / f"{name}.tflite", "cortex-m4-qemu", tmp_path / "m4")
    large = run(shared_models / f"{name}.tflite", "cortex-m55-qemu", tmp_path / "m55")
    assert small.num_instructions <= 0.6 * on_m4 and small.ram_bytes <= 0.61 * ram
    assert large.num_instructions <= 0.72 * on_m55


#: main.c behind edgetool's start-up code, with newlib's printf to QEMU's semihosting.
SELF_TEST = """
#include "firmware.h"
int main(void);
void firmware_tick(void) {}
int firmware_main(void) { return main(); }
int _write(int file, const char *text, int size) {
  (void)file;
  for (int i = 0; i < size; ++i) {
    const char letter[2] = {text[i], 0};
    firmware_print(letter);
  }
  return size;
}
void *_sbrk(int size) {
  static char heap[4096];
  static int used;
  used += size;
  return heap + used - size;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_the_self_test_tells_cycles_on_the_core(core: str, tmp_path: Path) -> None:
    """QEMU's DWT reads zero, so that the figure is that of SysTick."""
    target = find_target(core)
    assert target.qemu is not None and target.toolchain is not None
    board = board_folder(target)
    bundle = write_bundle(TINY, name="net", out=tmp_path / "b", target=target, overwrite=False).out
    (tmp_path / "glue.c").write_text(SELF_TEST)
    (tmp_path / "link.ld").write_text(
        string.Template((board / "link.ld").read_text()).substitute(linker_memory(target, target.toolchain))
    )
    command = [
        "arm-none-eabi-gcc",
        *target.toolchain.flags,
        "-std=c99",
        "-O3",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-nostartfiles",
        "--specs=nano.specs",
        "--specs=nosys.specs",
        f"-I{bundle}",
        f"-I{SOURCES}",
        "-T",
        "link.ld",
        str(board / "startup.c"),
        "glue.c",
        *(str(bundle / name) for name in ("main.c", "net.c", "weights.c")),
        "-Wl,--no-warnings",
        "-o",
        "self_test.elf",
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    emulator = emulator_command(target.qemu, Path("self_test.elf"))
    done = subprocess.run(emulator, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0 and "PASS: 4 of 4 test vectors bit for bit" in done.stderr, done.stderr
    said = re.search(r"^cycles of a run: ([1-9][0-9]*) \(SysTick\)$", done.stderr, re.MULTILINE)
    assert said is not None, done.stderr
    counted = run_firmware(bundle, "net", lower_file(TINY), target).num_instructions
    ticks = counted * target.qemu.timer_hz / 1e9  # an instruction is a nanosecond
    assert abs(int(said[1]) - ticks) <= 0.1 * ticks + 3


@pytest.mark.slow
def test_counts_can_be_repeated(tmp_path: Path) -> None:
    first, again = (run(TINY, "cortex-m4-qemu", tmp_path / name) for name in "ab")
    assert first == again and first.num_instructions > 0


def test_firmware_that_dies_is_an_error(tmp_path: Path) -> None:
    target = find_target("cortex-m4-qemu")
    write_bundle(TINY, name="net", out=tmp_path / "b", target=target, overwrite=False)
    source = tmp_path / "b" / "net.c"
    source.write_text(source.read_text().replace("void net_run(void) {", "void net_run(void) {\n  __builtin_trap();"))
    with pytest.raises(InterpreterCrashError, match="FAULT"):
        run_firmware(tmp_path / "b", "net", lower_file(TINY), target)


def test_the_command_builds_runs_and_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgetool.cli.main", "embed", str(TINY), "--runtime", "c", "--run"]
    done = subprocess.run(
        [*command, "--target", "cortex-m4-qemu", "-o", str(tmp_path / "b")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "instructions an inference" in done.stdout, done.stderr
    refused = subprocess.run([*command, "-o", str(tmp_path / "c")], capture_output=True, text=True)
    assert refused.returncode == 22 and not (tmp_path / "c").exists()


def test_floats_work_without_a_unit_for_them_and_that_is_said(tmp_path: Path) -> None:
    model = TINY.with_name("tiny_float32.tflite")
    command = [sys.executable, "-m", "edgetool.cli.main", "embed", str(model), "--runtime", "c", "--run", "--json"]
    done = subprocess.run(
        [*command, "--target", "cortex-m3-qemu", "-o", str(tmp_path / "b")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "warning: 3 of 3 operators compute in float32" in done.stderr, done.stderr
    made = json.loads(done.stdout)
    assert made["firmware"]["num_failed"] == 0 and made["firmware"]["num_instructions"] > 0
    (said,) = made["bundle"]["warnings"]
    assert "cortex-m3-qemu has no floating-point unit" in said
    assert tomllib.loads((tmp_path / "b" / "bundle.toml").read_text())["warnings"] == [said]
    with_unit = subprocess.run(
        [*command, "--target", "cortex-m4-qemu", "-o", str(tmp_path / "c")], capture_output=True, text=True
    )
    assert with_unit.returncode == 0 and "warning" not in with_unit.stderr
    assert "warnings" not in (tmp_path / "c" / "bundle.toml").read_text()
