"""Bundles for Linux: the Python example in a child, the C examples compiled and run with the real libraries, the unit.

LiteRT and onnxruntime ship their libraries in their Python packages, but not their C headers; `declarations` stands in.
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.bundles.bundle import embed_linux
from edgetool.ir.summary import read_signature
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
DECLARATIONS = Path(__file__).parent / "declarations"
WARNINGS = "-Wall -Wextra -Wconversion -Werror"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose inputs and outputs are not in the order of their names."""
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    first, second = layers.Input((5,), name="zeta"), layers.Input((3,), name="alpha")
    x = layers.Dense(4, name="z_out")(first)
    y = layers.Dense(2, name="a_out")(layers.Concatenate()([x, second]))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf_keras.Model([first, second], [x, y]))
    path = tmp_path_factory.mktemp("two") / "two.tflite"
    path.write_bytes(converter.convert())
    return path


def model_named(name: str, request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue("two_inputs")) if name == "two" else GOLDEN / name


def stored_inputs(model: Path) -> tuple[Array, ...]:
    random = np.random.default_rng(3)
    found = []
    for spec in read_signature(model).inputs:
        values = random.normal(0.0, 40.0, [max(1, size) for size in spec.shape])
        found.append(values.astype(spec.dtype))
    return tuple(found)


def expected_outputs(model: Path, inputs: tuple[Array, ...]) -> list[Array]:
    """Return what the runner of `verify` gives, as real numbers."""
    with ProcessRunner().open(model, RunPlan()) as session:
        return list(session.outputs(inputs, batch_size=1))


def as_real(values: Array, model: Path, index: int) -> Array:
    spec = read_signature(model).outputs[index]
    if values.dtype == np.int8:
        return (values.astype(np.float32) - spec.zero_point[0]) * np.float32(spec.scale[0])
    return values


def embed(model: Path, tmp_path: Path) -> Path:
    return embed_linux(model, artifact=None, name="net", out=tmp_path / "b", overwrite=False).out


def run_python(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(bundle / "run.py"), *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("name", ["tiny_int8.tflite", "tiny_float32.tflite", "tiny.onnx", "two"])
def test_the_python_example_gives_what_the_interpreter_gives(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = model_named(name, request)
    bundle, inputs = embed(model, tmp_path), stored_inputs(model)
    files = []
    for index, values in enumerate(inputs):
        files.append(str(tmp_path / f"in{index}.npy"))
        np.save(files[-1], values)
    done = run_python(bundle, *files, "--runs", "3", "--threads", "1", "--json", "--save", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["latency"]["runs"] == 3 and 0 < said["latency"]["min_ms"] <= said["latency"]["median_ms"]
    expected = expected_outputs(model, inputs)
    with np.load(tmp_path / "out" / "in0.npz") as arrays:
        assert len(arrays.files) == len(expected) == len(said["outputs"])
        for index, wanted in enumerate(expected):
            stored = arrays[f"output{index}"]
            np.testing.assert_allclose(as_real(stored, model, index), wanted, rtol=1e-6, atol=1e-6)
            assert said["outputs"][index]["values"] == stored.tolist()


def test_real_values_are_quantised_and_raw_ones_are_taken(tmp_path: Path) -> None:
    model = GOLDEN / "tiny_int8.tflite"
    bundle, (values,) = embed(model, tmp_path), stored_inputs(model)
    spec = read_signature(model).inputs[0]
    np.save(tmp_path / "real.npy", (values[0].astype(np.float32) - spec.zero_point[0]) * np.float32(spec.scale[0]))
    (tmp_path / "raw.bin").write_bytes(values.tobytes())
    for name in ("real.npy", "raw.bin"):
        assert run_python(bundle, str(tmp_path / name), "--save", str(tmp_path), "--runs", "1").returncode == 0
    with np.load(tmp_path / "real.npz") as real, np.load(tmp_path / "raw.npz") as raw:
        np.testing.assert_array_equal(real["output0"], raw["output0"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((3, 3), np.float32), "shape [3, 3]"),
        (np.zeros((1, 4, 4, 2), np.complex64), "type complex64"),
        (b"short", "5 bytes, expected 32"),
        (None, "No such file"),
    ],
)
def test_input_that_does_not_fit_is_named(content: Array | bytes | None, said: str, tmp_path: Path) -> None:
    bundle = embed(GOLDEN / "tiny_int8.tflite", tmp_path)
    path = tmp_path / ("x.bin" if isinstance(content, bytes) else "x.npy")
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    done = run_python(bundle, str(path))
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def test_the_service_takes_files_and_sets_bad_ones_aside(tmp_path: Path) -> None:
    model = GOLDEN / "tiny_int8.tflite"
    bundle, (values,) = embed(model, tmp_path), stored_inputs(model)
    spool, saved = tmp_path / "in", tmp_path / "out"
    spool.mkdir()
    (spool / "a.bin").write_bytes(b"bad")
    np.save(spool / "b.npy", values)
    np.savez(spool / "c.npz", input0=values)
    process = subprocess.Popen(
        [sys.executable, str(bundle / "run.py"), "--watch", str(spool), "--save", str(saved)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert next(lines(process)).startswith("watching")
        for _ in range(600):
            if sorted(path.name for path in spool.iterdir()) == ["a.bin.failed"]:
                break
            with pytest.raises(subprocess.TimeoutExpired):  # it must not end by itself
                process.wait(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert process.stderr is not None and "a.bin: " in process.stderr.read()
    assert sorted(path.name for path in saved.iterdir()) == ["b.npz", "c.npz"]
    with np.load(saved / "b.npz") as b, np.load(saved / "c.npz") as c:
        np.testing.assert_array_equal(b["output0"], c["output0"])
        np.testing.assert_allclose(as_real(b["output0"], model, 0), expected_outputs(model, (values,))[0], atol=1e-6)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    bundle = embed(GOLDEN / "tiny.onnx", tmp_path)
    python = bundle / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    unit = tmp_path / "net.service"
    text = (bundle / "net.service").read_text()
    assert "ExecStart=/opt/net/.venv/bin/python /opt/net/run.py --watch /var/lib/net/in" in text
    unit.write_text(text.replace("/opt/net", str(bundle)))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and "net.service" not in done.stderr, done.stderr
    unit.write_text(text.replace("RestartSec=2", "RestartSec=soon").replace("/opt/net", str(bundle)))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert "Failed to parse" in done.stderr, "the check sees what is wrong"


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def cmake_settings(bundle: Path, tmp_path: Path) -> list[str]:
    if (bundle / "litert.c").exists():
        library = package_folder("ai_edge_litert") / "libLiteRt.so"
        return [f"-DLITERT_DIR={DECLARATIONS}", f"-DLITERT_LIBRARY={library}"]
    library = next((package_folder("onnxruntime") / "capi").glob("libonnxruntime.so.*"))
    release = tmp_path / "ort"
    (release / "lib").mkdir(parents=True)
    (release / "include").symlink_to(DECLARATIONS / "include")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (release / "lib" / name).symlink_to(library)
    return [f"-DORT_DIR={release}"]


@pytest.mark.parametrize("name", ["tiny_int8.tflite", "tiny_float32.tflite", "tiny.onnx", "two"])
def test_the_c_example_gives_what_the_interpreter_gives(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed: apt-get install cmake")
    model = model_named(name, request)
    bundle, inputs = embed(model, tmp_path), stored_inputs(model)
    command = ["cmake", "-S", str(bundle), "-B", str(tmp_path / "build")]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0 and "Give -D" in refused.stderr
    flags = [f"-DCMAKE_C_FLAGS={WARNINGS}", f"-DCMAKE_CXX_FLAGS={WARNINGS}"]
    subprocess.run([*command, *flags, *cmake_settings(bundle, tmp_path)], check=True, capture_output=True)
    built = subprocess.run(["cmake", "--build", str(tmp_path / "build")], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    program, file = str(tmp_path / "build" / "net_run"), str(bundle / f"net{model.suffix}")
    for index, values in enumerate(inputs):
        (tmp_path / f"in{index}.bin").write_bytes(values.tobytes())
    files = [f"in{index}.bin" for index in range(len(inputs))]
    done = subprocess.run([program, file, *files, "--runs", "2"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "the mean of 2 runs" in done.stdout, done.stderr
    for index, wanted in enumerate(expected_outputs(model, inputs)):
        dtype = read_signature(model).outputs[index].dtype
        found = np.frombuffer((tmp_path / f"output{index}.bin").read_bytes(), dtype).reshape(wanted.shape)
        np.testing.assert_allclose(as_real(found, model, index), wanted, rtol=1e-6, atol=1e-6)
    (tmp_path / "in0.bin").write_bytes(b"12")
    short = subprocess.run([program, file, *files], cwd=tmp_path, capture_output=True, text=True)
    size = math.prod(inputs[0].shape) * inputs[0].itemsize
    assert short.returncode == 1 and f"expected a file of {size} bytes" in short.stderr
    (tmp_path / "in0.bin").write_bytes(inputs[0].tobytes())
    broken = subprocess.run(
        [program, "in0.bin", *files], cwd=tmp_path, capture_output=True, text=True, errors="replace"
    )
    assert broken.returncode == 1 and ("LiteRT:" in broken.stderr or "onnxruntime:" in broken.stderr)


def test_commands(tmp_path: Path) -> None:
    def edgetool(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "edgetool.cli.main", *arguments], capture_output=True, text=True)

    model, out = str(GOLDEN / "tiny_int8.tflite"), str(tmp_path / "b")
    made = edgetool("embed", model, "--runtime", "linux", "--name", "net", "-o", out)
    assert made.returncode == 0 and "net.tflite" in made.stdout, made.stderr
    assert edgetool("embed", model, "--runtime", "linux", "-o", out).returncode == 30
    keras = edgetool("embed", str(GOLDEN / "tiny.keras"), "--runtime", "linux", "-o", str(tmp_path / "c"))
    assert keras.returncode == 11 and "edgetool export" in keras.stderr
    assert edgetool("verify", model, out, "--samples", "5").returncode == 0
    file = tmp_path / "b" / "net.tflite"
    file.write_bytes(file.read_bytes()[:-1])
    changed = edgetool("verify", model, out, "--samples", "5")
    assert changed.returncode == 11 and "--runtime linux --overwrite" in changed.stderr
