"""The document's CNN: its size and layers, from one definition for both Keras."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.store.manifest_io import load_manifest
from edgetool.zoo import find_model, load_builder

#: Of each kind of storage and training one; `test_recipes` has all of them on a network that is trained in seconds.
RECIPES = ("float32", "float16", "w8_dynamic", "w8a8_static", "prune80_w8a8_static", "prune80_cluster32_w8a8_qat")


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_the_architecture_is_the_documents(framework: str) -> None:
    keras = pytest.importorskip(framework)
    model = load_builder(find_model("document-cnn"))(keras)
    assert model.count_params() == 8_475_530
    assert tuple(model.input_shape) == (None, 32, 32, 3) and tuple(model.output_shape) == (None, 10)
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    assert shapes == [(3, 3, 3, 64), (64,), (3, 3, 64, 128), (128,), (8192, 1024), (1024,), (1024, 10), (10,)]
    outputs = np.asarray(model.predict(np.zeros((2, 32, 32, 3), np.float32), verbose=0))
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.extended
def test_every_kind_of_recipe_ends_well_and_holds_what_it_promises(tmp_path: Path) -> None:
    def edgetool(*arguments: str) -> None:
        command = [sys.executable, "-m", "edgetool.cli.main", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1500.0, env={**os.environ, "CI": "1"})
        assert done.returncode == 0, done.stderr

    edgetool("train", "document-cnn", "--data", "digits", "--epochs", "3", "-o", f"{tmp_path}/model")
    edgetool(
        "compress",
        f"{tmp_path}/model/model.keras",
        "--data",
        "digits",
        "--recipe",
        ",".join(RECIPES),
        "--effort",
        "0.2",
        "--bench-seconds",
        "0",
        "--max-drop",
        "5",
        "-o",
        f"{tmp_path}/run",
    )
    made = {artifact.name: artifact for artifact in load_manifest(tmp_path / "run").artifacts}
    assert set(made) == {f"{recipe}.{kind}" for recipe in RECIPES for kind in ("tflite", "onnx")}
    for artifact in made.values():
        assert artifact.failure is None and artifact.evaluation is not None
        assert artifact.evaluation.value > 0.9, artifact.name
        assert all(record.passed for record in (*artifact.parity, *artifact.invariants)), artifact.name
    pcqat = made["prune80_cluster32_w8a8_qat.tflite"]
    kinds = {record.kind for record in pcqat.invariants}
    assert {"sparsity", "num_clusters", "nonzero"} <= kinds
    for kind in ("tflite", "onnx"):
        dense, pruned = made[f"w8a8_static.{kind}"], made[f"prune80_w8a8_static.{kind}"]
        assert pruned.size.raw < dense.size.raw, "pruned files ship without their zeros"
