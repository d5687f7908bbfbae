"""Models of Keras 3 whose layers neither format has: files of both compute what Keras computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FORMATS = ("tflite", "onnx")


def exported(source: Any, arrays: list[np.ndarray], format_: str, folder: Path) -> list[np.ndarray]:
    """Return what a file of a Keras 3 model gives in its runtime."""
    from edgetool.data.dataset import Dataset
    from edgetool.exporters.onnx import export_onnx
    from edgetool.exporters.tflite import export_tflite
    from edgetool.importers.keras import carry_checked
    from edgetool.passes.base import Context, ModelState, TrainingSettings
    from edgetool.runners.base import RunPlan
    from edgetool.runners.process import ProcessRunner

    model, _ = carry_checked(source, "model")
    path = folder / f"m.{format_}"
    context = Context(Dataset("none", None, None, None), TrainingSettings(), 0, folder, lambda *_: None)
    (export_tflite if format_ == "tflite" else export_onnx)(ModelState(model), path, context)
    session = ProcessRunner().open(path, RunPlan(num_threads=1, timeout_s=120.0))
    try:
        return list(session.outputs(tuple(arrays)))
    finally:
        session.close()


def handed_on(keras: Any) -> Any:
    """Return a model that gives its inputs beside a prediction, and that prediction twice."""
    first, second = keras.Input((3,), name="first"), keras.Input((2,), name="second")
    hidden = keras.layers.Dense(4, name="hidden")(first)
    outputs = [first, hidden, keras.layers.Dropout(0.5)(second), hidden, first]
    return keras.Model([first, second], outputs)


def only_augmentation(keras: Any) -> Any:
    return keras.Sequential([keras.Input((4, 4, 3)), keras.layers.RandomFlip(), keras.layers.GaussianNoise(0.1)])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("build", [handed_on, only_augmentation])
def test_inputs_are_handed_on(build: Callable[[Any], Any], format_: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    source = build(keras)
    random = np.random.default_rng(2)
    arrays = [random.normal(size=(3, *tensor.shape[1:])).astype(np.float32) for tensor in source.inputs]
    expected = keras.tree.flatten(source(arrays if len(arrays) > 1 else arrays[0], training=False))
    found = exported(source, arrays, format_, tmp_path)
    assert len(found) == len(expected)
    for array, wanted in zip(found, expected, strict=True):
        assert np.allclose(array, wanted, atol=1e-6)
