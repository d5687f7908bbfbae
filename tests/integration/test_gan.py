"""Adversarial training: both models move, an epoch can be repeated, and what cannot be trained so is named."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgetool
from edgetool.data.sets.digits_latent import load
from edgetool.errors import DataError, ModelCardError, TrainingError
from edgetool.evaluate.generation import inception_score
from edgetool.options.commands import ComputeOptions
from edgetool.tasks import Task
from edgetool.training import backends, procedure
from edgetool.zoo import ModelCard, find_model, load_builder

keras = pytest.importorskip("keras")

from edgetool.training import gan  # noqa: E402 - needs the backend's name in the environment

CARD = find_model("dcgan-digits")
TASK = Task("generation", "inception_score", "mse", False)


def workload(card: ModelCard = CARD, **recipe: Any) -> procedure.Workload:
    train = load().train
    assert train is not None
    changed = dataclasses.replace(card.training, **recipe)
    devices = backends.open_devices(ComputeOptions(keras.backend.backend(), "cpu"), changed.batch_size)
    return procedure.Workload(card, TASK, changed, train, None, devices, seed=3)


def begin(work: procedure.Workload) -> gan.Gan:
    keras.utils.set_random_seed(work.seed)
    return gan.Gan(load_builder(work.card)(keras), work)


def values(trainer: gan.Gan) -> list[np.ndarray]:
    return [np.array(variable) for variable in trainer.variables()]


@pytest.fixture
def one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gan, "PASSES_PER_EPOCH", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("one_pass")
def test_an_epoch_moves_both_models_and_can_be_repeated() -> None:
    trainer = begin(workload(batch_size=256))
    assert trainer.steps_per_epoch == 1211 // 256
    untrained = values(trainer)
    reported: list[int] = []
    figures = trainer.run_epoch(1, reported.append)
    assert reported == [1, 2, 3, 4] and 0.0 < figures.loss < 10.0 and figures.accuracy is None
    checkpoint = values(trainer)
    moved = [not np.array_equal(a, b) for a, b in zip(untrained, checkpoint, strict=True)]
    num_generator = len(trainer._generator.variables)
    assert all(moved[:num_generator]) and sum(moved[num_generator:]) >= 6  # kernels and biases of the discriminator
    trainer.run_epoch(2, reported.append)
    wanted = values(trainer)
    again = begin(workload(batch_size=256))
    for variable, value in zip(again.variables(), checkpoint, strict=True):
        variable.assign(value)
    again.run_epoch(2, reported.append)
    for found, value in zip(values(again), wanted, strict=True):
        np.testing.assert_array_equal(found, value)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["jax", "torch"])
def test_an_epoch_can_be_repeated_on_other_backends(other: str, require_backend: Callable[[str], None]) -> None:
    """In a process of its own, because Keras has one backend in each."""
    require_backend(other)
    test = f"{__file__}::{test_an_epoch_moves_both_models_and_can_be_repeated.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": other}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


def test_a_step_of_the_generator_leaves_the_discriminator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = begin(workload())
    monkeypatch.setattr(trainer._discriminator, "train_on_batch", lambda *_: 0.7)
    generator, discriminator = trainer._generator, trainer._discriminator
    before = [np.array(variable) for variable in (*discriminator.weights, *generator.trainable_weights)]
    trainer._step(trainer._real[:8], np.random.default_rng(0))
    after = [np.array(variable) for variable in (*discriminator.weights, *generator.trainable_weights)]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert not any(moved[: len(discriminator.weights)]) and all(moved[len(discriminator.weights) :])


def test_what_cannot_be_trained_so_is_named() -> None:
    with pytest.raises(ModelCardError, match=r"without training\.real_data"):
        begin(workload(real_data=""))
    with pytest.raises(DataError, match=r"samples \[32, 32, 3\], expected samples of shape \[16, 16, 1\]"):
        begin(workload(real_data="digits"))
    with pytest.raises(ModelCardError, match="no discriminator"):
        work = workload()
        model = load_builder(CARD)(keras)
        gan.Gan(model, dataclasses.replace(work, card=dataclasses.replace(CARD, package="edgetool_models.resnet8")))


@pytest.mark.usefixtures("one_pass")
def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    with pytest.raises(TrainingError, match="nan"):
        begin(workload(learning_rate=float("nan"))).run_epoch(1, lambda _: None)


@pytest.mark.slow
def test_the_zoos_generator_learns(tmp_path: Path) -> None:
    record = edgetool.train("dcgan-digits", out=tmp_path / "m", epochs=2)
    assert record.test is not None and record.test.metric == "inception_score" and record.test.num_samples == 2_000
    untrained = load_builder(CARD)(keras).predict(load().test.inputs[0], verbose=0)  # type: ignore[union-attr]
    assert record.test.value > inception_score(untrained).value + 1.0
