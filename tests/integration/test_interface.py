"""The Python interface on real frameworks: every example of a docstring, models and data in memory."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgetool
from edgetool.errors import RecipeError, RunExistsError
from edgetool.interface import calls

pytestmark = pytest.mark.slow

EXAMPLES = ["compress", "load_run", "train", "export", "verify", "inspect", "bench", "embed"]


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:400].reshape(-1, 8, 8, 1) / 16.0).astype(np.float32), y[:400]


@pytest.fixture(scope="module")
def model(digits: tuple[Any, Any]) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(10)],
        name="small",
    )
    net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(*digits, epochs=8, verbose=0)
    return net


def test_every_example_gives_what_its_docstring_says(
    model: Any, digits: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model.save("model.keras")
    x, y = digits
    np.savez("data.npz", x_train=x[:240], y_train=y[:240], x_test=x[240:], y_test=y[240:])
    found = {test.name.rpartition(".")[2]: test for test in doctest.DocTestFinder().find(calls) if test.examples}
    assert sorted(found) == sorted(EXAMPLES)
    runner = doctest.DocTestRunner()
    for name in EXAMPLES:
        outcome = runner.run(found[name])
        assert outcome.attempted > 0 and outcome.failed == 0, name


def test_a_model_and_data_sets_in_memory_are_compressed(model: Any, digits: tuple[Any, Any], tmp_path: Path) -> None:
    import tensorflow as tf

    x, y = digits
    data = {
        "train": tf.data.Dataset.from_tensor_slices((x[:240], y[:240])).batch(50),
        "test": (x[240:], y[240:]),
    }
    seen: list[str] = []
    run = edgetool.compress(
        model,
        data,
        recipe="w8_dynamic",
        out=tmp_path / "run",
        bench_seconds=0,
        progress=lambda what, done, total: seen.append(what),
    )
    assert [artifact.name for artifact in run.artifacts][2:] == ["w8_dynamic.tflite", "w8_dynamic.onnx"]
    evaluation = run.artifacts[0].evaluation
    assert evaluation is not None and evaluation.num_samples == 160 and evaluation.value > 0.5
    assert seen and "w8_dynamic.tflite" in run._repr_html_() and run.report.exists()
    assert edgetool.load_run(tmp_path / "run") == run
    with pytest.raises(RunExistsError, match="a finished run"):
        edgetool.compress(model, data, recipe="w8_dynamic", out=tmp_path / "run", bench_seconds=0)


def test_an_error_is_the_commands_and_leaves_nothing(model: Any, digits: tuple[Any, Any], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'w8a8_static'"):
        edgetool.export(model, tmp_path / "model.tflite", recipe="w8a8_statik")
    record = edgetool.export(model, tmp_path / "model.onnx", data=digits, recipe="w8a8_static")
    assert record.parity[0].passed and (tmp_path / "model.onnx").exists()
    assert edgetool.verify(model, tmp_path / "model.onnx", data=digits, samples=32).parity.top1_agreement is not None
