"""Every command line of the README and of the site, in order, on a small model; what takes long is made shorter."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from edgetool.errors import DeviceUnavailableError, MissingDependencyError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
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
    "compress": ["--effort", "0.05", "--max-train-samples", "256", "--bench-seconds", "0.05"],
    "train": ["--epochs", "1", "--max-samples", "64"],
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


@pytest.fixture(scope="module")
def finished(workplace: Path) -> Path:
    """The same folder after every line of the README."""
    assert len(LINES) > 15
    for line in LINES:
        words = shlex.split(line)[1:]
        done = edgetool(workplace, *words, *SHORTER.get(words[0], []), *(["--dry-run"] * line[9:].startswith(DRY)))
        allowed = {0}
        if "gpu" in words or "--backend" in words:
            allowed = {0, DeviceUnavailableError.exit_code, MissingDependencyError.exit_code}
        assert done.returncode in allowed, f"{line}: {done.returncode}\n{done.stderr}"
        assert "Traceback" not in done.stderr, line
    return workplace


def test_every_line_ends_well(finished: Path) -> None:
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
        assert (finished / name).stat().st_size > 0, name
    tested = subprocess.run(["make", "-C", finished / "digits-c", "test"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0 and "PASS" in tested.stdout, tested.stdout + tested.stderr


#: Runs the code of a notebook in one namespace, cell by cell, and shows what each ends with as a notebook does.
RUN_CELLS = """
import ast, json, sys
names = {}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] != "code":
        continue
    *steps, last = ast.parse("".join(cell["source"])).body
    ends_with_value = isinstance(last, ast.Expr)
    exec(compile(ast.Module(steps if ends_with_value else [*steps, last], []), "cell", "exec"), names)
    if ends_with_value:
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        if value is not None:
            print(value._repr_html_() if hasattr(value, "_repr_html_") else value)
"""

#: Lines of the site that change the machine, not the folder: a checkout that runs this test has done what they do.
INSTALL = ("pip install", "python -m venv", ". .venv", "sudo apt install", "edgetool doctor")
#: Files of the site that need a package, and the package.
NEEDS = {"export_torch.py": "torch", "linear.pt2": "torch"}


def pages_of_the_site() -> list[str]:
    """Return the text of every page in the order of the navigation; generated pages have no commands."""
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    sections = [entry if isinstance(entry, str) else next(iter(entry.values())) for entry in navigation]
    names = [name for section in sections for name in ([section] if isinstance(section, str) else section)]
    return [(ROOT / "docs" / name).read_text() for name in names if (ROOT / "docs" / name).exists()]


def lines_of_the_site() -> list[str]:
    """Return each line once that the README has not: one sequence, which goes on in the README's folder."""
    blocks = [block for page in pages_of_the_site() for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)]
    lines = dict.fromkeys(line for block in blocks for line in block.splitlines() if line)
    known = {*LINES, "python digits_cnn.py", "make -C digits-c test"}
    return [line for line in lines if line not in known and not line.startswith(INSTALL)]


def is_installed(line: str) -> bool:
    """Tell whether the packages are there that a line of the site needs."""
    packages = [package for name, package in NEEDS.items() if name in line]
    return all(importlib.util.find_spec(package) is not None for package in packages)


def write_files_of_the_site(folder: Path) -> None:
    """Write the blocks whose first line is a comment that names a file."""
    for page in pages_of_the_site():
        for text, name in re.findall(r"```\w+\n((?:#|//) ([\w.-]+)\n.*?)```", page, re.DOTALL):
            (folder / name).write_text(text)


@pytest.fixture(scope="module")
def command_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search path on which `edgetool` and `python` are those of this test."""
    folder = tmp_path_factory.mktemp("bin")
    python = shlex.quote(sys.executable)
    for name, command in (("python", python), ("edgetool", f"{python} -m edgetool.cli.main")):
        (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_every_line_of_the_site_ends_well(finished: Path, command_path: str) -> None:
    write_files_of_the_site(finished)
    lines = lines_of_the_site()
    assert len(lines) > 20
    for line in filter(is_installed, lines):
        words = shlex.split(line)
        shorter = SHORTER.get(words[1], []) if words[0] == "edgetool" and "--dry-run" not in words else []
        done = subprocess.run(
            ["bash", "-c", f"{line} {shlex.join(shorter)}"],
            cwd=finished,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "CI": "1", "PATH": command_path},
            check=False,
        )
        allowed = {0}
        if "--run" in words and not os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            allowed |= {DeviceUnavailableError.exit_code, MissingDependencyError.exit_code}
        assert done.returncode in allowed, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    for name in ("digits-both/report.html", "net-firmware/net.c", "raw.npz", "model.json"):
        assert (finished / name).stat().st_size > 0, name


def test_every_cell_of_the_notebook_runs(finished: Path) -> None:
    notebook = ROOT / "docs" / "tutorials" / "notebook.ipynb"
    command = [sys.executable, "-c", RUN_CELLS, str(notebook)]
    done = subprocess.run(command, cwd=finished, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<table>" in done.stdout and "w8a8_static.tflite" in done.stdout
    assert (finished / "notebook-c" / "digits_net.c").is_file()
