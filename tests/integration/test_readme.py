"""Every command line of the README, in its order, on a small model; only what takes long is made shorter."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import DeviceUnavailableError, MissingDependencyError

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
LINES = [line.partition("#")[0].strip() for line in README.splitlines() if line.startswith("    edgetool ")]

MAKE_MODEL = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tf_keras
data = np.load("data.npz")
for library, name in ((keras, "model.keras"), (tf_keras, "model.h5")):
    library.utils.set_random_seed(0)
    layers = library.layers
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    model = library.Model(inputs, layers.Dense(10, activation="softmax", name="classes")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data["x_train"] * 0.00392157, data["y_train"], epochs=12, verbose=0)
    model.save(name)
"""

#: What `edgetool train my_models:build` finds in the current folder.
MY_MODELS = """
def build(keras):
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(inputs)))
"""

#: Options that are put behind those of the README; the last one counts.
SHORTER = {
    "compress": ["--effort", "0.2", "--bench-seconds", "0.05"],
    "train": ["--epochs", "1", "--max-samples", "256"],
    "bench": ["--runs", "50"],
    "compare": ["--runs", "50"],
}
#: Lines of which only the check before the work runs: the network is large, or other tests run the like.
DRY = ("compress trained/model.keras", "compress model.keras --data data.npz --scale 0.00392157 --recipe half.toml")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README's lines take for granted."""
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("readme")
    digits = load_digits()
    x, y = (digits.images[..., None] * 15.9375).astype(np.uint8), digits.target.astype(np.int64)
    np.savez(folder / "data.npz", x_train=x[:1400], y_train=y[:1400], x_test=x[1400:], y_test=y[1400:])
    made = subprocess.run([sys.executable, "-c", MAKE_MODEL], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (folder / "my_models.py").write_text(MY_MODELS)
    recipe = re.search(r"```toml\n(# half.toml\n.*?)```", README, re.DOTALL)
    assert recipe is not None
    (folder / "half.toml").write_text(recipe.group(1))
    script = re.search(r"```python\n(# digits_cnn.py\n.*?)```", README, re.DOTALL)
    assert script is not None
    (folder / "digits_cnn.py").write_text(script.group(1))
    ran = subprocess.run([sys.executable, "digits_cnn.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for name, kind in (("model.onnx", "float32"), ("small.onnx", "w8_dynamic")):
        done = edgetool(folder, "export", "model.keras", "--recipe", kind, "-o", name)
        assert done.returncode == 0, done.stderr
    return folder


def edgetool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgetool.cli.main", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "CI": "1"},
        check=False,
    )


def test_every_line_ends_well(workplace: Path) -> None:
    assert len(LINES) > 15
    for line in LINES:
        words = shlex.split(line)[1:]
        done = edgetool(workplace, *words, *SHORTER.get(words[0], []), *(["--dry-run"] * line[9:].startswith(DRY)))
        allowed = {0}
        if "gpu" in words or "--backend" in words:
            allowed = {0, DeviceUnavailableError.exit_code, MissingDependencyError.exit_code}
        assert done.returncode in allowed, f"{line}: {done.returncode}\n{done.stderr}"
        assert "Traceback" not in done.stderr, line
    for name in (
        "run/report.html",
        "board-run/report.md",
        "both/report.html",
        "model.tflite",
        "bundle/my_model.cc",
        "micro/net_tflm.cc",
        "board/net.tflite",
        "onnx-board/net.onnx",
    ):
        assert (workplace / name).stat().st_size > 0, name
    tested = subprocess.run(["make", "-C", workplace / "digits-c", "test"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0 and "PASS" in tested.stdout, tested.stdout + tested.stderr
