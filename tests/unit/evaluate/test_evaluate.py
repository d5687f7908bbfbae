"""Records from outputs, and artefacts through a runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import DataError
from edgetool.evaluate.evaluate import evaluate_artifact, evaluate_outputs
from edgetool.records import EvaluationRecord, Machine
from edgetool.schema import parse, to_builtins


class FakeSession:
    runtime = "litert"

    def __init__(self) -> None:
        self.closed = False

    def outputs(self, inputs: tuple[np.ndarray, ...], *, batch_size: int = 64) -> tuple[np.ndarray, ...]:
        if not np.isfinite(inputs[0]).all():
            raise DataError("x", found="NaN", expected="numbers", next_step="none")
        return (inputs[0] * 2.0,)

    def close(self) -> None:
        self.closed = True


class FakeRunner:
    name = "fake"

    def __init__(self) -> None:
        self.session = FakeSession()

    def open(self, path: Path, plan: Any) -> FakeSession:
        return self.session

    def probe(self) -> Machine:
        return Machine("Linux", "A CPU", 1, (), 1, "", "3.11", {})


def test_a_record_of_accuracy_with_its_comparison() -> None:
    split = Split("test", (np.zeros((4, 2)),), np.array([0, 1, 1, 0]))
    outputs = (np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.7, 0.3]]),)
    reference = (np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.7, 0.3]]),)
    record = evaluate_outputs(
        outputs, split, metric="accuracy", runtime="litert", class_names=("no", "yes"), reference_outputs=reference
    )
    assert (record.value, record.num_samples, record.per_class) == (0.75, 4, (1.0, 0.5))
    assert record.paired is not None
    assert (record.paired.num_broken, record.paired.reference) == (1, "source")
    assert parse(EvaluationRecord, to_builtins(record), source="x", error=DataError) == record


def test_a_class_without_samples_is_minus_one_so_that_json_can_hold_it() -> None:
    split = Split("val", (np.zeros((2, 1)),), np.array([0, 1]))
    record = evaluate_outputs((np.eye(3)[:2],), split, metric="accuracy", runtime="litert")
    assert record.per_class == (1.0, 1.0, -1.0)


def test_without_labels_the_input_is_the_target() -> None:
    inputs = np.arange(6.0).reshape(3, 2)
    record = evaluate_outputs((inputs + 1.0,), Split("test", (inputs,)), metric="mse", runtime="onnxruntime")
    assert record.value == pytest.approx(1.0)
    labelled = Split("test", (inputs,), np.array([0, 1, 0]))
    assert evaluate_outputs(
        (inputs + 2.0,), labelled, metric="mse", runtime="x", task="reconstruction"
    ).value == pytest.approx(4.0)
    with pytest.raises(DataError, match="no labels"):
        evaluate_outputs((inputs,), Split("test", (inputs,)), metric="accuracy", runtime="x")


def test_both_models_answer_by_the_reference_threshold() -> None:
    # The source gives logits; the artefact's outputs all happen to lie in 0..1.
    split = Split("test", (np.zeros((3, 1)),), np.array([1, 1, 0]))
    reference = (np.array([[0.3], [2.0], [-1.0]]),)
    outputs = (np.array([[0.3], [1.0], [0.0]]),)
    record = evaluate_outputs(outputs, split, metric="accuracy", runtime="x", reference_outputs=reference)
    assert record.value == 1.0
    assert record.paired is not None and record.paired.num_changed == 0


def test_nan_outputs_and_no_outputs_are_errors() -> None:
    split = Split("test", (np.zeros((2, 1)),), np.array([0, 1]))
    with pytest.raises(DataError, match="NaN or infinite outputs for 1 of 2"):
        evaluate_outputs((np.array([[0.1, np.inf], [0.2, 0.8]]),), split, metric="accuracy", runtime="x")
    with pytest.raises(DataError, match="no output"):
        evaluate_outputs((), split, metric="accuracy", runtime="x")


def test_an_artefact_is_run_and_its_process_ended() -> None:
    runner = FakeRunner()
    split = Split("test", (np.eye(3),), np.arange(3))
    record, outputs = evaluate_artifact(Path("model.tflite"), split, metric="accuracy", runner=runner)
    assert (record.value, record.runtime, record.machine) == (1.0, "litert", runner.probe().key)
    assert np.array_equal(outputs[0], 2.0 * np.eye(3))
    assert runner.session.closed


def test_the_process_is_ended_when_running_fails() -> None:
    runner = FakeRunner()
    with pytest.raises(DataError):
        evaluate_artifact(Path("m"), Split("test", (np.array([[np.nan]]),)), metric="mse", runner=runner)
    assert runner.session.closed


def test_generated_images_have_no_targets() -> None:
    from edgetool.evaluate.generation import inception_score

    images = np.random.default_rng(0).uniform(size=(30, 16, 16, 1)).astype(np.float32)
    latent = Split("test", (np.zeros((30, 32), np.float32),))
    found = evaluate_outputs((images,), latent, metric="inception_score", task="generation", runtime="litert")
    assert found.value == inception_score(images).value and found.num_samples == 30
    assert len(found.per_class) == 10 and sum(found.per_class) == pytest.approx(1.0)
