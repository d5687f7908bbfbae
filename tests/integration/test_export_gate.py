"""`edgetool export` runs what it wrote, compares it with the model, and keeps no file that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

#: A table whose first column is a ten-thousandth of its second, normalised inside the model.
MAKE_MODEL = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
x = (random.normal(size=(200, 2)) * [0.02, 300.0] + [0.1, 2000.0]).astype("float32")
normalization = keras.layers.Normalization()
normalization.adapt(x)
inputs = keras.Input((2,), name="table")
hidden = keras.layers.Dense(8, activation="relu", name="hidden")(normalization(inputs))
model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="classes")(hidden))
model.layers[-1].set_weights([random.normal(size=(8, 2)) * 3.0, np.zeros(2)])
model.save(sys.argv[1])
np.savez(sys.argv[2], x_train=x[:100], y_train=model.predict(x[:100], verbose=0).argmax(axis=1),
    x_val=x[100:], y_val=model.predict(x[100:], verbose=0).argmax(axis=1))
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    arguments = [sys.executable, "-c", MAKE_MODEL, "model.keras", "data.npz"]
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True, env={**os.environ, "CI": "1"})
    return folder


Edgetool = Callable[..., subprocess.CompletedProcess[str]]
Export = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def export(run_edgetool: Edgetool, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Export the model of a folder to a file in it; further arguments may name files there."""

    def run(folder: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        files = [str(folder / word) if (folder / word).is_file() else word for word in more]
        return run_edgetool("export", f"{folder}/model.keras", "-o", f"{folder}/{name}", *files)

    return run


def test_the_comparison_is_printed_without_data(workplace: Path, export: Export) -> None:
    done = export(workplace, "float.onnx")
    assert done.returncode == 0, done.stderr
    assert "about the mean that table is normalised by" in done.stderr
    assert "same answer for 100.0% of 64: ok" in done.stderr
    assert (workplace / "float.onnx").exists()


def test_a_recipe_that_changed_nothing_leaves_no_file(workplace: Path, export: Export) -> None:
    done = export(workplace, "dynamic.tflite", "--recipe", "w8_dynamic")
    assert done.returncode == 40
    assert "the recipe changed nothing" in done.stderr
    assert not list(workplace.glob("*dynamic*"))


def test_preprocessing_reaches_the_comparison(workplace: Path, export: Export) -> None:
    done = export(workplace, "scaled.tflite", "--data", "data.npz", "--scale", "1e-30", "--mean", "0,0", "--std", "1,1")
    assert done.returncode == 41
    assert "one and the same output for every sample" in done.stderr
    assert not (workplace / "scaled.tflite").exists()


#: A layer of which one channel reaches a thousand times as far as the others, and one behind it that undoes that.
MAKE_WIDE = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
keras.utils.set_random_seed(0)
inputs = keras.Input((8,), name="x")
wild = keras.layers.Dense(32, activation="relu", name="wild")
last = keras.layers.Dense(3, name="last")
model = keras.Model(inputs, last(wild(keras.layers.Dense(32, activation="relu", name="first")(inputs))))
wild.kernel.assign(wild.kernel.numpy() * np.where(np.arange(32) == 5, 5e3, 1.0))
wild.bias.assign(np.where(np.arange(32) == 5, 1e3, 0.0))
last.kernel.assign(last.kernel.numpy() * np.where(np.arange(32) == 5, 2e-5, 1.0)[:, None])
model.save(sys.argv[1])
np.savez(sys.argv[2], x_train=np.random.default_rng(0).normal(size=(200, 8)).astype("float32"))
"""


def test_the_layer_that_loses_most_is_named_and_another_recipe(tmp_path: Path, export: Export) -> None:
    arguments = [sys.executable, "-c", MAKE_WIDE, "model.keras", "data.npz"]
    subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "CI": "1"})
    done = export(tmp_path, "int8.tflite", "--recipe", "w8a8_static", "--data", "data.npz")
    assert done.returncode == 41, done.stderr
    assert "SQNR falls most in layer wild (FULLY_CONNECTED)" in done.stderr
    assert "channel 5 reaches" in done.stderr
    assert "take another recipe (w8a16_static, w8_dynamic, float16)" in done.stderr
    assert not (tmp_path / "int8.tflite").exists()
