"""The ONNX exporter with the real tf2onnx, TF-MOT and onnxruntime."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import ExportError
from edgetool.exporters.onnx.export import export_onnx
from edgetool.invariants import Invariant, NOfM, NumClusters, Sparsity
from edgetool.ir import read_graph
from edgetool.ir.kernels import find_kernel
from edgetool.passes.base import Context, ModelState, QuantizationScheme, TrainingSettings, layer_kernels
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner
from edgetool.verify.invariants import check_exported

SCHEMES = {
    "float32": QuantizationScheme(),
    "float16": QuantizationScheme.of("float16"),
    "w8_dynamic": QuantizationScheme.of("dynamic"),
    "w8a8_static": QuantizationScheme.of("static", "int8", num_calibration_samples=40),
    "w8a16_static": QuantizationScheme.of("static", "int16", num_calibration_samples=40),
}
#: Of outputs between 0 and 1, on data that calibrated: rounding of weights and activations.
TOLERANCES = {"float32": 1e-5, "float16": 2e-3, "w8_dynamic": 0.02, "w8a8_static": 0.06, "w8a16_static": 0.02}
INPUTS = np.random.default_rng(0).uniform(0, 1, (80, 12, 12, 3)).astype(np.float32)


def _context(*inputs: Any, seed: int = 0) -> Context:
    train = Split("train", inputs) if inputs else None
    return Context(Dataset("noise", train, None, None), TrainingSettings(), seed, Path(), lambda *_: None)


@pytest.fixture(scope="module")
def model() -> Any:
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(7)
    inputs = layers.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.Add(name="add")([x, layers.Conv2D(16, 1, name="point")(y)])
    x = layers.GlobalAveragePooling2D(name="pool")(layers.MaxPooling2D(name="half")(x))
    x = layers.Dense(48, activation="relu", name="hidden")(x)
    return tf_keras.Model(inputs, layers.Dense(4, activation="softmax", name="probabilities")(x), name="small")


def _run(path: Path, inputs: Any = INPUTS) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: inputs})[0]


@pytest.mark.parametrize("name", SCHEMES)
def test_every_mode_agrees_with_keras_and_names_its_kernels(model: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.onnx"
    result = export_onnx(ModelState(model, SCHEMES[name]), path, _context(INPUTS))
    onnx.checker.check_model(path, full_check=True)
    assert np.abs(_run(path) - model.predict(INPUTS, verbose=0)).max() < TOLERANCES[name]
    assert _run(path, INPUTS[:1]).shape == (1, 4)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["image"]
    assert [value.name for value in session.get_outputs()] == ["probabilities"]
    graph = read_graph(path)
    expected = layer_kernels(model)
    assert set(result.kernels) == set(expected)
    for layer, kernel in expected.items():
        found = find_kernel(graph, layer, kernel.shape, result.kernels[layer])
        assert found is not None and found.values.size == kernel.size, layer
        wanted = {"float32": "float32", "float16": "float16"}.get(name, "int8")
        assert kernel.size < 64 or found.values.dtype == wanted, layer


def test_the_same_model_and_seed_give_the_same_bytes(model: Any, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        export_onnx(ModelState(model, SCHEMES["w8a8_static"]), tmp_path / name, _context(INPUTS, seed=seed))
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_a_pruned_and_clustered_kernel_keeps_both_and_ships_smaller(model: Any, tmp_path: Path) -> None:
    import tf_keras

    pruned = tf_keras.models.clone_model(model)
    pruned.set_weights(model.get_weights())
    book = np.array([-0.3, -0.1, 0.0, 0.1, 0.2], np.float32)
    random = np.random.default_rng(5)
    kernel = np.where(random.uniform(size=(48, 4)) < 0.8, 0, book[random.integers(0, 5, (48, 4))]).astype(np.float32)
    hidden = np.where(random.uniform(size=(16, 48)) < 0.8, 0, book[random.integers(0, 5, (16, 48))]).astype(np.float32)
    pruned.get_layer("probabilities").kernel.assign(kernel)
    pruned.get_layer("hidden").kernel.assign(hidden)
    invariants = (NumClusters("hidden", 5, (16, 48)), Sparsity("hidden", 0.75, (16, 48)))
    for name in ("float32", "w8a8_static"):
        path = tmp_path / f"{name}.onnx"
        result = export_onnx(ModelState(pruned, SCHEMES[name], invariants), path, _context(INPUTS))
        found = find_kernel(read_graph(path), "hidden", (16, 48), result.kernels["hidden"])
        assert found is not None
        assert np.unique(found.values).size <= 5
        assert np.array_equal(found.values == 0, hidden == 0)
        assert np.abs(_run(path) - pruned.predict(INPUTS, verbose=0)).max() < TOLERANCES[name]
    dense = tmp_path / "dense.onnx"
    export_onnx(ModelState(model), dense, _context())
    assert (tmp_path / "float32.onnx").stat().st_size < dense.stat().st_size
    assert result.facts["opset"] == 18


def test_an_operator_without_onnx_form_is_an_export_error(tmp_path: Path) -> None:
    import tensorflow as tf
    import tf_keras

    inputs = tf_keras.layers.Input((4,))
    outputs = tf_keras.layers.Lambda(lambda x: tf.math.zeta(x + 2.0, x + 1.0), name="zeta")(inputs)
    path = tmp_path / "no.onnx"
    with pytest.raises(ExportError) as caught:
        export_onnx(ModelState(tf_keras.Model(inputs, outputs, name="odd")), path, _context())
    assert "Zeta" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_static_without_samples_is_an_export_error(model: Any, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="calibrate"):
        export_onnx(ModelState(model, SCHEMES["w8a8_static"]), tmp_path / "no.onnx", _context())


@pytest.mark.slow
def test_resnet8_in_int8_is_small_and_accurate(shared_models: Path, shared_data: Path, tmp_path: Path) -> None:
    import tf_keras

    keras_model = tf_keras.models.load_model(shared_models / "resnet8_cifar10.h5", compile=False)
    data = np.load(shared_data / "cifar10.npz", allow_pickle=False)
    images, labels = data["x_train"].astype(np.float32), data["y_train"]
    calibration, held_out = images[:4000], images[4000:6000]
    sizes, right = {}, {}
    for scheme in (QuantizationScheme(), QuantizationScheme.of("static", "int8")):
        path = tmp_path / f"{scheme.mode}.onnx"
        export_onnx(ModelState(keras_model, scheme), path, _context(calibration))
        outputs = _run(path, held_out)
        sizes[scheme.mode] = path.stat().st_size
        right[scheme.mode] = float(np.mean(outputs.argmax(axis=1) == labels[4000:6000]))
        if scheme.mode == "none":
            assert np.abs(outputs - keras_model.predict(held_out, verbose=0)).max() <= 1e-4
    assert sizes["static"] <= 104_000
    assert right["static"] >= right["none"] - 0.005


def _patterned(shape: tuple[int, ...], random: Any) -> Any:
    """Return a kernel `[..., I, O]` with at most 2 of each 4 inputs non-zero, in 4 values and zero."""
    book = np.array([-0.3, -0.1, 0.15, 0.25], np.float32)
    by_output = book[random.integers(0, 4, (*shape[:-2], shape[-1], shape[-2] // 4, 4))]
    kept = random.permuted(np.broadcast_to(np.array([True, True, False, False]), by_output.shape), axis=-1)
    return np.moveaxis((by_output * kept).reshape(*shape[:-2], shape[-1], shape[-2]), -1, -2)


@pytest.fixture(scope="module")
def patterned() -> Any:
    """Return a model of which every kernel but the first is 2:4, and all have few values and many zeros."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(3)
    inputs = layers.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(inputs)
    x = layers.MaxPooling2D(name="half")(layers.Conv2D(16, 3, name="wide")(x))
    x = layers.Dense(12, name="each_pixel")(x)  # four dimensions: MatMul and Add
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(40, use_bias=False, activation="relu", name="hidden")(x)  # no bias
    model = tf_keras.Model(inputs, layers.Dense(4, activation="softmax", name="probabilities")(x), name="patterned")
    random = np.random.default_rng(6)
    stem = np.array([-0.2, 0.0, 0.0, 0.3], np.float32)[random.integers(0, 4, (3, 3, 3, 8))]
    model.get_layer("stem").kernel.assign(stem)
    for name in ("wide", "each_pixel", "hidden", "probabilities"):
        kernel = model.get_layer(name).kernel
        kernel.assign(_patterned(tuple(kernel.shape), random))
    return model


def _ensured(model: Any) -> tuple[Invariant, ...]:
    found: list[Invariant] = []
    for layer, kernel in layer_kernels(model).items():
        found.append(NumClusters(layer, len(np.unique(kernel)), kernel.shape))
        found.append(Sparsity(layer, float(np.mean(kernel == 0)), kernel.shape))
        if layer != "stem":
            found.append(NOfM(layer, 2, 4, kernel.shape))
    return tuple(found)


@pytest.mark.parametrize("name", SCHEMES)
def test_zeros_clusters_and_patterns_hold_in_the_file(patterned: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.onnx"
    invariants = _ensured(patterned)
    result = export_onnx(ModelState(patterned, SCHEMES[name], invariants), path, _context(INPUTS))
    records = check_exported(path, invariants, result.kernels)
    assert {record.kind for record in records} == {"num_clusters", "sparsity", "n_of_m", "nonzero"}
    assert [record for record in records if not record.passed] == []
    for record in records:
        wanted = next((i.expected for i in invariants if (i.kind, i.layer) == (record.kind, record.layer)), 1.0)
        if record.kind == "n_of_m":
            assert record.found == 2.0
        elif record.kind != "nonzero":  # as many zeros and values as in Keras: no more, no less
            assert record.found == pytest.approx(wanted), record
    kinds = {op.kind for op in read_graph(path).ops}
    assert ("Pad" in kinds) == (name == "w8a8_static")  # the first convolution is widened there


def test_a_pattern_along_outputs_is_not_taken_for_one_along_inputs(patterned: Any, tmp_path: Path) -> None:
    import tf_keras

    turned = tf_keras.models.clone_model(patterned)
    turned.set_weights(patterned.get_weights())
    for layer in ("hidden", "wide"):
        kernel = patterned.get_layer(layer).kernel
        rotated = np.swapaxes(_patterned((*kernel.shape[:-2], kernel.shape[-1], kernel.shape[-2]), _random()), -1, -2)
        turned.get_layer(layer).kernel.assign(rotated)
    for name in ("float32", "w8a8_static"):
        path = tmp_path / f"{name}.onnx"
        result = export_onnx(ModelState(turned, SCHEMES[name]), path, _context(INPUTS))
        records = check_exported(path, _ensured(patterned), result.kernels)
        broken = {record.layer for record in records if record.kind == "n_of_m" and not record.passed}
        assert broken == {"hidden", "wide"}


def _random() -> Any:
    return np.random.default_rng(9)


def test_padding_and_normalised_dense_layers_stay_in_integers(tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(4)
    inputs = layers.Input((12, 12, 4), name="image")
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="conv2d")(layers.ZeroPadding2D(((0, 1), (0, 1)))(inputs))
    x = layers.Dense(16, use_bias=False, name="hidden")(layers.GlobalAveragePooling2D()(x))
    x = layers.ReLU()(layers.BatchNormalization(beta_initializer="random_normal", name="norm")(x))
    model = tf_keras.Model(inputs, layers.Dense(4, bias_initializer="ones", name="scores")(x), name="padded")
    model.get_layer("norm").moving_variance.assign(np.linspace(0.01, 0.1, 16))
    images = np.random.default_rng(2).uniform(0, 1, (60, 12, 12, 4)).astype(np.float32)
    path = tmp_path / "model.onnx"
    result = export_onnx(ModelState(model, SCHEMES["w8a8_static"]), path, _context(images))
    assert result.kernels == {name: f"{name}/kernel" for name in ("conv2d", "hidden", "scores")}
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert kinds <= {
        "Transpose",
        "QuantizeLinear",
        "DequantizeLinear",
        "Conv",
        "Relu",
        "GlobalAveragePool",
        "Flatten",
        "Gemm",
    }
    expected = model.predict(images, verbose=0)
    assert np.abs(_run(path, images) - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_an_unrolled_recurrent_layer_is_one_operator_and_stays_unrolled_in_the_model(kind: str, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    series = np.random.default_rng(2).normal(size=(40, 7, 5)).astype(np.float32)
    inputs = layers.Input((7, 5), name="series")
    layer = getattr(layers, kind)(24, unroll=True, name="memory")
    model = tf_keras.Model(inputs, layers.Dense(2, name="out")(layer(inputs)))
    expected = model.predict(series, verbose=0)
    sizes = {}
    for name, most in (("float32", 1e-5), ("w8_dynamic", 0.05), ("w8a8_static", 0.05)):
        path = tmp_path / f"{name}.onnx"
        export_onnx(ModelState(model, SCHEMES[name]), path, _context(series))
        kinds = [op.kind for op in read_graph(path).ops]
        assert kinds.count(kind) == 1 and len(kinds) < 16, kinds
        assert np.abs(_run(path, series) - expected).max() < most
        sizes[name] = path.stat().st_size
    assert sizes["w8a8_static"] < 0.6 * sizes["float32"] and sizes["w8_dynamic"] < 0.6 * sizes["float32"]
    assert layer.unroll is True
    np.testing.assert_array_equal(model.predict(series, verbose=0), expected)


def test_a_recurrent_layer_that_onnx_has_no_operator_for_stays_unrolled(tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    series = np.random.default_rng(2).normal(size=(40, 4, 5)).astype(np.float32)
    inputs = layers.Input((4, 5), name="series")
    model = tf_keras.Model(inputs, layers.GRU(6, unroll=True, activation="relu", name="memory")(inputs))
    path = tmp_path / "m.onnx"
    export_onnx(ModelState(model), path, _context(series))
    assert {op.kind for op in read_graph(path).ops}.isdisjoint({"GRU", "Loop", "Scan"})
    assert np.abs(_run(path, series) - model.predict(series, verbose=0)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_what_training_leaves_in_float_is_stored_as_int8(kind: str, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    from edgetool.exporters import load_exporter
    from edgetool.passes import load_pass

    ids = np.random.default_rng(4).integers(0, 200, (64, 6)).astype(np.int32)
    inputs = layers.Input((6,), dtype="int32", name="ids")
    # Of ordinary size: an int8 LSTM gives its state in steps of 1/128, below which a table of 0.05 would vanish.
    tf_keras.utils.set_random_seed(0)
    wide = tf_keras.initializers.RandomUniform(-2.0, 2.0, seed=0)
    x = layers.Embedding(200, 16, embeddings_initializer=wide, name="table")(inputs)
    x = layers.MultiHeadAttention(2, 24, name="attention")(x, x)
    x = layers.Dense(80, activation="relu", name="hidden")(layers.LSTM(32, name="memory")(x))
    model = tf_keras.Model(inputs, layers.Dense(3, name="out")(x), name="mixed")
    data = Dataset("made up", Split("train", (ids,), ids[:, 0] % 3), None, None)
    context = Context(data, TrainingSettings(from_logits=True), 0, tmp_path, lambda *_: None)
    state = load_pass("qat")({}).run(ModelState(model), context).state
    path = tmp_path / f"aware.{kind}"
    load_exporter(kind)(state, path, context)
    graph = read_graph(path)
    large = [
        t.name
        for t in graph.tensors.values()
        if t.constant is not None and t.dtype == "float32" and t.constant.size > 1024
    ]
    assert large == []
    expected = state.model.predict(ids, verbose=0)
    with ProcessRunner().open(path, RunPlan()) as session:
        found = session.outputs((ids,))[0]
    assert 10 * np.log10((expected**2).sum() / ((found - expected) ** 2).sum()) > 20


def test_layers_of_a_convnext_are_right_on_images_of_one_pixel(tmp_path: Path) -> None:
    """A LayerNormalization squares: the Transpose behind the square must not become a Reshape to another shape."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(3)
    inputs = layers.Input((4, 4, 3))
    x = layers.Conv2D(8, 4)(inputs)
    for _ in range(2):
        y = layers.LayerNormalization(epsilon=1e-6)(layers.DepthwiseConv2D(3, padding="same")(x))
        x = layers.Add()([x, layers.Dense(8)(layers.Dense(32, activation="gelu")(y))])
    model = tf_keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    images = np.random.default_rng(0).normal(size=(6, 4, 4, 3)).astype(np.float32)
    export_onnx(ModelState(model, SCHEMES["float32"]), tmp_path / "model.onnx", _context())
    assert np.abs(_run(tmp_path / "model.onnx", images) - model.predict(images, verbose=0)).max() < 1e-5
