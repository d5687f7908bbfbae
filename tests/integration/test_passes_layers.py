"""Training for int8 on layers that TF-MOT's allow-list leaves out: all int8 in the file, and as right as the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.exporters import load_exporter
from edgetool.ir import read_graph
from edgetool.passes import load_pass
from edgetool.passes.base import Context, ModelState, TrainingSettings
from edgetool.passes.layers import clone
from edgetool.recipes.execute import execute
from edgetool.recipes.recipe import find_recipe
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).uniform(0.0, 255.0, (96, 12, 12, 3)).astype(np.float32)
SERIES = np.random.default_rng(1).normal(size=(96, 24, 4)).astype(np.float32)


def normalised(x: Any) -> Any:
    """Return `x` behind a batch normalisation whose statistics are those of a trained one."""
    import tf_keras

    layer = tf_keras.layers.BatchNormalization()
    outputs = layer(x)
    random, width = np.random.default_rng(2), outputs.shape[-1]
    layer.set_weights(
        [random.uniform(0.5, 2.0, width), *random.normal(0.0, 0.2, (2, width)), random.uniform(0.5, 2, width)]
    )
    return outputs


def pictures() -> Any:
    """Return a model with what vision models have: statistics inside, dilation, gates, pooled branches, upsampling."""
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    layers = tf_keras.layers
    inputs = x = tf_keras.Input((12, 12, 3))
    statistics = layers.Normalization(axis=-1, mean=[0.4, 0.5, 0.6], variance=[0.04, 0.05, 0.06], name="statistics")
    x = statistics(layers.Rescaling(1 / 255)(x))
    x = layers.ReLU(6.0)(normalised(layers.SeparableConv2D(8, 3, padding="same", use_bias=False, name="apart")(x)))
    x = layers.ReLU()(normalised(layers.Conv2D(8, 3, dilation_rate=2, padding="same", name="dilated")(x)))
    gate = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv2D(4, 1, activation="swish", name="squeeze")(gate)
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid", name="excite")(gate)])
    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = layers.Concatenate()([pooled, x, layers.MaxPooling2D(3, strides=1, padding="same")(x)])
    x = normalised(layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="up")(x))
    x = layers.PReLU(shared_axes=[1, 2])(layers.LeakyReLU()(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="elu", name="doubled")(x)
    return tf_keras.Model(inputs, layers.Dense(3, name="out")(layers.GlobalAveragePooling2D()(x)))


def signals() -> Any:
    """Return a model with what models of series have."""
    import tf_keras

    tf_keras.utils.set_random_seed(4)
    layers = tf_keras.layers
    inputs = x = tf_keras.Input((24, 4))
    x = layers.SeparableConv1D(8, 4, padding="causal", dilation_rate=3, use_bias=False, name="apart")(x)
    x = layers.Activation("relu")(normalised(x))
    x = layers.Add()([x, layers.Conv1D(8, 3, padding="causal", dilation_rate=2, activation="tanh", name="dilated")(x)])
    x = layers.ELU()(normalised(layers.DepthwiseConv1D(3, name="alone")(x)))
    x = layers.UpSampling1D(2)(layers.MaxPooling1D(2)(x))
    return tf_keras.Model(inputs, layers.Dense(3, name="out")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.parametrize(("build", "samples"), [(pictures, IMAGES), (signals, SERIES)], ids=["pictures", "signals"])
def test_every_layer_is_trained_and_stored_in_8_bits(build: Any, samples: Any, tmp_path: Path) -> None:
    model = build()
    data = Dataset("noise", Split("train", (samples,), np.arange(96) % 3), None, None)
    settings = TrainingSettings(from_logits=True, batch_size=32, epochs_scale=0.5)
    context = Context(data, settings, 0, tmp_path, lambda *_: None)
    state = execute(find_recipe("w8a8_qat"), ModelState(model), context).state
    assert state.skipped == ()
    names = [type(layer).__name__ for layer in state.model.layers]
    assert "BatchNormalization" not in names and not any(name.startswith("Separable") for name in names)
    expected = state.model.predict(samples, verbose=0)
    signal = expected - expected.mean(axis=0)
    for kind in ("tflite", "onnx"):
        load_exporter(kind)(state, tmp_path / f"model.{kind}", context)
        graph = read_graph(tmp_path / f"model.{kind}")
        large = [t for t in graph.tensors.values() if t.constant is not None and t.constant.size > 64]
        assert large and all(tensor.dtype == "int8" for tensor in large), [(t.name, t.dtype) for t in large]
        with ProcessRunner().open(tmp_path / f"model.{kind}", RunPlan()) as session:
            found = session.outputs((samples,))[0]
        assert 10 * np.log10((signal**2).sum() / ((found - expected) ** 2).sum()) > 12, kind
    kinds = [op.kind for op in read_graph(tmp_path / "model.tflite").ops]
    assert samples is SERIES or "SPACE_TO_BATCH_ND" not in kinds, "a dilated convolution is one operator"


def test_a_copy_keeps_what_a_normalization_has_learned() -> None:
    model = pictures()
    copy = clone(model)
    np.testing.assert_array_equal(copy.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))
    layer = copy.get_layer("statistics")
    np.testing.assert_allclose(np.ravel(layer.mean), [0.4, 0.5, 0.6], rtol=1e-6)


def test_a_copy_keeps_statistics_that_were_adapted() -> None:
    import tf_keras

    layer = tf_keras.layers.Normalization(axis=-1)
    layer.adapt(SERIES * 100 + 7)
    inputs = tf_keras.Input((24, 4))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2)(layer(inputs)))
    np.testing.assert_array_equal(clone(model).predict(SERIES, verbose=0), model.predict(SERIES, verbose=0))


@pytest.mark.parametrize("recipe", ["w8a8_static", "w8a8_qat"])
def test_columns_of_very_different_size_survive_where_the_model_scales_them(recipe: str, tmp_path: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(5)
    table = (np.random.default_rng(6).uniform(size=(200, 4)) * [2000.0, 0.05, 900.0, 1.0]).astype(np.float32)
    layer = tf_keras.layers.Normalization(axis=-1)
    layer.adapt(table)
    inputs = tf_keras.Input((4,))
    hidden = tf_keras.layers.Dense(16, activation="relu")(layer(inputs))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(3, name="out")(hidden))
    data = Dataset("table", Split("train", (table,), np.arange(200) % 3), None, None)
    context = Context(data, TrainingSettings(from_logits=True, epochs_scale=0.2), 0, tmp_path, lambda *_: None)
    state = execute(find_recipe(recipe), ModelState(model), context).state
    expected = state.model.predict(table, verbose=0)
    for kind in ("tflite", "onnx"):
        result = load_exporter(kind)(state, tmp_path / f"model.{kind}", context)
        assert any("columns 1, 3 vary by less than 12 steps" in note for note in result.notes), result.notes
        with ProcessRunner().open(tmp_path / f"model.{kind}", RunPlan()) as session:
            found = session.outputs((table,))[0]
        assert 10 * np.log10((expected**2).sum() / ((found - expected) ** 2).sum()) > 30, kind


@pytest.mark.parametrize(("recipe", "labels"), [("prune80_w8a8_qat", {}), ("w8a8_qat", {"1": True})])
def test_every_output_is_trained_with_labels_or_towards_the_answers_it_gave(
    recipe: str, labels: dict[str, bool], tmp_path: Path
) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(7)
    x = np.random.default_rng(8).normal(size=(128, 16)).astype(np.float32)
    inputs = tf_keras.Input((16,))
    hidden = tf_keras.layers.Dense(80, activation="relu")(inputs)
    classes = tf_keras.layers.Dense(4, activation="softmax", name="classes")(hidden)
    values = tf_keras.layers.Dense(2, name="values")(hidden)
    model = tf_keras.Model(inputs, [classes, values])
    before = model.predict(x, verbose=0)
    heads = {"1": before[1]} if labels else {}
    data = Dataset("made up", Split("train", (x,), before[0].argmax(axis=1), heads), None, None)
    settings = TrainingSettings(batch_size=16, learning_rate=1e-3, epochs_scale=2.0)
    context = Context(data, settings, 0, tmp_path, lambda *_: None, (TrainingSettings(loss="mse"),))
    result = execute(find_recipe(recipe), ModelState(model), context)
    distilled = {record.facts.get("outputs_without_labels", "") for record in result.passes if "steps" in record.facts}
    assert distilled == ({""} if labels else {"values"})
    after = result.state.model.predict(x, verbose=0)
    share = np.mean((after[1] - before[1]) ** 2) / np.var(before[1])
    assert share < 0.25, "the output learns what it gave before"
    assert np.mean(after[0].argmax(axis=1) == before[0].argmax(axis=1)) > 0.75


def test_values_beside_classes_are_right_after_pruning_however_little_is_trained(tmp_path: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(9)
    x = np.random.default_rng(10).normal(size=(1256, 16)).astype(np.float32)
    inputs = tf_keras.Input((16,))
    hidden = tf_keras.layers.Dense(80, activation="relu")(inputs)
    classes = tf_keras.layers.Dense(4, activation="softmax", name="classes")(hidden)
    values = tf_keras.layers.Dense(2, name="values")(tf_keras.layers.Dense(48, activation="relu")(hidden))
    model = tf_keras.Model(inputs, [classes, values])
    model.get_layer("values").bias.assign([3.0, -300.0])
    before = model.predict(x, verbose=0)
    data = Dataset("made up", Split("train", (x[:1000],), before[0].argmax(axis=1)[:1000]), None, None)
    settings = TrainingSettings(batch_size=64, learning_rate=3e-4, epochs_scale=1e-3)
    context = Context(data, settings, 0, tmp_path, lambda *_: None, (TrainingSettings(loss="mse"),))
    result = load_pass("prune")({"sparsity": 0.8}).run(ModelState(model), context)
    assert (result.facts["steps"], result.facts["refitted_layers"]) == (100, 1)
    after = result.state.model.predict(x[1000:], verbose=0)[1]
    for column in range(2):
        assert np.corrcoef(after[:, column], before[1][1000:, column])[0, 1] > 0.5
    assert np.abs(after.mean(axis=0) - before[1][1000:].mean(axis=0)).max() < 0.3
