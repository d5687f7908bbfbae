"""`verify` with real interpreters and TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.preprocess import Preprocessing
from edgetool.errors import DataError, FileFormatError, InvariantError, ParityError, UntrustedModelError
from edgetool.invariants import Sparsity
from edgetool.ir import read_graph
from edgetool.runners.process import ProcessRunner
from edgetool.verify.files import Verification, verify_files
from edgetool.verify.inputs import data_inputs
from edgetool.verify.invariants import check_exported, require_passed

GOLDEN = Path(__file__).parents[1] / "golden" / "models"


def _verify(reference: Path, candidate: Path, **options: Any) -> Verification:
    return verify_files(reference, candidate, runner=ProcessRunner(), **options)


def _on_cifar(folder: Path, num_samples: int = 128) -> Any:
    return lambda dtypes: data_inputs(str(folder / "cifar10.npz"), num_samples, Preprocessing(), seed=0, dtypes=dtypes)


def test_int8_against_float_on_noise_within_the_quantised_range() -> None:
    found = _verify(GOLDEN / "tiny_float32.tflite", GOLDEN / "tiny_int8.tflite", num_samples=64)
    assert found.parity.kind == "quantized"
    assert found.parity.passed, found.parity.reason
    assert "within" in found.inputs
    assert found.parity.max_abs_error > 0.0


def test_a_file_agrees_with_itself_bit_for_bit() -> None:
    found = _verify(GOLDEN / "tiny.onnx", GOLDEN / "tiny.onnx", num_samples=16)
    assert found.parity.passed
    assert (found.parity.max_abs_error, found.parity.sqnr_db) == (0.0, (200.0,))


def test_other_models_are_told_apart() -> None:
    with pytest.raises(ParityError, match="not the same model"):
        _verify(GOLDEN / "tiny_float32.tflite", GOLDEN / "tiny.onnx")


@pytest.mark.slow
def test_a_changed_weight_breaks_parity_of_the_whole_command(tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(GOLDEN / "tiny.onnx")
    weight = next(w for w in model.graph.initializer if len(w.dims) == 2)
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.05), weight.name))
    broken = tmp_path / "broken.onnx"
    onnx.save(model, broken)
    command = [sys.executable, "-m", "edgetool.cli.main", "verify", str(GOLDEN / "tiny.onnx")]
    same = subprocess.run([*command, str(GOLDEN / "tiny.onnx")], capture_output=True, text=True, timeout=120)
    assert same.returncode == 0, same.stderr
    assert "agree" in same.stdout
    other = subprocess.run([*command, str(broken), "--json"], capture_output=True, text=True, timeout=120)
    assert other.returncode == 41, other.stderr
    parity = json.loads(other.stdout)["parity"]
    assert not parity["passed"]
    assert f"output 0, sample {parity['worst_sample']}" in other.stderr
    assert "Traceback" not in other.stderr


@pytest.mark.slow
def test_resnet8_keras_against_its_published_files(shared_models: Path, shared_data: Path) -> None:
    source, data = shared_models / "resnet8_cifar10.h5", _on_cifar(shared_data)
    exported = _verify(source, shared_models / "resnet8_cifar10_float32.tflite", data=data).parity
    assert exported.passed and exported.kind == "float"
    assert exported.max_abs_error < 1e-5
    quantized = _verify(
        shared_models / "resnet8_cifar10_float32.tflite", shared_models / "resnet8_cifar10_int8.tflite", data=data
    )
    assert quantized.parity.passed and quantized.parity.kind == "quantized"
    assert quantized.parity.sqnr_db[0] > 18.0
    assert quantized.parity.top1_agreement is not None and quantized.parity.top1_agreement > 0.94
    assert quantized.parity.split == "val"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet8_cifar10", "dscnn_kws", "autoencoder_toycar"])
def test_published_int8_files_pass_on_noise(shared_models: Path, name: str) -> None:
    found = _verify(shared_models / f"{name}_float32.tflite", shared_models / f"{name}_int8.tflite")
    assert found.parity.passed, found.parity.reason


@pytest.mark.slow
def test_missing_normalisation_and_swapped_colours_are_caught(shared_models: Path, shared_data: Path) -> None:
    from edgetool.runners.base import RunPlan
    from edgetool.verify.parity import compare_outputs

    images = _on_cifar(shared_data)(["float32"]).split.inputs[0]

    def run(name: str, given: np.ndarray) -> tuple[np.ndarray, ...]:
        with ProcessRunner().open(shared_models / name, RunPlan()) as session:
            return session.outputs((given,))

    trusted = run("resnet8_cifar10_float32.tflite", images)
    options: dict[str, Any] = {
        "reference_name": "a",
        "artifact_name": "b",
        "kind": "quantized",
        "split": "val",
        "classes": True,
    }
    assert compare_outputs(trusted, run("resnet8_cifar10_int8.tflite", images), **options).passed
    for broken in (images / 255.0, images[..., ::-1], images.transpose(0, 2, 1, 3), images - 128.0):
        found = run("resnet8_cifar10_int8.tflite", np.ascontiguousarray(broken, np.float32))
        assert not compare_outputs(trusted, found, **options).passed


@pytest.mark.slow
def test_keras_models_that_carry_code_are_refused_unless_trusted(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Lambda(lambda x: x * 2.0)(inputs)))
    path = tmp_path / "code.keras"
    model.save(path)
    with pytest.raises(UntrustedModelError):
        _verify(path, GOLDEN / "tiny.onnx")


def test_data_without_a_split_to_compare_on(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x_test=np.zeros((4, 6), np.float32), y_test=np.zeros(4, np.int64))
    with pytest.raises(DataError, match="only a test split"):
        _verify(
            GOLDEN / "tiny.onnx",
            GOLDEN / "tiny.onnx",
            data=lambda dtypes: data_inputs(str(path), 4, Preprocessing(), seed=0, dtypes=dtypes),
        )


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_text("no model at all")
    with pytest.raises(FileFormatError):
        _verify(GOLDEN / "tiny_float32.tflite", path)


def test_invariants_are_checked_on_stored_tensors(tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(GOLDEN / "tiny.onnx")
    weight = next(w for w in model.graph.initializer if len(w.dims) == 2)
    values = numpy_helper.to_array(weight).copy()
    sound = check_exported(GOLDEN / "tiny.onnx", (), {})
    assert sound and all(record.passed for record in sound)
    values[:] = 0.0
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    path = tmp_path / "dead.onnx"
    onnx.save(model, path)
    records = check_exported(path, (Sparsity("dense", 0.5, values.shape),), {"dense": weight.name})
    assert [record.passed for record in records if record.kind == "sparsity"] == [True]
    with pytest.raises(InvariantError, match="'dense': only zeros"):
        require_passed(records, "dead.onnx")
    assert read_graph(path).format == "onnx"
