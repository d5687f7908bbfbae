"""Models of every generation of Keras, and files that are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import EdgetoolError, FileFormatError, UntrustedModelError, from_dict
from edgetool.runners.child import call_function

pytestmark = pytest.mark.slow
GOLDEN = Path(__file__).parents[1] / "golden" / "models"

#: Makes one file of each kind, by both generations of Keras; prints the outputs of each on a fixed input.
MAKE = """
import json, os, sys
from pathlib import Path
os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np
import keras, tf_keras
out = Path(sys.argv[1])
x = np.linspace(0, 1, 2 * 64, dtype=np.float32).reshape(2, 8, 8, 1)
outputs = {}

def build(library, code=False):
    library.utils.set_random_seed(1)
    layers = library.layers
    inputs = layers.Input((8, 8, 1), name="image")
    y = layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.LeakyReLU(name="leaky")(y)
    y = layers.DepthwiseConv2D(3, name="depthwise")(y)
    if code:
        y = layers.Lambda(lambda t: t * 2, name="secret")(y)
    y = layers.Flatten(name="flatten")(y)
    y = layers.Dense(8, activation="relu", name="hidden")(y)
    y = layers.Concatenate(name="both")([y, layers.Dense(3, name="side")(y)])
    return library.Model(inputs, layers.Dense(2, name="out")(y), name="small")

def save(model, name):
    model.save(out / name)
    outputs[name] = np.asarray(model(x)).tolist()

save(build(keras), "three.keras")
save(build(keras), "three.h5")
save(build(tf_keras), "two.h5")
save(build(tf_keras), "two.keras")
save(build(tf_keras), "saved_model")
save(build(keras, code=True), "lambda.keras")
save(build(tf_keras, code=True), "lambda.h5")
sequential = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
save(sequential, "sequential.keras")
build(tf_keras).save_weights(out / "weights.h5")
open_size = keras.Input((None, None, 1))
keras.Model(open_size, keras.layers.GlobalAveragePooling2D()(open_size)).save(out / "open.keras")
np.save(out / "x.npy", x)
(out / "outputs.json").write_text(json.dumps(outputs))
"""

#: Loads a model and prints the largest difference from what it gave before it was saved.
LOAD = """
import json, sys
from pathlib import Path
import numpy as np
from edgetool.errors import EdgetoolError
from edgetool.importers import import_model
from edgetool.importers.base import ImportOptions
path, trust = Path(sys.argv[1]), sys.argv[2] == "trust"
try:
    found = import_model(str(path), ImportOptions(trust))
    before = json.loads((path.parent / "outputs.json").read_text())[path.name]
    after = np.asarray(found.model(np.load(path.parent / "x.npy")))
    answer = {"difference": float(np.abs(after - before).max()), "module": type(found.model).__module__,
              "format": found.source_format, "facts": found.facts, "num_params": found.num_params}
except EdgetoolError as exc:
    answer = {"error": exc.to_dict()}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", MAKE, str(folder)], check=True, capture_output=True, env=environment)
    return folder


def load(path: Path, *, trust: bool = False) -> dict[str, object]:
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path), "trust" if trust else "safe"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise from_dict(answer["error"])
    return dict(answer)


@pytest.mark.parametrize(
    ("name", "kind", "carried"),
    [
        ("three.keras", "keras", True),
        ("three.h5", "h5", True),
        ("sequential.keras", "keras", True),
        ("two.h5", "h5", False),
        ("two.keras", "keras", False),
        ("saved_model", "saved_model", False),
    ],
)
def test_every_generation_becomes_the_same_tf_keras_model(models: Path, name: str, kind: str, carried: bool) -> None:
    found = load(models / name)
    assert found["format"] == kind
    assert str(found["module"]).startswith("tf_keras")
    assert float(str(found["difference"])) < 1e-5
    assert ("carried over" in dict(found["facts"])) is carried  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_code_is_refused_unless_trusted(models: Path, name: str) -> None:
    with pytest.raises(EdgetoolError) as caught:
        load(models / name)
    assert caught.value.exit_code == UntrustedModelError.exit_code and "secret" in caught.value.subject
    assert "--trust" in caught.value.next_step


def test_a_trusted_lambda_of_keras_2_is_loaded(models: Path) -> None:
    assert float(str(load(models / "lambda.h5", trust=True)["difference"])) < 1e-5


@pytest.mark.parametrize(("name", "text"), [("weights.h5", "architecture"), ("open.keras", "open dimensions")])
def test_models_that_cannot_be_used(models: Path, name: str, text: str) -> None:
    with pytest.raises(EdgetoolError, match=text):
        load(models / name)


def test_damage_is_an_error_that_names_the_file(models: Path, tmp_path: Path) -> None:
    content = (models / "two.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: len(content) // 2])
    with zipfile.ZipFile(models / "three.keras") as archive, zipfile.ZipFile(tmp_path / "no_weights.keras", "w") as cut:
        cut.writestr("config.json", archive.read("config.json"))
        cut.writestr("metadata.json", archive.read("metadata.json"))
    for name in ("cut.h5", "no_weights.keras"):
        with pytest.raises(EdgetoolError) as caught:
            load(tmp_path / name)
        assert caught.value.exit_code == FileFormatError.exit_code and name in caught.value.subject


@pytest.mark.parametrize("name", ["tiny.keras", "tiny.h5"])
def test_nested_models_shared_layers_and_two_outputs(name: str, tmp_path: Path) -> None:
    """What the committed models hold."""
    x = tmp_path / "x.npy"
    np.save(x, np.linspace(0, 1, 3 * 192, dtype=np.float32).reshape(3, 8, 8, 3))
    params = {"model": str(GOLDEN / name), "inputs_npy": [str(x)], "outputs_npy": str(tmp_path / "y"), "options": {}}
    written = call_function("edgetool.verify.source:run_source", params, subject=name)
    assert [np.load(path).shape for path in written] == [(3, 2), (3, 3)]
