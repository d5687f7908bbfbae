"""Every kind of layer of Keras 3 comes over to tf_keras, nested, masked, named and typed as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

VECTOR, ROWS, SEQUENCE, IMAGE, VOLUME = (6,), (4, 6), (5, 3), (6, 6, 4), (4, 4, 4, 2)

#: Shape of a sample -> layers by name, made with `layers` of Keras 3.
LAYERS: dict[tuple[int, ...], dict[str, Callable[[Any], Any]]] = {
    VECTOR: {
        "dense": lambda of: of.Dense(3, activation="relu"),
        "elu": lambda of: of.ELU(0.5),
        "gaussian noise": lambda of: of.GaussianNoise(0.5),
        "leaky": lambda of: of.LeakyReLU(negative_slope=0.1),
        "normalization": lambda of: of.Normalization(mean=[1.0] * 6, variance=[4.0] * 6),
        "prelu": lambda of: of.PReLU(alpha_initializer="ones"),
        "relu": lambda of: of.ReLU(max_value=3.0, negative_slope=0.1, threshold=0.2),
        "repeat": lambda of: of.RepeatVector(3),
        "spectral": lambda of: of.SpectralNormalization(of.Dense(3)),
        **{
            f"dense {name}": lambda of, name=name: of.Dense(6, activation=name)
            for name in (
                "celu",
                "exponential",
                "gelu",
                "hard_shrink",
                "hard_sigmoid",
                "hard_silu",
                "hard_tanh",
                "leaky_relu",
                "log_sigmoid",
                "log_softmax",
                "mish",
                "silu",
                "soft_shrink",
                "softplus",
                "sparse_plus",
                "sparse_sigmoid",
                "sparsemax",
                "squareplus",
                "tanh_shrink",
            )
        },
    },
    ROWS: {
        "dense rows": lambda of: of.Dense(3),
        "einsum dense": lambda of: of.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"),
        "layer norm": lambda of: of.LayerNormalization(axis=(1, 2)),
        "permute": lambda of: of.Permute((2, 1)),
        "reshape": lambda of: of.Reshape((3, -1)),
        "rms norm": lambda of: of.RMSNormalization(),
        "softmax": lambda of: of.Softmax(axis=1),
        "unit norm": lambda of: of.UnitNormalization(),
    },
    SEQUENCE: {
        "bidirectional": lambda of: of.Bidirectional(of.GRU(4), merge_mode="sum"),
        "causal": lambda of: of.Conv1D(4, 3, padding="causal", dilation_rate=2),
        "conv transpose": lambda of: of.Conv1DTranspose(4, 3, strides=2, padding="same"),
        "depthwise": lambda of: of.DepthwiseConv1D(3),
        "gru": lambda of: of.GRU(4, reset_after=False),
        "lstm": lambda of: of.LSTM(4, return_sequences=True),
        "lstm hard": lambda of: of.LSTM(4, recurrent_activation="hard_sigmoid"),
        "lstm back": lambda of: of.LSTM(4, go_backwards=True),
        "pool": lambda of: of.MaxPooling1D(2),
        "adaptive": lambda of: of.AdaptiveAveragePooling1D(3),
        "separable": lambda of: of.SeparableConv1D(4, 3),
        "simple rnn": lambda of: of.SimpleRNN(4),
        "stacked rnn": lambda of: of.RNN([of.LSTMCell(4), of.GRUCell(3)]),
        "distributed": lambda of: of.TimeDistributed(of.Dense(2)),
        "up": lambda of: of.UpSampling1D(2),
    },
    IMAGE: {
        "adaptive image": lambda of: of.AdaptiveMaxPooling2D((2, 3)),
        "batch norm": lambda of: of.BatchNormalization(),
        "center crop": lambda of: of.CenterCrop(4, 4),
        "conv": lambda of: of.Conv2D(4, 3, strides=2, padding="same", activation="hard_silu"),
        "conv groups": lambda of: of.Conv2D(4, 3, groups=2),
        "conv2d transpose": lambda of: of.Conv2DTranspose(4, 3, strides=2, output_padding=1),
        "cropping": lambda of: of.Cropping2D(((1, 0), (2, 1))),
        "depthwise image": lambda of: of.DepthwiseConv2D(3, depth_multiplier=2),
        "flip": lambda of: of.RandomFlip(),
        "group norm": lambda of: of.GroupNormalization(2),
        "mean pool": lambda of: of.GlobalAveragePooling2D(keepdims=True),
        "random crop": lambda of: of.RandomCrop(4, 4),
        "rescaling": lambda of: of.Rescaling(1 / 127.5, offset=-1.0),
        "resizing": lambda of: of.Resizing(9, 9),
        "resizing pad": lambda of: of.Resizing(4, 6, pad_to_aspect_ratio=True),
        "rotation": lambda of: of.RandomRotation(0.1),
        "separable image": lambda of: of.SeparableConv2D(4, 3),
        "spatial dropout": lambda of: of.SpatialDropout2D(0.5),
        "up image": lambda of: of.UpSampling2D(2, interpolation="bilinear"),
        "zero padding": lambda of: of.ZeroPadding2D(((1, 2), (0, 1))),
    },
    VOLUME: {
        "conv3d": lambda of: of.Conv3D(4, 2),
        "conv3d transpose": lambda of: of.Conv3DTranspose(3, 2, strides=2),
        "conv lstm": lambda of: of.ConvLSTM2D(2, 3),
        "pool3d": lambda of: of.AveragePooling3D(2),
    },
}

#: Layers that are exported too: conversion takes a second each.
EXPORTED = {"adaptive", "center crop", "conv", "conv groups", "dense celu", "group norm", "resizing", "rms norm"}


def carry(model: Any) -> Any:
    from edgetool.importers.keras import carry_checked

    return carry_checked(model, "model")[0]


def outputs_of(model: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    import keras

    given = arrays if len(arrays) > 1 else arrays[0]
    return [np.asarray(array) for array in keras.tree.flatten(model(given, training=False))]


def build(*, only: set[str] | None = None) -> tuple[Any, list[str]]:
    """Return one model of all layers, each on its own output, and the names of these."""
    import keras

    keras.utils.set_random_seed(5)
    inputs = {shape: keras.Input(shape) for shape in LAYERS}
    outputs = {
        name: make(keras.layers)(inputs[shape])
        for shape, rows in LAYERS.items()
        for name, make in rows.items()
        if only is None or name in only
    }
    used = [tensor for shape, tensor in inputs.items() if outputs.keys() & LAYERS[shape].keys()]
    return keras.Model(used, list(outputs.values())), list(outputs)


def samples(source: Any) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    shapes = [tuple(tensor.shape[1:]) for tensor in source.inputs]
    return [random.uniform(-1, 1, (3, *shape)).astype(np.float32) for shape in shapes]


def test_every_layer_gives_what_it_gave_and_augmentation_is_left_out() -> None:
    source, names = build()
    arrays, rebuilt = samples(source), carry(source)
    for name, old, new in zip(names, outputs_of(source, arrays), outputs_of(rebuilt, arrays), strict=True):
        assert np.allclose(old, new, atol=1e-5), name
    kinds = {type(layer).__name__ for layer in rebuilt.layers}
    assert not {"RandomFlip", "RandomRotation"} & kinds
    assert {"LayerNormalization", "ConvLSTM2D"} <= kinds


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
def test_layers_are_right_in_both_formats(format_: str, tmp_path: Path) -> None:
    from edgetool.data.dataset import Dataset
    from edgetool.exporters.onnx.export import export_onnx
    from edgetool.exporters.tflite.export import export_tflite
    from edgetool.passes.base import Context, ModelState, TrainingSettings
    from edgetool.runners.base import RunPlan
    from edgetool.runners.process import ProcessRunner

    source, names = build(only=EXPORTED)
    path, arrays = tmp_path / f"m.{format_}", samples(source)
    context = Context(Dataset("none", None, None, None), TrainingSettings(), 0, tmp_path, lambda *_: None)
    (export_tflite if format_ == "tflite" else export_onnx)(ModelState(carry(source)), path, context)
    session = ProcessRunner().open(path, RunPlan(num_threads=1, timeout_s=120.0))
    try:
        found = session.outputs(tuple(arrays))
    finally:
        session.close()
    for name, old, new in zip(names, outputs_of(source, arrays), found, strict=True):
        assert np.allclose(old, new, atol=1e-4), name


def two_towers() -> Any:
    import keras

    layers = keras.layers
    tower = keras.Sequential([keras.Input(VECTOR), layers.Dense(4, name="same"), layers.ReLU()], name="tower")
    left, right = keras.Input(VECTOR), keras.Input(VECTOR)
    other = keras.Sequential([keras.Input(VECTOR), layers.Dense(4, name="same")], name="other")
    return keras.Model([left, right], layers.Subtract()([tower(left), tower(right)]) + other(left))


def test_nested_models_are_written_out_and_share_their_weights() -> None:
    source = two_towers()
    rebuilt = carry(source)
    dense = [layer for layer in rebuilt.layers if type(layer).__name__ == "Dense"]
    assert sorted(layer.name for layer in dense) == ["other_same", "same"]
    assert rebuilt.count_params() == source.count_params()
    assert not any(hasattr(layer, "layers") for layer in rebuilt.layers)


def test_a_mask_reaches_a_nested_model() -> None:
    import keras

    layers = keras.layers
    inner_input = keras.Input(SEQUENCE)
    inner = keras.Model(inner_input, layers.LSTM(4)(inner_input))
    given = keras.Input(SEQUENCE)
    source = keras.Model(given, inner(layers.Masking()(given)))
    array = np.random.default_rng(1).normal(size=(3, *SEQUENCE)).astype(np.float32)
    array[:, 2:] = 0.0
    assert np.allclose(outputs_of(source, [array])[0], outputs_of(carry(source), [array])[0], atol=1e-6)
    shorter = array.copy()
    shorter[:, 2:] = 0.5
    assert not np.allclose(outputs_of(carry(source), [array])[0], outputs_of(carry(source), [shorter])[0], atol=1e-3)


def test_attention_does_not_look_at_what_an_embedding_masks() -> None:
    import keras

    layers = keras.layers
    codes = keras.Input((6,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(codes)
    attended = layers.MultiHeadAttention(2, 3)(embedded, embedded)
    source = keras.Model(codes, layers.Add()([attended, embedded]))
    array = np.random.default_rng(0).integers(1, 9, (5, 6))
    array[:, 4:] = 0
    assert np.allclose(outputs_of(source, [array])[0], outputs_of(carry(source), [array])[0], atol=1e-6)


def test_dictionaries_keep_their_names_and_order() -> None:
    import keras

    first, second = keras.Input((3,), name="b"), keras.Input((4,), name="a")
    outputs = {"zeta": keras.layers.Dense(2)(first), "alpha": keras.layers.Dense(3)(second)}
    rebuilt = carry(keras.Model({"b": first, "a": second}, outputs))
    assert list(rebuilt.output_names) == ["zeta", "alpha"]
    assert sorted(tensor.name for tensor in rebuilt.inputs) == ["a", "b"]


def test_outputs_within_outputs_keep_their_order() -> None:
    import keras

    inputs = keras.Input(VECTOR)
    nested = [inputs + 1.0, {"z": keras.layers.Dense(2)(inputs), "a": (inputs * 3.0, keras.layers.Dense(4)(inputs))}]
    rebuilt = carry(keras.Model(inputs, nested))
    assert [tensor.shape[-1] for tensor in rebuilt.outputs] == [6, 2, 6, 4]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_other_precisions_compute_in_float32(policy: str, library: str) -> None:
    import importlib

    from edgetool.importers.keras import flat_checked

    keras = importlib.import_module(library)
    mixed = keras.mixed_precision
    read = getattr(mixed, "global_policy", None) or mixed.dtype_policy
    before = read()
    mixed.set_global_policy(policy) if library == "tf_keras" else mixed.set_dtype_policy(policy)
    try:
        inputs = keras.Input((6, 6, 2))
        hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3)(inputs))
        source = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(hidden) * 2.0))
    finally:
        mixed.set_global_policy(before) if library == "tf_keras" else mixed.set_dtype_policy(before)
    array = np.random.default_rng(1).random((3, 6, 6, 2)).astype(np.float32)
    expected = np.asarray(source(array, training=False), np.float32)
    rebuilt = carry(source) if library == "keras" else flat_checked(source, "model")[0]
    assert {str(weight.dtype.name) for weight in rebuilt.weights} == {"float32"}
    found = outputs_of(rebuilt, [array])[0]
    assert found.dtype == np.float32 and np.allclose(found, expected, atol=0.05)


def test_a_trusted_layer_of_the_users_and_a_lambda_keep_their_weights() -> None:
    import keras

    class Scale(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(shape[-1],), initializer="random_normal")

        def call(self, x: Any) -> Any:
            return x * self.factor

    keras.saving.register_keras_serializable("edgetool_tests")(Scale)
    inputs = keras.Input(VECTOR)
    source = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2.0)(Scale()(inputs)))
    rebuilt = carry(source)
    assert rebuilt.count_params() == 6

    from edgetool.passes.layers import clone

    array = np.random.default_rng(1).random((3, 6)).astype(np.float32)
    assert np.allclose(outputs_of(clone(rebuilt), [array])[0], outputs_of(source, [array])[0], atol=1e-6)
