"""The document's CNN: its size and layers, from one definition for both Keras."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest

from edgetool.zoo import find_model, load_builder


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_the_architecture_is_the_documents(framework: str) -> None:
    keras = pytest.importorskip(framework)
    model = load_builder(find_model("document-cnn"))(keras)
    assert model.count_params() == 8_475_530
    assert tuple(model.input_shape) == (None, 32, 32, 3) and tuple(model.output_shape) == (None, 10)
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    assert shapes == [(3, 3, 3, 64), (64,), (3, 3, 64, 128), (128,), (8192, 1024), (1024,), (1024, 10), (10,)]
    outputs = np.asarray(model.predict(np.zeros((2, 32, 32, 3), np.float32), verbose=0))
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-5)
