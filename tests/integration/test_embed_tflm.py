"""Bundles for TFLite Micro, compiled against declarations of the part of its API that they use, and run.

The declarations are the test's own: no package of the test environment has TFLM's headers. Where the Python package
`tflite-micro` is installed, TFLM itself runs the models in the arena that the bundle states.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.bundles.tflm_bundle import TflmBundle, write_tflm_bundle
from edgetool.embed.bundles.tflm_operators import known_operators
from edgetool.errors import EdgetoolError, InternalError
from edgetool.ir.summary import read_signature
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
TINY = GOLDEN / "tiny_int8.tflite"

pytestmark = pytest.mark.slow

INTERPRETER = """
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include "tensorflow/lite/schema/schema_generated.h"
namespace tflite {
OPEN
enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
union TfLitePtrUnion { float *f; void *data; };
struct TfLiteTensor { int type; TfLitePtrUnion data; size_t bytes; };
class MicroOpResolver { public: virtual bool complete() const = 0; };
class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena, size_t size)
      : resolver_(&resolver), arena_(arena), size_(size) { (void)model; }
  TfLiteStatus AllocateTensors() {
    if (!resolver_->complete() || size_ < ARENA_NEEDED || reinterpret_cast<uintptr_t>(arena_) % 16 != 0) {
      return kTfLiteError;
    }
    input_.data.data = arena_; input_.bytes = INPUT_BYTES;
    output_.data.data = arena_ + INPUT_BYTES; output_.bytes = OUTPUT_BYTES;
    return kTfLiteOk;
  }
  TfLiteStatus Invoke() {
    std::memset(output_.data.data, 0, OUTPUT_BYTES);
    std::memcpy(output_.data.data, input_.data.data, 1);
    return INVOKE;
  }
  TfLiteTensor *input(size_t index) { return index == 0 ? &input_ : nullptr; }
  TfLiteTensor *output(size_t index) { return index == 0 ? &output_ : nullptr; }
  size_t inputs_size() const { return 1; }
  size_t outputs_size() const { return 1; }
  size_t arena_used_bytes() const { return ARENA_NEEDED; }
 private:
  const MicroOpResolver *resolver_; uint8_t *arena_; size_t size_; TfLiteTensor input_ = {}, output_ = {};
};
CLOSE
}
"""

RESOLVER = """
#pragma once
#include "tensorflow/lite/micro/micro_interpreter.h"
namespace tflite {
OPEN
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
  static_assert(tOpCount == NUM_OPERATORS, "a resolver of another size than the model needs");
 public:
  METHODS
  bool complete() const override { return count_ == tOpCount; }
 private:
  TfLiteStatus Add() { return count_++ < tOpCount ? kTfLiteOk : kTfLiteError; }
  unsigned int count_ = 0;
};
CLOSE
}
"""

SCHEMA = """
#pragma once
namespace tflite {
struct Model { unsigned int version() const { return 3; } };
inline const Model *GetModel(const void *content) {
  static const Model model = {};
  return static_cast<const char *>(content)[4] == 'T' ? &model : nullptr;
}
}
"""

#: An application in C, to prove that the header is C too.
APPLICATION = """
#include <stdio.h>
#include "net_tflm.h"
int main(void) {
  if (net_invoke() != NET_ERROR_STATE || net_input0() != NULL || net_arena_used_bytes() != 0) return 10;
  int status = net_init();
  if (status != NET_OK) { printf("%s\\n", net_error(status)); return status; }
  if (net_init() != NET_OK) return 11;
  net_input0()[0] = 42;
  status = net_invoke();
  if (status != NET_OK) { printf("%s\\n", net_error(status)); return status; }
  printf("%d of %u\\n", (int)net_output0()[0], (unsigned)net_arena_used_bytes());
  return 0;
}
"""

WARNINGS = ["-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]


def tree(folder: Path, namespace: str = "") -> Path:
    """Write a tree as that of TFLM, its classes in `tflite` or in a namespace of it."""
    methods = "\n  ".join(f"TfLiteStatus {method}() {{ return Add(); }}" for method, _ in known_operators().values())
    opened, closed = (f"namespace {namespace} {{", "}") if namespace else ("", "")
    files = {
        "lite/micro/micro_interpreter.h": INTERPRETER,
        "lite/schema/schema_generated.h": SCHEMA,
        "lite/micro/micro_mutable_op_resolver.h": RESOLVER.replace("METHODS", methods),
        "lite/micro/one.cc": "",
        "lite/micro/one_test.cc": "#error a test is no part of the library\n",
    }
    for name, text in files.items():
        path = folder / "tensorflow" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("OPEN", opened).replace("CLOSE", closed))
    return folder


def write(tmp_path: Path, model: Path = TINY) -> TflmBundle:
    return write_tflm_bundle(model, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)


def settings(made: TflmBundle, *, needed: int = 2000, invoke: str = "kTfLiteOk", more_inputs: int = 0) -> list[str]:
    """Return what the declarations are told of the model `tiny_int8`."""
    signature = read_signature(TINY)
    inputs, outputs = (math.prod(spec.shape[1:]) for spec in (signature.inputs[0], signature.outputs[0]))
    return [
        f"-DNUM_OPERATORS={len(made.methods)}",
        f"-DARENA_NEEDED={needed}u",
        f"-DINPUT_BYTES={inputs + more_inputs}u",
        f"-DOUTPUT_BYTES={outputs}u",
        f"-DINVOKE={invoke}",
    ]


def run(made: TflmBundle, flags: list[str], compilers: tuple[str, str] = ("gcc", "g++")) -> tuple[int, str]:
    """Compile the application in C and the glue in C++; return the exit code and what it printed."""
    folder = made.out.parent
    (folder / "app.c").write_text(APPLICATION)
    include = [f"-I{made.out}", "-isystem", str(folder / "tflm")]
    subprocess.run(
        [compilers[0], "-std=c99", *WARNINGS, *include, "-c", "app.c", "-o", "app.o"], check=True, cwd=folder
    )
    cpp = [compilers[1], "-std=c++17", "-fno-exceptions", "-fno-rtti", *WARNINGS, *include, *flags]
    subprocess.run([*cpp, "b/net.cc", "b/net_tflm.cc", "app.o", "-o", "app"], check=True, cwd=folder)
    done = subprocess.run([str(folder / "app")], capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("namespace", ["", "micro"])
@pytest.mark.parametrize("compilers", [("gcc", "g++"), ("clang", "clang++")])
def test_the_glue_compiles_and_runs(compilers: tuple[str, str], namespace: str, tmp_path: Path) -> None:
    if shutil.which(compilers[1]) is None:
        pytest.skip(f"{compilers[1]} is not installed: apt-get install clang")
    tree(tmp_path / "tflm", namespace)
    made = write(tmp_path)
    assert run(made, settings(made), compilers) == (0, "42 of 2000\n")


def test_every_failure_has_its_code(tmp_path: Path) -> None:
    tree(tmp_path / "tflm", "micro")
    made = write(tmp_path)
    assert run(made, settings(made, needed=made.arena_bytes)) == (0, f"42 of {made.arena_bytes}\n")
    assert run(made, settings(made, needed=made.arena_bytes + 1)) == (3, "arena too small\n")
    assert run(made, [*settings(made), "-DNET_ARENA_BYTES=1984"]) == (3, "arena too small\n")
    assert run(made, settings(made, more_inputs=1)) == (4, "other inputs or outputs\n")
    assert run(made, settings(made, invoke="kTfLiteError")) == (5, "kernel failed\n")


def test_a_resolver_of_another_size_does_not_compile(tmp_path: Path) -> None:
    tree(tmp_path / "tflm")
    made = write(tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        run(made, ["-DNUM_OPERATORS=5", *settings(made)[1:]])


def test_cmake_takes_a_tree(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed: apt-get install cmake")
    made = write(tmp_path)
    command = ["cmake", "-S", str(made.out), "-B", str(tmp_path / "build")]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0 and "create_tflm_tree.py" in refused.stderr
    tree(tmp_path / "tflm")
    flags = f"-DCMAKE_CXX_FLAGS={' '.join(settings(made))}"
    subprocess.run([*command, f"-DTFLM_DIR={tmp_path / 'tflm'}", flags], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True, capture_output=True)
    done = subprocess.run([str(tmp_path / "build" / "net_run")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"arena: 2000 of {made.arena_bytes} bytes used\n")


@pytest.mark.parametrize(
    "name",
    [
        "tiny_int8",
        "tiny_float32",
        "resnet8_cifar10_int8",
        "dscnn_kws_int8",
        "autoencoder_toycar_int8",
        "autoencoder_toycar_float32",
        "resnet8_cifar10_float32",
    ],
)
def test_tflm_runs_the_model_in_that_arena(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    runtime = pytest.importorskip("tflite_micro", reason="pip install tflite-micro").runtime
    folder = GOLDEN if name.startswith("tiny") else request.getfixturevalue("shared_models")
    model = folder / f"{name}.tflite"
    made = write(tmp_path, model)
    interpreter = runtime.Interpreter.from_file(str(model), arena_size=made.arena_bytes)
    details = interpreter.get_input_details(0)
    values = np.random.default_rng(0).normal(0.0, 30.0, details["shape"]).astype(details["dtype"])
    interpreter.set_input(values, 0)
    interpreter.invoke()
    with ProcessRunner().open(model, RunPlan(kernels="reference")) as session:
        (expected,) = session.outputs((values,), batch_size=1)
    found = np.asarray(interpreter.get_output(0), np.float64)
    if found.dtype != expected.dtype and "int8" in name:
        spec = read_signature(model).outputs[0]
        found = (found - spec.zero_point[0]) * spec.scale[0]
        assert np.abs(found - expected).max() <= 2.5 * spec.scale[0]  # TFLM rounds fully connected layers twice
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_commands(tmp_path: Path) -> None:
    def edgetool(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "edgetool.cli.main", *arguments], capture_output=True, text=True)

    out = str(tmp_path / "b")
    made = edgetool("embed", str(TINY), "--runtime", "tflm", "--name", "net", "-o", out)
    assert made.returncode == 0 and "resolver of 4 operators" in made.stdout, made.stderr
    assert edgetool("embed", str(TINY), "--runtime", "tflm", "-o", out).returncode == 30
    onnx = edgetool("embed", str(GOLDEN / "tiny.onnx"), "--runtime", "tflm", "-o", str(tmp_path / "c"))
    assert onnx.returncode == 11 and "edgetool export" in onnx.stderr and not (tmp_path / "c").exists()
    name = edgetool("embed", str(TINY), "--runtime", "tflm", "--name", "2nd", "-o", str(tmp_path / "c"))
    assert name.returncode == 2 and "--name model_2nd" in name.stderr
    unknown = edgetool("embed", str(TINY), "--runtime", "tlfm", "-o", str(tmp_path / "c"))
    assert unknown.returncode == 2 and "tflm" in unknown.stderr
    run = edgetool("embed", str(TINY), "--runtime", "tflm", "--run", "-o", str(tmp_path / "c"))
    assert run.returncode == 2 and "--runtime c" in run.stderr and not (tmp_path / "c").exists()
    verified = edgetool("verify", str(TINY), out)
    assert verified.returncode == 2 and "--runtime tflm" in verified.stderr


def test_damaged_files_give_errors(tmp_path: Path, make_mutants: object) -> None:
    assert callable(make_mutants)
    refused = 0
    for index, path in enumerate(make_mutants([TINY], tmp_path, range(150))):
        out = tmp_path / f"out{index}"
        try:
            write_tflm_bundle(path, name="net", out=out, target=find_target("host"), overwrite=False)
        except EdgetoolError as exc:
            assert not isinstance(exc, InternalError) and exc.next_step and not out.exists(), path.name
            refused += 1
    assert refused > 40
