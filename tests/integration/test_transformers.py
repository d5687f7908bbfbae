"""Transformers: traced plainly, exported to both formats, and generating with a cache as without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.exporters import load_exporter
from edgetool.exporters.tracing import plain_operators
from edgetool.importers import import_model
from edgetool.importers.base import ImportOptions
from edgetool.ir import read_graph
from edgetool.ir.keras import config_macs
from edgetool.ir.macs import op_macs
from edgetool.passes import load_pass
from edgetool.passes.base import Context, ModelState, QuantizationScheme, TrainingSettings
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner
from edgetool.verify.invariants import check_exported

tf_keras = pytest.importorskip("tf_keras")

LENGTH, WIDTH, VOCABULARY = 8, 16, 30


def _shake(model: Any) -> Any:
    """Give every weight noise, so that biases and tables count."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([w + random.normal(0, 0.1, w.shape).astype(np.float32) for w in layer.get_weights()])
    return model


def _encoder(*, causal: bool) -> Any:
    from edgetool_models.blocks.transformer import encoder_block, position_embedding

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    ids = tf_keras.Input((LENGTH,), dtype="int32", name="ids")
    mask = tf_keras.Input((LENGTH,), dtype="int32", name="mask")
    row = None if causal else layers.Reshape((1, LENGTH), name="mask_row")(mask)
    x = position_embedding(tf_keras, layers.Embedding(VOCABULARY, WIDTH, name="token")(ids))
    x = encoder_block(tf_keras, x, num_heads=2, ff_width=32, name="block1", mask=row, causal=causal)
    outputs = layers.Dense(3, name="scores")(layers.GlobalAveragePooling1D(name="pool")(x, mask=mask))
    return _shake(tf_keras.Model([ids, mask], outputs, name="encoder"))


def _samples(num: int = 24) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    lengths = random.integers(2, LENGTH + 1, (num, 1))
    ids = random.integers(0, VOCABULARY, (num, LENGTH)).astype(np.int32)
    return ids, (np.arange(LENGTH) < lengths).astype(np.int32)


def _export(model: Any, inputs: Any, kind: str, scheme: QuantizationScheme, folder: Path) -> tuple[Path, Any]:
    data = Dataset("made up", Split("train", tuple(inputs)), None, None)
    context = Context(data, TrainingSettings(), 0, folder, lambda *_: None)
    path = folder / f"model.{kind}"
    return path, load_exporter(kind)(ModelState(model, scheme), path, context)


def _run(path: Path, inputs: Any) -> Any:
    session = ProcessRunner().open(path, RunPlan())
    try:
        return session.outputs(tuple(inputs))
    finally:
        session.close()


def _sqnr_db(reference: Any, found: Any) -> float:
    return float(10.0 * np.log10((reference**2).sum() / ((found - reference) ** 2).sum()))


@pytest.mark.parametrize(
    "build",
    [
        lambda layers, x: layers.Dense(5, activation="gelu")(x),
        lambda layers, x: layers.EinsumDense("abc,c->abc", (LENGTH, WIDTH), bias_axes="bc")(x),
        lambda layers, x: layers.EinsumDense("abc,cde->abde", (LENGTH, 2, 4), bias_axes="de")(x),
        lambda layers, x: layers.EinsumDense("abc,cde->abde", (LENGTH, 2, 4), bias_axes="d")(x),
        lambda layers, x: layers.EinsumDense("abc,bd->adc", (4, WIDTH))(x),  # stays an einsum
        lambda layers, x: layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True),
        lambda layers, x: layers.Reshape((WIDTH, LENGTH))(x),
    ],
)
def test_plain_operators_give_the_same(build: Any) -> None:
    import tensorflow as tf

    inputs = tf_keras.Input((LENGTH, WIDTH))
    model = _shake(tf_keras.Model(inputs, build(tf_keras.layers, inputs)))
    x = np.random.default_rng(2).normal(size=(3, LENGTH, WIDTH)).astype(np.float32)
    expected = model(x).numpy()
    with plain_operators():
        traced = tf.function(lambda value: model(value, training=False)).get_concrete_function(
            tf.TensorSpec((None, LENGTH, WIDTH), tf.float32)
        )
    np.testing.assert_allclose(traced(tf.constant(x)).numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_both_formats_take_attention(kind: str, causal: bool, tmp_path: Path) -> None:
    model, inputs = _encoder(causal=causal), _samples()
    path, result = _export(model, inputs, kind, QuantizationScheme(), tmp_path)
    graph = read_graph(path)
    kinds = [op.kind for op in graph.ops]
    assert not {"SHAPE", "Shape", "Einsum", "Erf"} & set(kinds)
    if kind == "onnx":
        assert kinds.count("LayerNormalization") == 2 and kinds.count("Gelu") == 1 and kinds.count("Gemm") == 7
    else:
        assert result.facts["batch_resizable"] is True and kinds.count("GELU") == 1
    macs = [op_macs(graph, op) for op in graph.ops]
    config = {"class_name": "Functional", "config": model.get_config()}
    assert None not in macs and sum(found for found in macs if found is not None) == config_macs(config)
    expected = model.predict(list(inputs), verbose=0)
    assert np.abs(_run(path, inputs)[0] - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_what_stands_under_the_mask_does_not_count(kind: str, tmp_path: Path) -> None:
    ids, mask = _samples()
    path, _ = _export(_encoder(causal=False), (ids, mask), kind, QuantizationScheme(), tmp_path)
    other = np.where(mask == 1, ids, 7).astype(np.int32)
    np.testing.assert_allclose(_run(path, (ids, mask))[0], _run(path, (other, mask))[0], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("kind", "integer_only"), [("tflite", False), ("tflite", True), ("onnx", False)])
def test_masks_leave_room_for_int8_scores(kind: str, integer_only: bool, causal: bool, tmp_path: Path) -> None:
    model, inputs = _encoder(causal=causal), _samples(64)
    scheme = QuantizationScheme.of("static", "int8", integer_only=integer_only)
    path, result = _export(model, inputs, kind, scheme, tmp_path)
    assert _sqnr_db(model.predict(list(inputs), verbose=0), _run(path, inputs)[0]) > 15.0
    assert any("float32 between int8 products" in note for note in result.notes) is (
        kind == "tflite" and not integer_only
    )


@pytest.mark.slow
def test_a_mask_hides_whatever_the_scores_are(tmp_path: Path) -> None:
    """Scores of a trained language model range over a hundred; -16 more did not hide the largest from softmax."""
    model, inputs = _encoder(causal=True), _samples(64)
    attention = model.get_layer("block1_attention")
    attention.set_weights(
        [weight * (6.0 if weight.shape == (WIDTH, 2, 8) else 1.0) for weight in attention.get_weights()]
    )
    expected = model.predict(list(inputs), verbose=0)
    path, _ = _export(model, inputs, "tflite", QuantizationScheme.of("static", "int8"), tmp_path)
    assert _sqnr_db(expected, _run(path, inputs)[0]) > 15.0
    (tmp_path / "integers").mkdir()
    scheme = QuantizationScheme.of("static", "int8", integer_only=True)
    path, _ = _export(model, inputs, "tflite", scheme, tmp_path / "integers")
    assert _sqnr_db(expected, _run(path, inputs)[0]) < 12.0, "this model no longer tells the two apart"


@pytest.mark.slow
@pytest.mark.parametrize("origin", ["keras", "tflite"])
@pytest.mark.parametrize("integer_only", [False, True])
def test_attention_and_normalisation_stay_float_between_int8_products(
    origin: str, integer_only: bool, tmp_path: Path
) -> None:
    model, inputs = _encoder(causal=False), _samples(64)
    source: Any = model
    if origin == "tflite":
        path, _ = _export(model, inputs, "tflite", QuantizationScheme(), tmp_path)
        source = import_model(str(path.rename(tmp_path / "source.tflite")), ImportOptions()).model
    scheme = QuantizationScheme.of("static", "int8", integer_only=integer_only)
    path, _ = _export(source, inputs, "tflite", scheme, tmp_path)
    graph = read_graph(path)
    in_float = {op.kind for op in graph.ops if graph.tensors[op.outputs[0]].dtype == "float32"}
    in_int8 = {op.kind for op in graph.ops if graph.tensors[op.outputs[0]].dtype == "int8"}
    assert "FULLY_CONNECTED" in in_int8 - in_float
    attention = {"BATCH_MATMUL", "SOFTMAX", "SQUARED_DIFFERENCE", "RSQRT", "MEAN"}
    assert attention <= (in_int8 - in_float if integer_only else in_float - in_int8)
    least = 12.0 if integer_only else 18.0
    assert _sqnr_db(model.predict(list(inputs), verbose=0), _run(path, inputs)[0]) > least


@pytest.mark.parametrize(("num_steps", "most"), [(0, 1e-6), (255, 1e-6), (65535, 1e-4)])
def test_means_under_a_mask_and_norms_are_the_layers_own(num_steps: int, most: float) -> None:
    layers = tf_keras.layers
    inputs, mask = tf_keras.Input((LENGTH, WIDTH)), tf_keras.Input((LENGTH,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(inputs), mask=mask)
    model = _shake(tf_keras.Model([inputs, mask], pooled))
    x = np.random.default_rng(2).normal(size=(24, LENGTH, WIDTH)).astype(np.float32)
    counted = _samples()[1]
    expected = model([x, counted]).numpy()
    with plain_operators(num_steps=num_steps):
        np.testing.assert_allclose(model([x, counted]).numpy(), expected, atol=most)
        assert not model([x, 0 * counted]).numpy().any()


@pytest.mark.slow
@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_integer_files_run_with_and_without_a_token(activations: Any, tmp_path: Path) -> None:
    model, (ids, mask) = _encoder(causal=False), _samples(64)
    _export(model, (ids, mask), "tflite", QuantizationScheme(), tmp_path)  # a conversion leaves its traces on layers
    path, _ = _export(model, (ids, mask), "tflite", QuantizationScheme.of("static", activations), tmp_path)
    expected = model.predict([ids, mask], verbose=0)
    assert _sqnr_db(expected, _run(path, (ids, mask))[0]) > {"int8": 15.0, "int16": 30.0}[activations]
    assert np.isfinite(_run(path, (ids, 0 * mask))[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_positions_behind_a_dense_layer_take_16_bits(kind: str, tmp_path: Path) -> None:
    """TensorFlow's converter folds the scale of the features into the bias, which its quantiser wants as a vector."""
    from edgetool_models.blocks.transformer import position_embedding

    layers = tf_keras.layers
    inputs = tf_keras.Input((LENGTH, WIDTH))
    x = position_embedding(tf_keras, layers.Dense(WIDTH, name="embedding")(inputs))
    model = _shake(tf_keras.Model(inputs, layers.Dense(5, name="scores")(x)))
    samples = (np.random.default_rng(1).normal(size=(64, LENGTH, WIDTH)).astype(np.float32),)
    path, _ = _export(model, samples, kind, QuantizationScheme.of("static", "int16"), tmp_path)
    if kind == "tflite":
        assert {op.kind for op in read_graph(path).ops} == {"FULLY_CONNECTED", "ADD"}
    assert _sqnr_db(model.predict(samples[0], verbose=0), _run(path, samples)[0]) > 30.0


@pytest.mark.slow
def test_passes_that_train_leave_tokens_and_attention_alone(tmp_path: Path) -> None:
    inputs = _samples(64)
    data = Dataset("made up", Split("train", inputs, np.arange(64) % 3), None, None)
    context = Context(data, TrainingSettings(from_logits=True), 0, tmp_path, lambda *_: None)
    state = ModelState(_encoder(causal=False))
    for name, params in (("prune", {"min_elements": 500}), ("cluster", {"min_elements": 500}), ("qat", {})):
        state = load_pass(name)(params).run(state, context).state
    for step in ("prune", "cluster", "qat"):
        left = {item.layer: item.reason for item in state.skipped if item.step == step}
        assert "token" in left, step
        assert {"block1_expand", "block1_reduce"}.isdisjoint(left), step
        assert ("block1_attention" in left) == (step != "qat"), "products inside an attention are trained for int8"
    exported = load_exporter("tflite")(state, tmp_path / "model.tflite", context)
    checked = check_exported(tmp_path / "model.tflite", state.invariants, exported.kernels)
    assert {item.layer for item in checked} >= {"block1_expand", "block1_reduce"}
    assert all(item.passed for item in checked), checked
    graph = read_graph(tmp_path / "model.tflite")
    assert {graph.tensors[exported.kernels[f"block1_{name}"]].dtype for name in ("expand", "reduce")} == {"int8"}
    expected = state.model.predict(list(inputs), verbose=0)
    assert _sqnr_db(expected, _run(tmp_path / "model.tflite", inputs)[0]) > 15.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_step_with_a_cache_gives_the_logits_of_the_whole_model(kind: str, tmp_path: Path) -> None:
    import edgetool_models.gpt_mini as gpt

    model, step = _shake(gpt.build(tf_keras)), gpt.build_step(tf_keras)
    gpt.copy_weights(model, step)
    ids = np.random.default_rng(3).integers(1, gpt.VOCAB_SIZE, (1, gpt.LENGTH)).astype(np.int32)
    expected = model.predict(ids, verbose=0)[0]
    state = tuple(np.zeros((1, *tensor.shape[1:]), np.float32) for tensor in step.inputs[2:])
    first = (ids[:, :1], np.zeros((1, 1), np.int32), *state)
    path, _ = _export(step, first, kind, QuantizationScheme(), tmp_path)
    session = ProcessRunner().open(path, RunPlan())
    try:
        for position in range(gpt.LENGTH):
            here = np.array([[position]], np.int32)
            logits, *after = session.outputs((ids[:, position : position + 1], here, *state))
            state = tuple(after)
            np.testing.assert_allclose(logits[0], expected[position], rtol=1e-3, atol=1e-4)
    finally:
        session.close()


@pytest.mark.slow
def test_the_cards_of_transformers_state_what_they_cost() -> None:
    import keras

    from edgetool.zoo import find_model, load_builder

    for name in ("bert-mini", "gpt-mini", "bert-base", "gpt2-small"):
        card = find_model(name)
        model = load_builder(card)(keras)
        assert model.count_params() == card.num_params
        config = keras.saving.serialize_keras_object(model)
        assert config_macs(config) == card.macs


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_tied_output_layer_is_the_token_table_in_the_file_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    import edgetool_models.gpt2_small as gpt
    from edgetool.importers.keras import carry_checked

    small = {"VOCAB_SIZE": 1000, "LENGTH": 16, "WIDTH": 32, "NUM_HEADS": 4, "FF_WIDTH": 64, "NUM_BLOCKS": 1}
    for name, value in small.items():
        monkeypatch.setattr(gpt, name, value)
    num_params = 1000 * 32 + 16 * 32 + 4 * 32 * 33 + 32 * 64 + 64 + 64 * 32 + 32 + 3 * 2 * 32
    source = _shake(gpt.build(keras))
    assert source.count_params() == gpt.build(tf_keras).count_params() == num_params
    head = 16 * 32 * 1000
    assert config_macs(keras.saving.serialize_keras_object(source)) == head + 16 * 32 * (4 * 32 + 2 * 64 + 2 * 16)
    model, _ = carry_checked(source, "gpt2-small")
    again = type(model).from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert config_macs({"class_name": "Functional", "config": again.get_config()}) == head + 16 * 32 * (4 * 32 + 160)
    ids = np.random.default_rng(1).integers(0, 1000, (8, 16)).astype(np.int32)
    path, _ = _export(again, (ids,), kind, QuantizationScheme(), tmp_path)
    assert path.stat().st_size < 4 * num_params + 20_000, "twice the table would be 128,000 bytes more"
    expected = source.predict(ids, verbose=0)
    assert np.abs(_run(path, (ids,))[0] - expected).max() < 1e-4 * np.abs(expected).max()
    path, _ = _export(again, (ids,), kind, QuantizationScheme.of("static", "int8", num_calibration_samples=8), tmp_path)
    assert _sqnr_db(expected, _run(path, (ids,))[0]) > 15.0, "positions are no 8-bit numbers"
