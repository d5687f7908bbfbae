"""Every pass on a small tf_keras model with real digits: what it ensures, what it keeps, what it leaves alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import InvariantError, PassError, RecipeError
from edgetool.exporters import load_exporter
from edgetool.invariants import Measured, NOfM, Sparsity, num_unique, sparsity
from edgetool.ir import read_graph
from edgetool.passes import load_pass
from edgetool.passes.activation_ranges import calibrate_ranges
from edgetool.passes.base import Context, ModelState, TrainingSettings, layer_kernels
from edgetool.passes.fake_quantize import fake_quantize
from edgetool.passes.layers import clone
from edgetool.passes.targets import loss_function
from edgetool.passes.training import fine_tune
from edgetool.recipes.execute import execute
from edgetool.recipes.recipe import find_recipe
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
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(x)
    found = tf_keras.Model(inputs, outputs, name="digits")
    found.compile("adam", "sparse_categorical_crossentropy")
    assert digits_8x8.train is not None
    found.fit(digits_8x8.train.inputs[0], digits_8x8.train.labels, epochs=6, batch_size=32, verbose=0)
    return found


@pytest.fixture
def context(digits_8x8: Dataset, tmp_path: Path) -> Context:
    settings = TrainingSettings(learning_rate=3e-4, batch_size=32)
    return Context(digits_8x8, settings, seed=0, workdir=tmp_path, progress=lambda what, done, total: None)


def accuracy(model: Any, digits_8x8: Dataset) -> float:
    assert digits_8x8.val is not None and digits_8x8.val.labels is not None
    answers = model.predict(digits_8x8.val.inputs[0], verbose=0).argmax(axis=1)
    return float(np.mean(answers == digits_8x8.val.labels))


def run(name: str, state: ModelState, context: Context, **params: Any) -> ModelState:
    return load_pass(name)(params).run(state, context).state


def test_pruning_ensures_zeros_and_names_what_it_leaves(model: Any, digits_8x8: Dataset, context: Context) -> None:
    before = layer_kernels(model)
    state = run("prune", ModelState(model), context, sparsity=0.75, epochs=3)
    kernels = layer_kernels(state.model)
    for name in ("conv2", "hidden"):
        assert sparsity(kernels[name]) == pytest.approx(0.75, abs=0.01)
        assert Sparsity(name, 0.75, kernels[name].shape) in state.invariants
    reasons = {item.layer: item.reason for item in state.skipped}
    assert "fewer than" in reasons["classes"] and "DepthwiseConv2D" in reasons["depthwise"]
    assert accuracy(state.model, digits_8x8) > accuracy(model, digits_8x8) - 0.05
    assert all(np.array_equal(before[name], layer_kernels(model)[name]) for name in before), "the source is left alone"


def test_the_mask_is_that_of_tf_mot() -> None:
    from edgetool.passes.prune import _threshold

    weights = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    threshold = _threshold(weights, 0.8)
    assert np.count_nonzero(np.abs(weights) >= threshold) == round(weights.size * 0.2)


def test_a_kernel_of_zeros_is_pruned_and_not_clustered(context: Context) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 1))
    hidden = layers.Dense(64, name="hidden")(layers.Flatten()(inputs))
    late = layers.Dense(64, kernel_initializer="zeros", name="late")(hidden)
    dead = layers.Dense(64, kernel_initializer="zeros", name="dead")(layers.Lambda(lambda x: 0 * x)(hidden))
    classes = layers.Dense(10, activation="softmax", name="classes")(layers.Add()([hidden, late, dead]))
    once = dataclasses.replace(context.training, epochs_scale=1e-6)
    context = dataclasses.replace(context, training=once)
    pruned = run("prune", ModelState(tf_keras.Model(inputs, classes)), context, sparsity=0.75)
    kernels = layer_kernels(pruned.model)
    assert [sparsity(kernels[name]) for name in ("hidden", "late", "dead")] == [0.75, 0.75, 1.0]
    found = run("cluster", pruned, context, num_clusters=16)
    assert {item.layer for item in found.invariants if item.kind == "num_clusters"} == {"hidden", "late"}
    assert any(item.layer == "dead" and "same value" in item.reason for item in found.skipped)


def test_two_of_four(model: Any, digits_8x8: Dataset, context: Context) -> None:
    state = run("prune_n_of_m", ModelState(model), context, n=2, m=4, epochs=2)
    layers = {item.layer for item in state.invariants if item.kind == "n_of_m"}
    assert layers >= {"conv2", "hidden"} and "conv1" not in layers
    for name in layers:
        assert NOfM(name, 2, 4, ()).measure(layer_kernels(state.model)[name]) == Measured(2.0, holds=True)
    assert accuracy(state.model, digits_8x8) > accuracy(model, digits_8x8) - 0.05


def test_n_of_m_leaves_one_dimensional_convolutions_alone(context: Context) -> None:
    import tf_keras

    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv1D(16, 3, padding="same", name="line")(layers.Reshape((8, 8))(inputs))
    x = layers.Conv1D(32, 3, padding="same", name="longer")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(layers.Flatten()(x))
    found = run("prune_n_of_m", ModelState(tf_keras.Model(inputs, outputs)), context, n=2, m=4, epochs=1)
    assert {item.layer for item in found.invariants if item.kind == "n_of_m"} == {"classes"}
    assert any(item.layer == "longer" and "3 axes" in item.reason for item in found.skipped)


def test_clusters_and_zeros_survive_each_other(model: Any, digits_8x8: Dataset, context: Context) -> None:
    pruned = run("prune", ModelState(model), context, sparsity=0.5, epochs=1)
    state = run("cluster", pruned, context, num_clusters=16, epochs=1)
    for name in ("conv2", "hidden"):
        kernel = layer_kernels(state.model)[name]
        assert num_unique(kernel) <= 16 and sparsity(kernel) >= 0.49
    assert accuracy(state.model, digits_8x8) > accuracy(model, digits_8x8) - 0.08


def test_folding_keeps_the_outputs(model: Any, digits_8x8: Dataset, context: Context) -> None:
    state = run("fold_batch_norm", ModelState(model), context)
    assert "norm1" not in {layer.name for layer in state.model.layers}
    assert digits_8x8.val is not None
    x = digits_8x8.val.inputs[0]
    np.testing.assert_allclose(state.model.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)


def test_quantisation_aware_training_starts_with_calibrated_ranges(
    model: Any, digits_8x8: Dataset, context: Context
) -> None:
    folded = run("fold_batch_norm", ModelState(model), context).model
    assert digits_8x8.train is not None
    trainee, _ = fake_quantize(clone(folded), per_channel=True)
    assert calibrate_ranges(trainee, digits_8x8.train) >= 5
    assert accuracy(trainee, digits_8x8) > accuracy(model, digits_8x8) - 0.02
    ranges = [
        float(weight.numpy())
        for weight in trainee.non_trainable_weights
        if weight.name.endswith(("activation_max:0", "output_max:0"))
    ]
    assert ranges and 6.0 not in ranges, "no range is left where TF-MOT starts it"


def test_what_was_trained_for_int8_is_a_float_model_on_the_grid_of_its_file(
    model: Any, digits_8x8: Dataset, context: Context
) -> None:
    state = run("qat", run("fold_batch_norm", ModelState(model), context), context, epochs=0.1)
    assert (state.quantization.mode, state.quantization.activations) == ("static", "int8")
    assert accuracy(state.model, digits_8x8) > accuracy(model, digits_8x8) - 0.05
    for name, kernel in layer_kernels(state.model).items():
        channels = kernel.reshape(-1, kernel.shape[-2] if name == "depthwise" else kernel.shape[-1])
        steps = channels / (np.abs(channels).max(axis=0) / 127)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3, err_msg=name)


def test_quantisation_aware_training_keeps_zeros_and_clusters(model: Any, context: Context) -> None:
    state = run("fold_batch_norm", ModelState(model), context)
    state = run("prune", state, context, sparsity=0.5, epochs=0.5)
    state = run("cluster", state, context, num_clusters=16, epochs=0.2)
    state = run("qat", state, context, epochs=0.5)
    kernels = layer_kernels(state.model)
    for name in ("conv2", "hidden"):
        assert num_unique(kernels[name]) <= 16 and sparsity(kernels[name]) >= 0.49
    assert state.quantization.per_channel is False, "clusters stay clusters only with one scale"


def rows_of(kinds: tuple[str, ...], shape: tuple[int, ...]) -> Any:
    """Return an untrained model: layers of `kinds` of 16 filters, each with a ReLU and a pooling layer behind it.

    TFLite has no pooling in three dimensions.
    """
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    inputs = x = layers.Input(shape)
    for number, kind in enumerate(kinds):
        x = getattr(layers, kind)(16, 3, padding="same", name=f"conv{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        x = x if kind == "Conv3D" else getattr(layers, f"MaxPooling{kind[-2:]}")(2, name=f"pool{number}")(x)
    return tf_keras.Model(inputs, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))


@pytest.mark.parametrize("activation", ["gelu", "sigmoid", "swish", "tanh", "relu"])
def test_a_calibrated_model_computes_what_it_did_before_any_training(activation: str) -> None:
    """Ranges behind an activation, and those of layers behind small kernels, were a thousandth of what they must be."""
    import tf_keras

    tf_keras.utils.set_random_seed(5)
    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", activation=activation, name="first")(inputs)
    x = layers.Dense(24, activation=activation, name="middle")(layers.GlobalAveragePooling2D()(x))
    model = tf_keras.Model(inputs, layers.Dense(4, name="out")(x))
    x = np.random.default_rng(1).normal(size=(300, 8, 8, 3)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    trainee, skipped = fake_quantize(clone(model), per_channel=True)
    assert calibrate_ranges(trainee, Split("train", (x,))) >= 4 and skipped == []
    found = trainee.predict(x, verbose=0)
    assert 10 * np.log10((expected**2).sum() / ((found - expected) ** 2).sum()) > 22


@pytest.mark.parametrize(("kind", "shape"), [("Conv1D", (16, 16)), ("Conv2D", (8, 8, 16)), ("Conv3D", (4, 4, 4, 4))])
def test_clusters_hold_in_the_file_in_front_of_a_separate_relu(
    kind: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(64, *shape)).astype(np.float32)
    data = Dataset("noise", Split("train", (x,), np.arange(64) % 4), None, None)
    context = Context(data, TrainingSettings(learning_rate=0.01), 0, tmp_path, lambda *_: None)
    state = run("cluster", ModelState(rows_of((kind, kind), shape)), context, num_clusters=16, min_elements=500)
    state = run("qat", state, context)
    assert "qat" not in {item.step for item in state.skipped}, "training for int8 leaves no layer out"
    for name, kernel in layer_kernels(state.model).items():
        assert num_unique(kernel) <= 16 or name == "classes"
    exported = load_exporter("tflite")(state, tmp_path / "model.tflite", context)
    checked = check_exported(tmp_path / "model.tflite", state.invariants, exported.kernels)
    assert {item.layer for item in checked if item.kind == "num_clusters"} >= {"conv0", "conv1"}
    assert all(item.passed for item in checked), checked
    exported = load_exporter("onnx")(state, tmp_path / "model.onnx", context)
    tensors = read_graph(tmp_path / "model.onnx").tensors
    assert {tensors[exported.kernels[name]].dtype for name in ("conv0", "conv1", "classes")} == {"int8"}


def test_activations_that_tf_mot_does_not_know_are_trained_too(context: Context) -> None:
    import tf_keras

    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 1))
    x = layers.Dense(16, activation="selu", name="odd")(layers.Flatten()(inputs))
    x = layers.Activation("softplus", name="soft")(layers.Dense(16, activation="gelu", name="inner")(x))
    found = tf_keras.Model(inputs, layers.Dense(10, activation="softmax", name="classes")(x))
    state = run("qat", ModelState(found), context, epochs=0.1)
    assert state.skipped == ()
    exported = load_exporter("tflite")(state, context.workdir / "model.tflite", context)
    graph = read_graph(context.workdir / "model.tflite")
    assert {graph.tensors[exported.kernels[name]].dtype for name in ("odd", "inner", "classes")} == {"int8"}


def test_a_model_without_kernels_is_refused_in_a_line(context: Context) -> None:
    import tf_keras

    inputs = tf_keras.Input((8, 8, 1))
    with pytest.raises(PassError, match=r"a model without kernels, expected at least one Conv2D"):
        run("qat", ModelState(tf_keras.Model(inputs, tf_keras.layers.Flatten()(inputs))), context)


@pytest.mark.parametrize(("padding", "strides", "dilation"), [("causal", 1, 2), ("valid", 2, 1), ("same", 1, 1)])
def test_quantised_one_dimensional_convolutions_are_the_layers_own(
    context: Context, padding: str, strides: int, dilation: int
) -> None:
    import tf_keras

    x = np.random.default_rng(0).normal(size=(64, 12, 3)).astype(np.float32)
    data = Dataset("noise", Split("train", (x,), np.arange(64) % 8), None, None)
    still = dataclasses.replace(context.training, learning_rate=0.0)
    context = dataclasses.replace(context, dataset=data, training=still)
    inputs = tf_keras.Input((12, 3))
    line = tf_keras.layers.Conv1D(8, 3, strides, padding, dilation_rate=dilation, activation="relu")(inputs)
    found = tf_keras.Model(inputs, tf_keras.layers.GlobalAveragePooling1D()(line))
    after = run("qat", ModelState(found), context, epochs=0.1).model.predict(x, verbose=0)
    np.testing.assert_allclose(after, found.predict(x, verbose=0), atol=0.05)


@pytest.mark.parametrize(
    ("name", "mode", "activations"),
    [("quantize_float16", "float16", "float32"), ("quantize_dynamic", "dynamic", "float32")],
)
def test_schemes(model: Any, context: Context, name: str, mode: str, activations: str) -> None:
    scheme = run(name, ModelState(model), context).quantization
    assert (scheme.mode, scheme.activations) == (mode, activations)
    with pytest.raises(PassError, match="already quantised"):
        run("qat", run(name, ModelState(model), context), context)


def test_static_quantisation_to_8_and_16_bits(model: Any, context: Context) -> None:
    assert run("quantize_static", ModelState(model), context, activations="int16").quantization.activations == "int16"
    with pytest.raises(RecipeError):
        run("quantize_static", ModelState(model), context, activations="int4")


@pytest.mark.parametrize(("balanced", "expected"), [(True, 0.5), (False, 0.9)])
def test_fine_tuning_weighs_classes_as_training_did(balanced: bool, expected: float, tmp_path: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    noise = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    data = Dataset("noise", Split("train", (noise,), (np.arange(1000) % 10 > 0).astype(int)), None, None)
    settings = TrainingSettings("binary_crossentropy", learning_rate=0.05, balanced=balanced)
    inputs = tf_keras.Input((4,))
    found = tf_keras.Model(inputs, tf_keras.layers.Dense(1, activation="sigmoid")(inputs))
    fine_tune(found, Context(data, settings, 0, tmp_path, lambda *_: None), what="qat", epochs=20)
    assert float(found.predict(noise, verbose=0).mean()) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("from_logits", [True, False])
def test_fine_tuning_smooths_labels_as_keras_does(from_logits: bool) -> None:
    import tf_keras

    random = np.random.default_rng(0)
    logits = random.normal(size=(5, 7, 4)).astype(np.float32)
    outputs = logits if from_logits else tf_keras.activations.softmax(tf_keras.backend.constant(logits))
    labels = random.integers(4, size=(5, 7))
    trusted = tf_keras.losses.CategoricalCrossentropy(from_logits, label_smoothing=0.2, reduction="none")
    found = loss_function(TrainingSettings(from_logits=from_logits, label_smoothing=0.2), soft=False)
    expected = trusted(np.eye(4, dtype=np.float32)[labels], outputs)
    np.testing.assert_allclose(found(labels, outputs), expected, rtol=1e-5)


def test_the_same_seed_gives_the_same_weights(model: Any, context: Context) -> None:
    first, second = (run("prune", ModelState(model), context, epochs=0.2).model.get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("prune", {"sparsity": 1.5}),
        ("prune", {"sparsitty": 0.5}),
        ("cluster", {"num_clusters": 1}),
        ("prune_n_of_m", {"n": 4, "m": 4}),
    ],
)
def test_bad_parameters_are_refused(model: Any, context: Context, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        run(name, ModelState(model), context, **params)


def test_nothing_to_prune_is_an_error_with_a_way_out(context: Context) -> None:
    import tf_keras

    inputs = tf_keras.Input((8, 8, 1))
    bare = tf_keras.Model(inputs, tf_keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(PassError, match="no layer to work on") as caught:
        run("prune", ModelState(bare), context)
    assert "leave this recipe out" in caught.value.next_step


def test_a_diverging_pass_says_so(model: Any, context: Context) -> None:
    wild = dataclasses.replace(context, training=dataclasses.replace(context.training, learning_rate=1e30))
    with pytest.raises(Exception, match="loss"):
        run("prune", ModelState(model), wild, epochs=1)


def test_a_later_pass_may_not_undo_an_earlier_one(model: Any, context: Context) -> None:
    claimed = ModelState(model, invariants=(Sparsity("hidden", 0.9, (512, 64)),))
    with pytest.raises(InvariantError, match="hidden"):
        run("quantize_float16", claimed, context)


def test_a_recipe_runs_its_passes_in_order(model: Any, context: Context) -> None:
    quick = dataclasses.replace(context, training=dataclasses.replace(context.training, epochs_scale=0.05))
    result = execute(find_recipe("prune80_cluster32_w8a8_qat"), ModelState(model), quick)
    assert [record.name for record in result.passes] == ["prune", "fold_batch_norm", "cluster", "qat"]
    assert all(record.modified for record in result.passes)
    kinds = {item.kind for item in result.state.invariants if item.layer == "hidden"}
    assert kinds == {"sparsity", "num_clusters"}


def test_a_function_of_the_users_as_activation_is_kept(tmp_path: Path) -> None:
    import tf_keras

    def square(values: Any) -> Any:
        return values * values

    layers = tf_keras.layers
    inputs = layers.Input((8,))
    hidden = layers.Dense(160, activation=square, name="hidden")(inputs)
    model = tf_keras.Model(inputs, layers.Dense(3, name="out")(hidden))
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    data = Dataset("made up", Split("train", (x,), np.arange(64) % 3), None, None)
    context = Context(data, TrainingSettings(from_logits=True), 0, tmp_path, lambda *_: None)
    pruned = load_pass("prune")({}).run(ModelState(model), context).state.model
    pruned.set_weights(model.get_weights())
    np.testing.assert_allclose(pruned.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)
    trained = load_pass("qat")({}).run(ModelState(model), context).state.model
    trained.set_weights(model.get_weights())
    np.testing.assert_allclose(trained.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)
