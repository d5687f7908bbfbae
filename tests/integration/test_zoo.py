"""Models of the zoo: one epoch, the card's recipe, both formats, parity; and all of them build in both Keras."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.store.manifest_io import load_manifest
from edgetool.zoo import find_model, list_models, load_builder

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

TRAINED = [card for card in list_models() if card.trains]

#: `test_document_cnn` takes it all the way.
ELSEWHERE = "document-cnn"

#: They take minutes each, and train in `make extended` alone; before, they only have to come out as they are built.
LARGE = ("gpt-mini", "mobilenet-v2", "vit-tiny")

#: Data that no download is needed for.
BUNDLED = ("digits-latent", "breast-cancer")

#: After fewer, ds-cnn says the same of every sample once it is int8.
MORE_SAMPLES = {"ds-cnn": 2500}

#: After 6,000 samples it is right in 21 % of cases: the scores of ten classes lie too close together for int8 (SQNR
#: 20 dB, but agreement 0.86; 0.90 after all 45,000, which take minutes). So it learns to tell animals from vehicles, of
#: the same images.
TWO_CLASSES = ("mobilenet-v2",)
VEHICLES = (0, 1, 8, 9)

#: Recipes whose files C is written for.
WITH_C = {"float32", "w8a8_static"}

#: Bytes of a file from which on a compiler takes minutes over its weights.
LARGEST_AS_C = 2 << 20

#: Random inputs that C is compared on.
SAMPLES_AS_C = 50

#: Samples that one epoch sees at most.
MAX_SAMPLES = 1000

#: Accuracy after so little training is not what is tested: on how many samples it is measured.
TEST_SAMPLES = 300


Edgetool = Callable[..., subprocess.CompletedProcess[str]]


def trained_names() -> list[Any]:
    names = [card.name for card in TRAINED if card.name != ELSEWHERE]
    return [pytest.param(name, marks=[pytest.mark.extended] if name in LARGE else []) for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", trained_names())
def test_one_epoch_compresses_and_passes_parity(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, run_edgetool: Edgetool
) -> None:
    card, data = find_model(name), find_model(name).data
    if data not in BUNDLED:
        request.getfixturevalue("shared_data")
    samples = str(MORE_SAMPLES.get(name, MAX_SAMPLES))
    options = ["--epochs", "1", "--max-samples", samples]
    if name in TWO_CLASSES:
        data, options = write_two_classes(data, tmp_path / "two.npz"), ["--epochs", "1", "--batch-size", "16"]
    trained = run_edgetool("train", name, "--data", data, *options, "-o", f"{tmp_path}/m")
    assert trained.returncode == 0, trained.stderr
    if data == card.data:
        record = json.loads((tmp_path / "m" / "train.json").read_text())
        assert {"collect", "clean", "convert", "normalise"} <= set(record["facts"])
    done = run_edgetool(
        "compress",
        f"{tmp_path}/m/model.keras",
        "--data",
        data,
        "--recipe",
        card.default_recipe,
        "--effort",
        "0.02",
        "--max-train-samples",
        samples,
        "--max-test-samples",
        str(TEST_SAMPLES),
        "--bench-seconds",
        "0",
        "--accept-source",
        "-o",
        f"{tmp_path}/run",
    )
    assert done.returncode in (0, 43), done.stderr  # 43: after one epoch nothing need be good enough to be chosen
    manifest = load_manifest(tmp_path / "run")
    made = {a.name: a for a in manifest.artifacts}
    assert {f"{r}.{kind}" for r in ("float32", card.default_recipe) for kind in ("tflite", "onnx")} <= set(made)
    for artifact in made.values():
        assert artifact.failure is None
        assert artifact.parity and all(parity.passed for parity in artifact.parity), artifact.parity
        assert artifact.evaluation is not None and artifact.evaluation.num_samples > 0
    for recipe in {"float32", card.default_recipe} & WITH_C:
        path = tmp_path / "run" / made[f"{recipe}.tflite"].artifact.path
        if path.stat().st_size < LARGEST_AS_C:
            check_as_c(path, tmp_path / recipe)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_models_come_out_as_they_are_built(name: str, tmp_path: Path, run_edgetool: Edgetool) -> None:
    import keras

    keras.utils.set_random_seed(0)
    load_builder(find_model(name))(keras).save(tmp_path / "model.keras")
    for recipe in ("float32", "w8_dynamic"):
        for kind in ("tflite", "onnx"):
            out = f"{tmp_path}/{recipe}.{kind}"
            done = run_edgetool("export", f"{tmp_path}/model.keras", "--recipe", recipe, "-o", out)
            assert done.returncode == 0, done.stderr
            assert ": ok" in done.stderr, done.stderr


def write_two_classes(data: str, out: Path) -> str:
    """Write 4,000 training and 500 test images of `data`, labelled as animal (0) or vehicle (1)."""
    splits = load_dataset(data)
    arrays: dict[str, Array] = {}
    for split, num_samples in ((splits.train, 4000), (splits.test, 500)):
        assert split is not None
        some = split.take(num_samples, seed=0)
        assert some.labels is not None
        arrays |= {
            f"x_{split.name}": some.inputs[0],
            f"y_{split.name}": np.isin(some.labels, VEHICLES).astype(np.int64),
        }
    np.savez(out, **arrays)
    return str(out)


def check_as_c(model: Path, out: Path) -> None:
    """Integers must be LiteRT's reference kernels' bit for bit, floats within rounding."""
    from edgetool.embed.bundles.c_bundle import write_bundle
    from edgetool.embed.bundles.check_bundle import check_bundle
    from edgetool.targets import find_target

    write_bundle(model, name="net", out=out, target=find_target("host"), overwrite=False)
    assert check_bundle(model, out, num_samples=SAMPLES_AS_C).num_different == 0, model.name


@pytest.mark.slow
@pytest.mark.parametrize("name", [card.name for card in TRAINED])
def test_one_definition_serves_both_generations_of_keras(name: str) -> None:
    import keras
    import tf_keras

    build = load_builder(find_model(name))
    new, old = build(keras), build(tf_keras)
    assert [tuple(w.shape) for w in new.get_weights()] == [tuple(w.shape) for w in old.get_weights()]
    assert [tuple(t.shape) for t in new.inputs] == [tuple(t.shape) for t in old.inputs]
    assert [tuple(t.shape) for t in new.outputs] == [tuple(t.shape) for t in old.outputs]


def test_the_zoo_has_the_families_and_industries_that_it_is_for() -> None:
    assert len(list_models()) >= 18
