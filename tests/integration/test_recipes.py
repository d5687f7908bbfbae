"""All built-in recipes on a small CNN and real digits: both files are made, hold what was ensured, and still answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset
from edgetool.evaluate.evaluate import evaluate_artifact
from edgetool.exporters import load_exporter
from edgetool.invariants import num_unique, sparsity
from edgetool.ir import read_graph
from edgetool.ir.kernels import find_kernel
from edgetool.passes.base import Context, ModelState, TrainingSettings, layer_kernels
from edgetool.recipes.execute import execute
from edgetool.recipes.recipe import builtin_names, find_recipe
from edgetool.runners.process import ProcessRunner
from edgetool.verify.invariants import check_exported

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(digits_8x8: Dataset) -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, padding="same", name="conv1")(inputs)
    x = layers.BatchNormalization(name="norm1")(x)
    x = layers.ReLU(name="relu1")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(x)
    found = tf_keras.Model(inputs, outputs, name="digits")
    found.compile("adam", "sparse_categorical_crossentropy")
    assert digits_8x8.train is not None
    found.fit(digits_8x8.train.inputs[0], digits_8x8.train.labels, epochs=10, batch_size=32, verbose=0)
    return found


@pytest.mark.parametrize("name", builtin_names())
def test_both_files_hold_what_was_ensured(name: str, model: Any, digits_8x8: Dataset, tmp_path: Path) -> None:
    settings = TrainingSettings(learning_rate=3e-4, batch_size=32)
    context = Context(digits_8x8, settings, seed=0, workdir=tmp_path, progress=lambda what, done, total: None)
    state = execute(find_recipe(name), ModelState(model), context).state
    kernels = layer_kernels(state.model)
    assert digits_8x8.val is not None
    answers = {}
    for kind in ("tflite", "onnx"):
        path = tmp_path / f"{name}.{kind}"
        result = load_exporter(kind)(state, path, context)
        checked = check_exported(path, state.invariants, result.kernels)
        assert checked and all(record.passed for record in checked), checked
        record, outputs = evaluate_artifact(path, digits_8x8.val, metric="accuracy", runner=ProcessRunner())
        assert record.value > 0.85, f"{kind}: {record.value:.3f}"
        answers[kind] = outputs[0].argmax(axis=1)
        for layer in ("conv2", "hidden"):
            kernel = find_kernel(read_graph(path), layer, kernels[layer].shape, result.kernels.get(layer))
            assert kernel is not None and np.count_nonzero(kernel.values)
            if "prune80" in name:
                assert sparsity(kernel.values) >= 0.8 - 1 / kernel.values.size
            if "cluster32" in name:
                assert num_unique(kernel.values) <= 32
            if "w8" in name:
                assert kernel.values.dtype.kind == "i", "weights are stored as integers"
    assert np.mean(answers["tflite"] == answers["onnx"]) >= 0.98
    assert _loading_messages(tmp_path / f"{name}.onnx") == ""


def _loading_messages(path: Path) -> str:
    """Return what onnxruntime writes from C++ when it loads a model with its usual settings and runs it twice."""
    code = (
        "import sys, numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
        "for batch in (1, 3): session.run(None, {'image': numpy.ones((batch, 8, 8, 1), numpy.float32)})"
    )
    found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return found.stdout + found.stderr
