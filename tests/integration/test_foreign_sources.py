"""Models that are not Keras files, the whole way: PyTorch and JAX functions, .pt2, .onnx and .tflite as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgetool.records import Manifest
from edgetool.store.manifest_io import load_manifest

pytestmark = pytest.mark.slow

#: The same small network everywhere: convolution, ReLU, pooling, dense. Its last layer is fitted to the digits by least
#: squares, so that accuracies mean something without training.
TORCH = """
import numpy as np, torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.pool = torch.nn.MaxPool2d(2)
        self.head = torch.nn.Linear(256, 10)

    def features(self, x):
        return torch.flatten(self.pool(torch.relu(self.conv(x))), 1)

    def forward(self, x):
        return self.head(self.features(x))

def build():
    torch.manual_seed(0)
    net = Net().eval()
    with np.load("digits.npz") as data, torch.no_grad():
        x = net.features(torch.from_numpy(data["x_train"].transpose(0, 3, 1, 2))).numpy()
        target = np.eye(10, dtype=np.float32)[data["y_train"]]
    x1 = np.c_[x, np.ones(len(x), np.float32)]
    w = np.linalg.solve(x1.T @ x1 + 0.1 * np.eye(257, dtype=np.float32), x1.T @ target)
    with torch.no_grad():
        net.head.weight.copy_(torch.from_numpy(w[:-1].T.copy()))
        net.head.bias.copy_(torch.from_numpy(w[-1].copy()))
    return net, torch.zeros(2, 1, 8, 8)
"""

JAX = """
import jax, numpy as np
import jax.numpy as jnp

def features(p, x):
    x = jax.lax.conv_general_dilated(x, p["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    x = jax.nn.relu(x + p["bias"])
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x.reshape(x.shape[0], -1)

def forward(p, x):
    return features(p["conv"], x) @ p["head"]["kernel"] + p["head"]["bias"]

def build():
    random = np.random.default_rng(0)
    conv = {"kernel": (0.3 * random.normal(size=(3, 3, 1, 16))).astype(np.float32), "bias": np.zeros(16, np.float32)}
    with np.load("digits.npz") as data:
        x = np.asarray(features(conv, data["x_train"]))
        target = np.eye(10, dtype=np.float32)[data["y_train"]]
    x1 = np.c_[x, np.ones(len(x), np.float32)]
    w = np.linalg.solve(x1.T @ x1 + 0.1 * np.eye(257, dtype=np.float32), x1.T @ target)
    return forward, {"conv": conv, "head": {"kernel": w[:-1], "bias": w[-1]}}, np.zeros((2, 8, 8, 1), np.float32)
"""

NEEDS_LAYERS = 44


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foreign")
    digits = load_digits()
    x = digits.images[..., None].astype(np.float32) / 16
    arrays = {"x_train": x[:1200], "y_train": digits.target[:1200], "x_test": x[1200:], "y_test": digits.target[1200:]}
    np.savez(path / "digits.npz", **arrays)
    (path / "torch_models.py").write_text(TORCH)
    (path / "jax_models.py").write_text(JAX)
    return path


def compress(folder: Path, model: str, recipes: str, run: str, *, code: int = 0) -> tuple[Manifest, str]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "edgetool.cli.main",
            "compress",
            model,
            "--data",
            "digits.npz",
            "--recipe",
            recipes,
            "--effort",
            "4",
            "--bench-seconds",
            "0",
            "--max-drop",
            "3",
            "--task",
            "classification",
            "-o",
            run,
        ],
        capture_output=True,
        text=True,
        timeout=600.0,
        cwd=folder,
        env={**os.environ, "CI": "1"},
    )
    assert done.returncode == code, done.stderr
    return load_manifest(folder / run), done.stderr


def require_sound(manifest: Manifest, names: set[str]) -> None:
    """Ask for these artefacts and no other, all equal enough to their source and about as good."""
    assert {artifact.name for artifact in manifest.artifacts} == names
    assert manifest.source is not None and manifest.source.evaluation is not None
    assert manifest.source.evaluation.value > 0.85
    for artifact in manifest.artifacts:
        assert artifact.failure is None
        assert artifact.parity and all(record.passed for record in artifact.parity), artifact.parity
        assert artifact.evaluation is not None
        assert artifact.evaluation.value > manifest.source.evaluation.value - 0.03, artifact.name


@pytest.fixture(scope="module")
def torch_run(folder: Path, require_backend: Callable[[str], None]) -> Path:
    require_backend("torch")
    manifest, said = compress(
        folder, "torch_models:build", "float32,w8a8_static,prune80_w8a8_static", "torch-run", code=NEEDS_LAYERS
    )
    onnx = {name for artifact in manifest.artifacts if (name := artifact.name).endswith(".onnx")}
    assert onnx == {"float32.onnx", "w8a8_static.onnx"}
    assert "prune80_w8a8_static" in said and "train it in PyTorch, or give a Keras model" in said
    require_sound(manifest, {artifact.name for artifact in manifest.artifacts})
    return folder / "torch-run"


def test_a_pytorch_program_gives_what_its_module_gave(folder: Path, torch_run: Path) -> None:
    script = (
        "import torch, torch_models\n"
        "net, example = torch_models.build()\n"
        "batch = torch.export.Dim('batch')\n"
        "torch.export.save(torch.export.export(net, (example,), dynamic_shapes=({0: batch},)), 'net.pt2')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=folder, capture_output=True)
    manifest, _ = compress(folder, "net.pt2", "w8a8_static", "pt2-run")
    require_sound(manifest, {artifact.name for artifact in manifest.artifacts})
    made = folder / "pt2-run" / "artifacts" / "w8a8_static.onnx"
    assert made.read_bytes() == (torch_run / "artifacts" / "w8a8_static.onnx").read_bytes()


def test_an_onnx_file_is_quantised_as_it_is(folder: Path, torch_run: Path) -> None:
    model = str(torch_run / "artifacts" / "float32.onnx")
    manifest, said = compress(folder, model, "w8a8_static,w8a8_qat", "onnx-run", code=NEEDS_LAYERS)
    require_sound(manifest, {"float32.onnx", "w8a8_static.onnx"})
    assert "w8a8_qat" in said and "give the model that it was exported from" in said
    int8, float32 = (next(a for a in manifest.artifacts if a.name == f"{r}.onnx") for r in ("w8a8_static", "float32"))
    assert int8.size.raw < 0.6 * float32.size.raw


def test_a_jax_function_becomes_layers_that_can_be_pruned(folder: Path, require_backend: Callable[[str], None]) -> None:
    require_backend("jax")
    manifest, _ = compress(folder, "jax_models:build", "float32,w8a8_static,prune80_w8a8_qat", "jax-run")
    recipes = ("float32", "w8a8_static", "prune80_w8a8_qat")
    assert {a.name for a in manifest.artifacts} == {f"{r}.{kind}" for r in recipes for kind in ("tflite", "onnx")}
    pruned = next(a for a in manifest.artifacts if a.name == "prune80_w8a8_qat.tflite")
    assert any(record.kind == "sparsity" for record in pruned.invariants)
    assert all(record.passed for artifact in manifest.artifacts for record in (*artifact.parity, *artifact.invariants))


def test_a_tflite_file_is_quantised_as_it_is(folder: Path, require_backend: Callable[[str], None]) -> None:
    require_backend("jax")
    made = folder / "jax-run" / "artifacts" / "float32.tflite"
    if not made.is_file():
        compress(folder, "jax_models:build", "float32", "jax-run")
    manifest, said = compress(
        folder, str(made), "w8a8_static,w8_dynamic,cluster32_w8a8_static", "tflite-run", code=NEEDS_LAYERS
    )
    require_sound(manifest, {"float32.tflite", "w8a8_static.tflite", "w8_dynamic.tflite"})
    assert "cluster32_w8a8_static" in said and "give the model that it was converted from" in said


def test_a_finished_graph_without_labels_is_scored_against_itself(tmp_path: Path) -> None:
    tiny = Path(__file__).parents[1] / "golden" / "models" / "tiny_float32.tflite"
    x = np.random.default_rng(0).uniform(-1, 1, (60, 4, 4, 2)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x_train=x[:40], x_test=x[40:])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "edgetool.cli.main",
            "compress",
            str(tiny),
            "--data",
            "data.npz",
            "--max-drop",
            "100",
            "--recipe",
            "w8a8_static",
            "--bench-seconds",
            "0",
            "-o",
            "run",
        ],
        capture_output=True,
        text=True,
        timeout=600.0,
        cwd=tmp_path,
        env={**os.environ, "CI": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the data have no labels" in done.stderr
    found = {artifact.name: artifact.evaluation for artifact in load_manifest(tmp_path / "run").artifacts}
    float32, static = found["float32.tflite"], found["w8a8_static.tflite"]
    assert float32 is not None and float32.value == pytest.approx(1.0)
    assert static is not None and 0.5 < static.value <= 1.0
