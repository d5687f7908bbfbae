"""Vision and audio models of the zoo: sizes from one definition for both Keras, and published weights that fit them."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.importers.keras3 import carry_over
from edgetool.ir.tflite import read_tflite
from edgetool.zoo import find_model, load_builder

#: Model -> parameters, input and output shape without the batch.
SIZES = {
    "resnet8": (78_666, (32, 32, 3), (10,)),
    "mobilenet-v1-025": (221_794, (96, 96, 3), (2,)),
    "mobilenet-v2": (302_058, (32, 32, 3), (10,)),
    "vit-tiny": (141_962, (32, 32, 3), (10,)),
    "ds-cnn": (24_778, (49, 10, 1), (10,)),
    "toycar-autoencoder": (269_992, (640,), (640,)),
}


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", sorted(SIZES))
def test_sizes(name: str, framework: str) -> None:
    model = load_builder(find_model(name))(importlib.import_module(framework))
    assert (model.count_params(), model.input_shape[1:], model.output_shape[1:]) == SIZES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SIZES))
def test_models_are_carried_over_with_equal_outputs(name: str) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = load_builder(find_model(name))(keras)
    _stir(model)
    x = np.random.default_rng(0).normal(size=(4, *model.input_shape[1:])).astype(np.float32)
    wanted = np.asarray(model(x, training=False))
    np.testing.assert_allclose(np.asarray(carry_over(model)(x, training=False)), wanted, rtol=1e-4, atol=1e-5)
    assert wanted.std() > 1e-3  # outputs say something


def _stir(model: Any) -> None:
    """Give moving averages values as after training: with 0 and 1 a swapped mean and variance would not show."""
    random = np.random.default_rng(2)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    gamma * random.uniform(0.5, 1.5, gamma.shape),
                    random.normal(size=beta.shape) * 0.1,
                    random.normal(size=mean.shape) * 0.1,
                    variance * random.uniform(0.5, 2.0, variance.shape),
                ]
            )


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
@pytest.mark.parametrize(
    ("name", "file", "low", "high"),
    [("resnet8", "resnet8_cifar10.h5", 0.0, 255.0), ("toycar-autoencoder", "autoencoder_toycar.h5", -60.0, 20.0)],
)
def test_published_weights_load_by_order(
    name: str, file: str, low: float, high: float, framework: str, shared_models: Path
) -> None:
    import tf_keras

    published = tf_keras.models.load_model(shared_models / file, compile=False)
    model = load_builder(find_model(name))(importlib.import_module(framework))
    model.set_weights(published.get_weights())
    x = np.random.default_rng(0).uniform(low, high, (16, *model.input_shape[1:])).astype(np.float32)
    wanted = np.asarray(published(x, training=False))
    found = np.asarray(model(x, training=False))
    assert wanted.std() > 1e-2
    if framework == "tf_keras":
        np.testing.assert_array_equal(found, wanted)
    else:  # the same operations, fused in another way
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * float(np.abs(wanted).max()))


def test_published_resnet8_is_as_good_as_ever(shared_models: Path, shared_data: Path) -> None:
    import tf_keras

    assert shared_data.is_dir()
    published = tf_keras.models.load_model(shared_models / "resnet8_cifar10.h5", compile=False)
    card = find_model("resnet8")
    assert card.preprocessing.scale == 1.0  # raw 0..255, as MLPerf Tiny's
    model = load_builder(card)(tf_keras)
    model.set_weights(published.get_weights())
    test = load_dataset("cifar10").test
    assert test is not None and test.labels is not None
    answers = model.predict(test.inputs[0].astype(np.float32), batch_size=128, verbose=0).argmax(axis=1)
    assert float((answers == test.labels).mean()) == pytest.approx(0.873, abs=0.001)


def test_published_keyword_weights_fit_ds_cnn(shared_models: Path, shared_data: Path) -> None:
    import tf_keras

    from edgetool_models.ds_cnn import build

    assert shared_data.is_dir()
    model = build(tf_keras, num_classes=12)
    kernels = _published_kernels(shared_models / "dscnn_kws_float32.tflite")
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":  # folded into the published kernels
            ones, zeros = np.ones(64, np.float32), np.zeros(64, np.float32)
            layer.set_weights([ones, zeros, zeros, ones - layer.epsilon])
        elif layer.weights:
            kernel, bias = next(kernels)
            layer.set_weights([kernel.reshape(layer.get_weights()[0].shape), bias])
    assert next(kernels, None) is None
    test = load_dataset("mlperf-kws01").test
    assert test is not None and test.labels is not None
    answers = model.predict(test.inputs[0], batch_size=100, verbose=0).argmax(axis=1)
    # Its int8 sibling names 89.8 % of these clips right (the models' README); the source trained to above 90 %.
    assert float((answers == test.labels).mean()) > 0.89


def _published_kernels(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each layer's kernel, in Keras layout and dequantised, and bias; in the order of the operators."""
    graph = read_tflite(path)
    for op in graph.ops:
        if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        kernel, bias = (graph.tensors[name] for name in op.inputs[1:3])
        assert kernel.constant is not None and bias.constant is not None
        values = kernel.constant.astype(np.float32)
        if kernel.constant.dtype == np.int8:
            assert kernel.quantization is not None
            scales = np.asarray(kernel.quantization.scale, np.float32)
            values *= scales.reshape(-1, *(1,) * (values.ndim - 1))  # by output channel, the first axis
        yield (values.T if values.ndim == 2 else values.transpose(1, 2, 3, 0)), bias.constant
