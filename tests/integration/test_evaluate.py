"""Task metrics of the MLPerf Tiny models, measured with the published files themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import DataError
from edgetool.evaluate.evaluate import evaluate_artifact
from edgetool.runners.process import ProcessRunner

GOLDEN = Path(__file__).parents[1] / "golden" / "models"


def _test_split(path: Path, dtype: str | None = None) -> Split:
    with np.load(path, allow_pickle=False) as data:
        inputs = data["x_test"]
        return Split("test", (inputs if dtype is None else inputs.astype(dtype),), data["y_test"])


@pytest.mark.slow
def test_resnet8_in_both_types_and_what_quantisation_changed(shared_models: Path, shared_data: Path) -> None:
    split, runner = _test_split(shared_data / "cifar10.npz", "float32"), ProcessRunner()
    reference, outputs = evaluate_artifact(
        shared_models / "resnet8_cifar10_float32.tflite", split, metric="accuracy", runner=runner
    )
    record, _ = evaluate_artifact(
        shared_models / "resnet8_cifar10_int8.tflite",
        split,
        metric="accuracy",
        runner=runner,
        reference_outputs=outputs,
    )
    # The figures of the models' own page: 87.3 and 87.2 % of 825 images.
    assert reference.num_samples == record.num_samples == 825
    assert round(reference.value, 3) == 0.873
    assert round(record.value, 3) == 0.872
    assert reference.standard_error == pytest.approx(0.0116, abs=1e-4)
    assert (len(record.per_class), record.runtime) == (10, "litert")
    paired = record.paired
    assert paired is not None
    assert round(825 * record.value) - round(825 * reference.value) == paired.num_fixed - paired.num_broken
    assert paired.num_changed >= paired.num_fixed + paired.num_broken > 0
    assert paired.mcnemar_p > 0.5


@pytest.mark.slow
def test_keyword_spotting_on_data_that_is_quantised_already(shared_models: Path, shared_data: Path) -> None:
    split = _test_split(shared_data / "mlperf_kws01.npz")
    assert split.inputs[0].dtype == np.int8
    record, _ = evaluate_artifact(
        shared_models / "dscnn_kws_int8.tflite", split, metric="accuracy", runner=ProcessRunner()
    )
    assert (record.num_samples, round(record.value, 4)) == (800, 0.8975)


@pytest.mark.slow
def test_the_autoencoder_is_scored_by_what_it_gives_back(shared_models: Path) -> None:
    inputs = np.random.default_rng(0).normal(0.0, 10.0, (64, 640)).astype(np.float32)
    record, outputs = evaluate_artifact(
        shared_models / "autoencoder_toycar_float32.tflite",
        Split("test", (inputs,)),
        metric="mse",
        runner=ProcessRunner(),
    )
    assert record.value == pytest.approx(float(((outputs[0] - inputs) ** 2).mean()), rel=1e-5)
    assert record.per_class == ()


def test_a_model_that_gives_nan_has_no_accuracy(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("Log", ["x"], ["y"])
    shape = ["N", 3]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    path = tmp_path / "log.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    inputs = np.array([[1.0, 2.0, 3.0], [1.0, -1.0, 2.0]], np.float32)
    with pytest.raises(DataError, match="1 of 2 samples, first sample 1"):
        evaluate_artifact(path, Split("val", (inputs,), np.array([2, 2])), metric="accuracy", runner=ProcessRunner())
