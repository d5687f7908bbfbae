"""The TFLite exporter with the real converter and LiteRT's own kernels."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import ExportError
from edgetool.exporters.tflite.export import export_tflite
from edgetool.exporters.tflite.file import constant, unpack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.invariants import NumClusters
from edgetool.passes.base import Context, ModelState, QuantizationScheme, TrainingSettings, layer_kernels

SCHEMES = {
    "float32": QuantizationScheme(),
    "float16": QuantizationScheme.of("float16"),
    "w8_dynamic": QuantizationScheme.of("dynamic"),
    "w8a8_static": QuantizationScheme.of("static", "int8", num_calibration_samples=40),
    "w8a16_static": QuantizationScheme.of("static", "int16", num_calibration_samples=40),
}
#: Of outputs between 0 and 1, on data that calibrated: rounding of weights and activations.
TOLERANCES = {"float32": 1e-5, "float16": 2e-3, "w8_dynamic": 0.02, "w8a8_static": 0.06, "w8a16_static": 0.02}


def _context(*inputs, seed=0):
    dataset = Dataset("test", Split("train", inputs), None, None)
    return Context(dataset, TrainingSettings(), seed, None, lambda *_: None)


def _run(content, *inputs, reference=False):
    """Run a batch through LiteRT; quantise inputs and dequantise outputs by the file's own scales."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind, num_threads=1)
    details = interpreter.get_input_details()
    for detail, values in zip(details, inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], values.shape)
    interpreter.allocate_tensors()
    for detail, values in zip(details, inputs, strict=True):
        if detail["dtype"] != np.float32:
            scale, zero_point = detail["quantization"]
            info = np.iinfo(detail["dtype"])
            values = np.clip(np.round(values / scale) + zero_point, info.min, info.max).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    outputs = []
    for detail in interpreter.get_output_details():
        values = interpreter.get_tensor(detail["index"]).astype(np.float32)
        scale, zero_point = detail["quantization"]
        outputs.append((values - zero_point) * scale if scale else values)
    return outputs


def _batch_norm_weights(layer, rng):
    """Give a fresh batch normalisation statistics as training would, so that folding changes kernels."""
    channels = layer.gamma.shape[0]
    layer.set_weights(
        [
            rng.uniform(0.5, 2.0, channels),
            rng.normal(0, 0.1, channels),
            rng.normal(0, 0.1, channels),
            rng.uniform(0.5, 2, channels),
        ]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(3).random((40, 12, 12, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def small_cnn():
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((12, 12, 3), name="image"),
            layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv_a"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_a"),
            layers.Dense(5, activation="softmax", name="scores"),
        ],
        name="small",
    )
    _batch_norm_weights(model.get_layer("norm"), np.random.default_rng(2))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SCHEMES)
def test_every_mode_agrees_with_keras_in_any_batch(recipe, small_cnn, images, tmp_path):
    path = tmp_path / "model.tflite"
    result = export_tflite(ModelState(small_cnn, SCHEMES[recipe]), path, _context(images))
    expected = small_cnn.predict(images, verbose=0)
    for count in (1, 7):
        (found,) = _run(path.read_bytes(), images[:count])
        assert np.max(np.abs(found - expected[:count])) < TOLERANCES[recipe]
    integer = {"w8a8_static": "int8", "w8a16_static": "int16"}.get(recipe, "float32")
    assert (result.facts["input_dtype"], result.facts["output_dtype"]) == (integer, integer)
    assert result.facts["batch_resizable"] is True
    assert result.kernels == {layer: f"{layer}/kernel" for layer in ("conv_a", "depthwise", "dense_a", "scores")}
    assert not list(tmp_path.glob(".*")), "no temporary file is left"


def test_file_is_small_static_and_named(small_cnn, images, tmp_path):
    path = tmp_path / "model.tflite"
    export_tflite(ModelState(small_cnn, SCHEMES["w8a8_static"]), path, _context(images))
    model = unpack(path.read_bytes())
    graph = model.subgraphs[0]
    tensors = {tensor.name.decode(): tensor for tensor in graph.tensors}
    assert [int(size) for size in tensors["image"].shape] == [1, 12, 12, 3]
    assert [int(size) for size in tensors["conv_a/kernel"].shape] == [16, 3, 3, 3]
    assert "RESHAPE" not in [operator_name(model, operator) for operator in graph.operators]
    num_weights = sum(kernel.size for kernel in layer_kernels(small_cnn).values())
    assert path.stat().st_size < num_weights + 8000


@pytest.mark.slow
def test_same_model_and_seed_give_the_same_bytes(small_cnn, images, tmp_path):
    scheme = QuantizationScheme.of("static", "int8", num_calibration_samples=10)
    files = []
    for number, seed in enumerate((0, 0, 1)):
        path = tmp_path / f"{number}.tflite"
        export_tflite(
            ModelState(small_cnn, scheme),
            path,
            _context(images * np.linspace(0.5, 2, 40)[:, None, None, None].astype(np.float32), seed=seed),
        )
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2], "the seed chooses the calibration samples"


def test_export_is_silent(small_cnn, images, tmp_path, capfd):
    export_tflite(ModelState(small_cnn, SCHEMES["w8a8_static"]), tmp_path / "model.tflite", _context(images))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_inputs_and_outputs_keep_the_order_of_the_model(tmp_path):
    import tf_keras

    layers = tf_keras.layers
    zeta, alpha = layers.Input((6,), name="zeta"), layers.Input((4,), name="alpha")
    joined = layers.Concatenate()([layers.Dense(8, name="of_zeta")(zeta), layers.Dense(8, name="of_alpha")(alpha)])
    outputs = [layers.Dense(3, name="second_by_name")(joined), layers.Dense(2, name="first_by_name")(joined)]
    model = tf_keras.Model([zeta, alpha], outputs, name="two")
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=(30, 4)).astype(np.float32)
    for name in ("float32", "w8a8_static"):
        path = tmp_path / f"{name}.tflite"
        export_tflite(ModelState(model, SCHEMES[name]), path, _context(*inputs))
        graph = unpack(path.read_bytes()).subgraphs[0]
        assert [graph.tensors[int(i)].name for i in graph.inputs] == [b"zeta", b"alpha"]
        assert [graph.tensors[int(i)].name for i in graph.outputs] == [b"second_by_name", b"first_by_name"]
        for found, expected in zip(_run(path.read_bytes(), *inputs), model.predict(inputs, verbose=0), strict=True):
            assert np.max(np.abs(found - expected)) < 0.02 * np.ptp(expected)


@pytest.mark.slow
def test_recurrent_model_has_a_fixed_batch_and_says_so(tmp_path):
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((6, 3)), layers.LSTM(4, name="lstm"), layers.Dense(2, name="out")])
    series = np.random.default_rng(0).normal(size=(20, 6, 3)).astype(np.float32)
    result = export_tflite(ModelState(model), tmp_path / "m.tflite", _context(series))
    assert result.facts["batch_resizable"] is False
    assert any("batch is fixed to 1" in note for note in result.notes)
    assert any("reset_all_variables" in note for note in result.notes)
    (found,) = _run((tmp_path / "m.tflite").read_bytes(), series[:1])
    assert np.max(np.abs(found - model.predict(series[:1], verbose=0))) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "is_sequence", "recipe"),
    [(0.1, False, "w8a8_static"), (3.0, True, "w8a8_static"), (1.0, True, "w8a16_static")],
)
def test_an_lstm_is_as_good_in_integers_whatever_its_cells_hold(size, is_sequence, recipe, tmp_path):
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    inputs = layers.Input((6, 8))
    hidden = layers.LSTM(16, return_sequences=is_sequence)(inputs)
    model = tf_keras.Model(inputs, layers.Dense(3)(hidden))
    series = (size * np.random.default_rng(0).normal(size=(40, 6, 8))).astype(np.float32)
    export_tflite(ModelState(model, SCHEMES[recipe]), tmp_path / "m.tflite", _context(series))
    content = (tmp_path / "m.tflite").read_bytes()
    found = np.concatenate([_run(content, series[index : index + 1])[0] for index in range(20)])
    expected = model(series[:20]).numpy()
    assert 10 * np.log10(np.sum(expected**2) / np.sum((found - expected) ** 2)) > 25.0


@pytest.mark.slow
def test_a_masked_pair_of_recurrent_layers_is_written_out_in_int8(tmp_path):
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential(
        [layers.Input((4, 3)), layers.Masking(), layers.Bidirectional(layers.LSTM(3)), layers.Dense(2)]
    )
    series = np.random.default_rng(0).normal(size=(40, 4, 3)).astype(np.float32)
    series[np.arange(4) >= np.random.default_rng(1).integers(1, 5, (40, 1))] = 0.0
    result = export_tflite(ModelState(model, SCHEMES["w8a8_static"]), tmp_path / "m.tflite", _context(series))
    content = (tmp_path / "m.tflite").read_bytes()
    note = next(note for note in result.notes if "bidirectional in 4 steps" in note)
    assert f"{len(content):,} bytes" in note
    found = np.concatenate([_run(content, series[index : index + 1])[0] for index in range(20)])
    expected = model(series[:20]).numpy()
    assert 10 * np.log10(np.sum(expected**2) / np.sum((found - expected) ** 2)) > 25.0


@pytest.mark.parametrize("recipe", ["float32", "w8_dynamic"])
def test_a_loop_that_gives_its_sequence_can_be_prepared(recipe, tmp_path):
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((4, 3)), layers.GRU(3, return_sequences=True)])
    series = np.random.default_rng(0).normal(size=(1, 4, 3)).astype(np.float32)
    export_tflite(ModelState(model, SCHEMES[recipe]), tmp_path / "m.tflite", _context(series))
    (found,) = _run((tmp_path / "m.tflite").read_bytes(), series)
    assert np.abs(found - model(series).numpy()).max() < TOLERANCES[recipe]


def test_operator_without_a_kernel_is_named_with_its_layer(tmp_path):
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [layers.Input((4, 4)), layers.Lambda(tf.linalg.inv, name="inverse"), layers.Flatten(), layers.Dense(2)],
        name="bad",
    )
    path = tmp_path / "bad.tflite"
    with pytest.raises(ExportError) as caught:
        export_tflite(ModelState(model), path, _context(np.zeros((1, 4, 4), np.float32)))
    assert caught.value.subject == "inverse"
    assert "MatrixInverse" in caught.value.found
    assert list(tmp_path.iterdir()) == []


def _prune(model, share):
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            kernel, *rest = layer.get_weights()
            kernel[np.abs(kernel) <= np.quantile(np.abs(kernel), share)] = 0
            layer.set_weights([kernel, *rest])


@pytest.fixture(scope="module")
def pruned_cnn():
    import tf_keras

    tf_keras.utils.set_random_seed(4)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_a"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="conv_b"),
            layers.Flatten(),
            layers.Dense(128, activation="relu", name="dense_a"),
            layers.Dense(5, activation="softmax", name="scores"),
        ],
        name="pruned",
    )
    _prune(model, 0.8)
    kernel, bias = model.get_layer("scores").get_weights()
    model.get_layer("scores").set_weights([12 * kernel, bias])  # so that the outputs tell the classes apart
    return model


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["float32", "float16", "w8a8_static", "w8a16_static"])
def test_pruned_file_is_sparse_and_computes_the_same(recipe, pruned_cnn, images, tmp_path, monkeypatch):
    from edgetool.exporters.tflite import export as tflite
    from edgetool.exporters.tflite.sparse import SparseReport

    state = ModelState(pruned_cnn, SCHEMES[recipe])
    result = export_tflite(state, tmp_path / "sparse.tflite", _context(images))
    with monkeypatch.context() as patch:
        patch.setattr(tflite, "sparsify", lambda model: SparseReport(0, 0, ()))
        export_tflite(state, tmp_path / "dense.tflite", _context(images))
    sparse, dense = ((tmp_path / name).read_bytes() for name in ("sparse.tflite", "dense.tflite"))
    share = {"float32": 0.35, "float16": 0.45, "w8a8_static": 0.45, "w8a16_static": 0.65}[recipe]
    assert len(sparse) < share * len(dense)
    assert result.facts["num_sparse_tensors"] >= 2
    assert any("DENSIFY" in note for note in result.notes)
    for reference in (False, True):
        for count in (1, 4):
            (expected,) = _run(dense, images[:count], reference=reference)
            (found,) = _run(sparse, images[:count], reference=reference)
            assert np.array_equal(found, expected)
            assert np.ptp(expected) > 0.05


def test_pruned_dynamic_file_says_why_it_stays_dense(pruned_cnn, images, tmp_path):
    result = export_tflite(ModelState(pruned_cnn, SCHEMES["w8_dynamic"]), tmp_path / "m.tflite", _context(images))
    left = [note for note in result.notes if "cannot unpack int8 weights for float activations" in note]
    assert [note.partition(" ")[0] for note in left] == ["conv_b/kernel", "dense_a/kernel"]
    _run((tmp_path / "m.tflite").read_bytes(), images[:2])


def _cluster(kernel, count):
    """Put every value to the nearest of `count` evenly spaced ones."""
    centres = np.linspace(kernel.min(), kernel.max(), count)
    return centres[np.argmin(np.abs(kernel[..., None] - centres), axis=-1)].astype(np.float32)


@pytest.mark.slow
def test_clusters_survive_folding_and_quantisation(small_cnn, images, tmp_path):
    import tf_keras

    model = tf_keras.models.clone_model(small_cnn)
    model.set_weights(small_cnn.get_weights())
    for name in ("conv_a", "dense_a"):
        kernel, *rest = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([_cluster(kernel, 16), *rest])
    kernels = layer_kernels(model)
    invariants = tuple(NumClusters(name, 16, kernels[name].shape) for name in ("conv_a", "dense_a"))
    expected = model.predict(images, verbose=0)
    scheme = QuantizationScheme.of("static", "int8", per_channel=False, num_calibration_samples=40)
    path = tmp_path / "m.tflite"
    result = export_tflite(ModelState(model, scheme, invariants), path, _context(images))
    file = unpack(path.read_bytes())
    tensors = {tensor.name.decode(): tensor for tensor in file.subgraphs[0].tensors}
    for name in ("conv_a", "dense_a"):
        stored = constant(file, tensors[result.kernels[name]])
        assert stored.dtype == np.int8
        assert np.unique(stored).size <= 16
    assert (result.facts["input_dtype"], result.facts["output_dtype"]) == ("int8", "int8")
    (found,) = _run(path.read_bytes(), images)
    assert np.max(np.abs(found - expected)) < 0.1


@pytest.mark.slow
def test_clusters_survive_behind_a_layer_normalisation(tmp_path):
    import tf_keras

    rng = np.random.default_rng(0)
    inputs = tf_keras.Input((12, 32))
    normal = tf_keras.layers.LayerNormalization(name="norm")(inputs)
    hidden = tf_keras.layers.Dense(32, activation="relu", name="hidden")(normal)
    model = tf_keras.Model(inputs, tf_keras.layers.Add()([normal, hidden]))
    gamma, beta = rng.uniform(0.5, 2.0, 32), rng.normal(0.0, 0.3, 32)  # other than 1 and 0, to which they begin
    model.get_layer("norm").set_weights([gamma, beta])
    kernel = _cluster(rng.normal(size=(32, 32)), 16)
    model.get_layer("hidden").set_weights([kernel, rng.normal(size=32)])
    signals = rng.normal(size=(40, 12, 32)).astype(np.float32)
    path = tmp_path / "m.tflite"
    scheme = QuantizationScheme.of("static", "int8", per_channel=False, num_calibration_samples=40)
    invariant = NumClusters("hidden", 16, kernel.shape)
    result = export_tflite(ModelState(model, scheme, (invariant,)), path, _context(signals))
    file = unpack(path.read_bytes())
    (index,) = [i for i, t in enumerate(file.subgraphs[0].tensors) if t.name.decode() == result.kernels["hidden"]]
    assert np.unique(constant(file, file.subgraphs[0].tensors[index])).size <= 16
    (found,) = _run(path.read_bytes(), signals)
    expected = model.predict(signals, verbose=0)
    assert np.mean((found - expected) ** 2) < np.var(expected) / 300  # 25 dB


@pytest.mark.slow
def test_resnet8_is_small_and_accurate(shared_models, shared_data, tmp_path):
    import tf_keras

    model = tf_keras.models.load_model(shared_models / "resnet8_cifar10.h5", compile=False)
    with np.load(shared_data / "cifar10.npz", allow_pickle=False) as data:
        train, test, labels = data["x_train"].astype(np.float32), data["x_test"].astype(np.float32), data["y_test"]
    accuracy = {}
    for name, scheme in (("float32", QuantizationScheme()), ("w8a8_static", QuantizationScheme.of("static", "int8"))):
        path = tmp_path / f"{name}.tflite"
        export_tflite(ModelState(model, scheme), path, _context(train))
        accuracy[name] = float(np.mean(_run(path.read_bytes(), test)[0].argmax(1) == labels))
    assert round(accuracy["float32"], 3) == 0.873
    assert accuracy["w8a8_static"] >= accuracy["float32"] - 0.005
    assert path.stat().st_size < 90_000
