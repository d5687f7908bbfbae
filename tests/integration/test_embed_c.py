"""C without an interpreter, compiled here: bit for bit LiteRT's reference kernels, sanitizers, the commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle, run_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import random_inputs, reference_vectors
from edgetool.targets import find_target
from edgetool.verify.inputs import VerifyInputs, data_inputs

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
TINY = GOLDEN / "tiny_int8.tflite"

pytestmark = pytest.mark.slow

#: Target -> how the names of its own kernels end.
SUFFIXES = {"host": "_simd", "cortex-m4-qemu": "_dsp", "cortex-m55-qemu": "_mve"}

SANITIZED = ("-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

#: Model of MLPerf Tiny -> bytes of arena that TFLM takes for it (its own report), which this must stay well below.
PUBLISHED = {"resnet8_cifar10_int8": 55_000, "dscnn_kws_int8": 23_000, "autoencoder_toycar_int8": 2_800}


def write(model: Path, out: Path, *, name: str = "net") -> Path:
    return write_bundle(model, name=name, out=out, target=find_target("host"), overwrite=False).out


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_give_the_same_bytes(name: str, shared_models: Path, tmp_path: Path) -> None:
    model = shared_models / f"{name}.tflite"
    made = write_bundle(model, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)
    assert made.arena_bytes == made.lower_bound_bytes < 0.8 * PUBLISHED[name]
    found = check_bundle(model, made.out, num_samples=1000, seed=1)
    assert (found.num_samples, found.num_different) == (1000, 0)


def test_real_images_give_the_same_bytes(shared_models: Path, shared_data: Path, tmp_path: Path) -> None:
    from edgetool.data.preprocess import Preprocessing

    def images(dtypes: Sequence[str]) -> VerifyInputs:
        return data_inputs(str(shared_data / "cifar10.npz"), 300, Preprocessing(), seed=0, dtypes=dtypes)

    model = shared_models / "resnet8_cifar10_int8.tflite"
    found = check_bundle(model, write(model, tmp_path / "b"), num_samples=1, data=images)
    assert (found.num_samples, found.num_different) == (300, 0)


@pytest.mark.parametrize("name", ["tiny_int8", *PUBLISHED])
def test_sanitizers_find_nothing(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model = TINY if name == "tiny_int8" else request.getfixturevalue("shared_models") / f"{name}.tflite"
    program = lower_file(model)
    inputs = random_inputs(program, 5, seed=2)
    found = run_bundle(write(model, tmp_path / "b"), "net", program, inputs, compiler="gcc", flags=SANITIZED)
    for made, expected in zip(found, reference_vectors(model, program, inputs).outputs, strict=True):
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2])
def test_every_kernel_at_odd_sizes(padding: str, strides: int, tmp_path: Path, to_int8: Callable[..., Path]) -> None:
    """A network of every operator, quantised by the converter: odd sizes, dilation, ReLU6, a channel multiplier.

    On this machine, and on emulated cores where compiler and emulator are there.
    """
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    inputs = layers.Input((13, 11, 3), batch_size=1)
    x = layers.Conv2D(8, (3, 2), strides, padding, activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, 1, "same", depth_multiplier=2, activation=tf.nn.relu6)(x)
    x = layers.MaxPooling2D(2, 1, padding)(x)
    y = layers.Conv2D(16, 1)(x)
    x = layers.Add()([layers.Conv2D(16, 3, padding="same", dilation_rate=2)(x), y])
    x = layers.Add()([x, layers.ReLU()(layers.Conv2D(16, 1)(x))])
    x = layers.AveragePooling2D(2, 2, "same")(tf.nn.leaky_relu(x))
    x = layers.GlobalAveragePooling2D()(x) if padding == "same" else layers.Flatten()(x)
    x = layers.Dense(7, activation="tanh")(x)
    x = layers.Dense(6, activation="sigmoid")(x)
    model = tf_keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
    path = to_int8(tf.lite.TFLiteConverter.from_keras_model(model), (13, 11, 3), tmp_path / "m.tflite", 50)
    for name in ("host", "cortex-m4-qemu", "cortex-m55-qemu"):
        out = tmp_path / name
        made = write_bundle(path, name="net", out=out, target=find_target(name), overwrite=False)
        assert any(kernel.endswith(SUFFIXES[name]) for kernel in made.operators)
        assert check_bundle(path, out, num_samples=100).num_different == 0, name
        if name != "host" and not missing_packages(find_target("cortex-m4-qemu")):
            ran = run_firmware(out, "net", lower_file(path), find_target(name))
            assert ran.num_failed == 0 and ran.arena_is_whole


@pytest.mark.parametrize("target", SUFFIXES)
def test_the_bundle_builds_by_itself_as_c_and_as_cpp(target: str, tmp_path: Path) -> None:
    bundle = write_bundle(TINY, name="net", out=tmp_path / "b", target=find_target(target), overwrite=False).out
    done = subprocess.run(["make", "-C", str(bundle), "test"], capture_output=True, text=True)
    assert done.returncode == 0 and "PASS: 4 of 4 test vectors bit for bit" in done.stdout, done.stderr
    assert re.search(r"^nanoseconds of a run: [1-9][0-9]* \(the mean of [1-9][0-9]*\)$", done.stdout, re.MULTILINE)
    warnings = ["-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    compilers = [["g++", "-std=c++17", "-x", "c++"], ["clang", "-std=c99"], ["clang++", "-std=c++17", "-x", "c++"]]
    for compiler in compilers:
        if shutil.which(compiler[0]):
            sources = ["main.c", "net.c", "weights.c"]
            subprocess.run([*compiler, *warnings, *sources, "-o", "other"], check=True, cwd=bundle)
            assert subprocess.run(["./other"], cwd=bundle).returncode == 0
    if shutil.which("cppcheck"):
        kinds = "--enable=warning,portability,performance"
        command = ["cppcheck", "--quiet", kinds, "--error-exitcode=3", "net.c", "main.c"]
        subprocess.run(command, check=True, cwd=bundle)


#: Calls a model with buffers between canaries, at odd addresses, and with buffers that are exactly as large as needed.
GUARDED = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net.h"
#include "test_vectors.h"

enum { GUARD = 32, INPUT = sizeof test_input0[0], OUTPUT = sizeof test_output0[0] };
static unsigned char around_input[1 + GUARD + INPUT + GUARD], around_output[1 + GUARD + OUTPUT + GUARD];

static int is_whole(const unsigned char *around, size_t size) {
  for (size_t i = 0; i < GUARD; ++i) {
    if (around[1 + i] != 0x5A || around[1 + GUARD + size + i] != 0x5A) {
      return 0;
    }
  }
  return 1;
}

int main(void) {
  int num_wrong = 0;
  for (int i = 0; i < TEST_NUM_VECTORS; ++i) {
    memset(around_input, 0x5A, sizeof around_input);
    memset(around_output, 0x5A, sizeof around_output);
    net_input0_t *const input = (net_input0_t *)(void *)(around_input + 1 + GUARD);
    net_output0_t *const output = (net_output0_t *)(void *)(around_output + 1 + GUARD);
    memcpy(input, test_input0[i], INPUT);
    net_run(input, output);
    num_wrong += memcmp(output, test_output0[i], OUTPUT) != 0 || memcmp(input, test_input0[i], INPUT) != 0;
    num_wrong += !is_whole(around_input, INPUT) || !is_whole(around_output, OUTPUT);
    net_input0_t *const exact = (net_input0_t *)malloc(INPUT);
    net_output0_t *const made = (net_output0_t *)malloc(OUTPUT);
    memcpy(exact, test_input0[i], INPUT);
    net_run(exact, made);
    num_wrong += memcmp(made, test_output0[i], OUTPUT) != 0;
    free(exact);
    free(made);
  }
  puts(num_wrong == 0 ? "PASS" : "FAIL");
  return num_wrong;
}
"""


@pytest.mark.parametrize(
    ("name", "target"),
    [*(("tiny_int8", target) for target in SUFFIXES), *((name, "cortex-m4-qemu") for name in PUBLISHED)],
)
def test_buffers_of_the_application(name: str, target: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The same bytes, nothing written beside the outputs, inputs kept; as C and C++, with sanitizers."""
    model = TINY if name == "tiny_int8" else request.getfixturevalue("shared_models") / f"{name}.tflite"
    device = find_target(target)
    made = write_bundle(model, name="net", out=tmp_path / "b", target=device, overwrite=False, io="caller")
    inside = write_bundle(model, name="net", out=tmp_path / "a", target=device, overwrite=False)
    assert made.arena_bytes <= inside.arena_bytes and made.io_bytes > 0 == inside.io_bytes
    assert (tmp_path / "a" / "test_vectors.h").read_text() == (made.out / "test_vectors.h").read_text()
    found = check_bundle(model, made.out, num_samples=50)
    assert (found.num_samples, found.num_different) == (50, 0)
    (made.out / "guarded.c").write_text(GUARDED)
    warnings = ["-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    sanitized = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    builds = [(["gcc", "-std=c99", *sanitized], "guarded.c")]
    if name == "tiny_int8":
        compilers = [["g++", "-std=c++17", "-x", "c++"], ["clang", "-std=c99"], ["clang++", "-std=c++17", "-x", "c++"]]
        builds += [(compiler, main) for compiler in compilers for main in ("guarded.c", "main.c")]
    for compiler, main in builds:
        if shutil.which(compiler[0]):
            command = [*compiler, *warnings, main, "net.c", "weights.c", "-o", "other", "-lm"]
            subprocess.run(command, check=True, cwd=made.out)
            assert subprocess.run(["./other"], cwd=made.out).returncode == 0, (compiler, main)


def test_the_arena_is_smaller_by_buffers_that_are_outside(shared_models: Path, tmp_path: Path) -> None:
    model = shared_models / "autoencoder_toycar_int8.tflite"
    inside, outside = (
        write_bundle(model, name="net", out=tmp_path / io, target=find_target("cortex-m3-qemu"), overwrite=False, io=io)
        for io in ("arena", "caller")
    )
    assert (inside.arena_bytes, outside.arena_bytes) == (768, 256)
    assert outside.io_bytes == 2 * 640 and "net_run(input0, output0);" in (outside.out / "README.md").read_text()
    assert "net_input0()" in (inside.out / "README.md").read_text()


#: What Zephyr's build gives a module, as far as bundles use it.
ZEPHYR = """
cmake_minimum_required(VERSION 3.16)
project(app C)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
endmacro()
macro(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
  include_directories(${ARGN})
endmacro()
add_subdirectory(${MODULE}/zephyr module)
add_executable(app ${MODULE}/main.c)
target_include_directories(app PRIVATE ${MODULE})
if(CONFIG_EDGETOOL_NET)
  target_link_libraries(app net)
endif()
"""


def test_zephyr_builds_it_where_it_is_configured(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed: apt-get install cmake")
    bundle = write(TINY, tmp_path / "b")
    (tmp_path / "CMakeLists.txt").write_text(ZEPHYR)
    for configured in ("ON", "OFF"):
        build = tmp_path / configured
        flags = [f"-DMODULE={bundle}", f"-DCONFIG_EDGETOOL_NET={configured}"]
        subprocess.run(["cmake", "-S", tmp_path, "-B", build, *flags], check=True, capture_output=True)
        done = subprocess.run(["cmake", "--build", str(build)], capture_output=True, text=True)
        assert (done.returncode == 0) == (configured == "ON"), done.stderr
    assert "PASS" in subprocess.run([tmp_path / "ON" / "app"], capture_output=True, text=True, check=True).stdout


#: What Arduino's core gives a sketch, as far as the example uses it.
ARDUINO_H = """
#pragma once
#include <stdio.h>
struct Port {
  void begin(long) {}
  explicit operator bool() const { return true; }
  void print(const char *text) { fputs(text, stdout); }
  void println(const char *text) { puts(text); }
  void println(unsigned long value) { printf("%lu\\n", value); }
};
extern Port Serial;
unsigned long micros();
void setup();
void loop();
"""

ARDUINO_CORE = """
#include "Arduino.h"
Port Serial;
unsigned long micros() { static unsigned long now = 0; return now += 7; }
int main() { setup(); loop(); return 0; }
"""


@pytest.mark.parametrize("io", ["arena", "caller"])
def test_arduino_builds_the_library_and_its_example(io: str, tmp_path: Path) -> None:
    """As arduino-cli does for a flat library: every .c file of the folder, and the sketch as C++ behind Arduino.h."""
    bundle = write_bundle(TINY, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False, io=io).out
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    (tmp_path / "core.cpp").write_text(ARDUINO_CORE)
    (example,) = (bundle / "examples").rglob("*.ino")
    assert example.stem == example.parent.name, "Arduino's rule"
    (tmp_path / "sketch.cpp").write_text(f"#include <Arduino.h>\n{example.read_text()}")
    for source in sorted(bundle.glob("*.c")):
        command = ["gcc", "-std=gnu11", "-DARDUINO=10819", "-Wall", "-Wextra", "-Werror", f"-I{bundle}", "-c"]
        subprocess.run([*command, str(source)], check=True, cwd=tmp_path)
    objects = [f"{source.stem}.o" for source in sorted(bundle.glob("*.c"))]
    command = ["g++", "-std=gnu++17", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{bundle}"]
    subprocess.run([*command, "sketch.cpp", "core.cpp", *objects, "-o", "sketch"], check=True, cwd=tmp_path)
    done = subprocess.run([str(tmp_path / "sketch")], capture_output=True, text=True, check=True)
    assert done.stdout == "microseconds of a run: 7\nPASS\n"


def test_the_self_test_sees_a_wrong_byte(tmp_path: Path) -> None:
    bundle = write(TINY, tmp_path / "b")
    text = (bundle / "test_vectors.h").read_text()
    head, _, tail = text.rpartition("{\n  ")
    first, _, rest = tail.partition(",")
    (bundle / "test_vectors.h").write_text(f"{head}{{\n  {int(first) ^ 1},{rest}")
    done = subprocess.run(["make", "-C", str(bundle), "test"], capture_output=True, text=True)
    assert done.returncode != 0 and "FAIL: 3 of 4" in done.stdout


def test_commands(tmp_path: Path) -> None:
    def edgetool(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "edgetool.cli.main", *arguments], capture_output=True, text=True)

    out = str(tmp_path / "b")
    made = edgetool("embed", str(TINY), "--runtime", "c", "-o", out)
    assert made.returncode == 0 and "bytes of arena" in made.stdout, made.stderr
    assert edgetool("verify", str(TINY), out, "--samples", "20").returncode == 0
    assert edgetool("embed", str(TINY), "--runtime", "c", "-o", out).returncode == 30
    other = str(tmp_path / "other")
    options = ["--io", "caller", "--drop-softmax"]
    made = edgetool("embed", str(TINY), "--runtime", "c", *options, "-o", other)
    assert made.returncode == 0 and "of inputs and outputs, the application's" in made.stdout, made.stderr
    assert edgetool("verify", str(TINY), other, "--samples", "20").returncode == 0
    for option in (["--io", "caller"], ["--drop-softmax"]):
        refused = edgetool("embed", str(TINY), *option, "-o", str(tmp_path / "array"))
        assert refused.returncode == 2 and f"leave {option[0]} out" in refused.stderr
    source = tmp_path / "b" / "tiny_int8.c"
    source.write_text(source.read_text().replace("int32_t sum = 0;", "int32_t sum = 1000;"))
    foreign = edgetool("verify", str(TINY), out, "--samples", "20")
    assert foreign.returncode == 12 and "tiny_int8.c: other code" in foreign.stderr
    wrong = edgetool("verify", str(TINY), out, "--samples", "20", "--trust")
    assert wrong.returncode == 41 and "the same bytes" in wrong.stderr
    source.write_text("int main(void) { return no_such_thing; }\n")
    broken = edgetool("verify", str(TINY), out, "--samples", "20", "--trust")
    assert broken.returncode == 54 and "no_such_thing" in broken.stderr and "cc -std=c99" in broken.stderr
