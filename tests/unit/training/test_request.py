"""Options of a training run: what replaces the card's recipe, and what is refused."""

from __future__ import annotations

import pytest

from edgetool.errors import UsageError
from edgetool.options.commands import ComputeOptions, ModelOptions, RecipeOptions
from edgetool.training.request import TrainRequest, apply_options, check_request
from edgetool.zoo import TrainingRecipe

CARD = TrainingRecipe(epochs=10, schedule="cosine", augmentation=("flip",), patience=3, balanced=True)


def test_what_is_not_given_is_the_cards() -> None:
    assert apply_options(CARD, RecipeOptions()) == CARD


def test_what_is_given_replaces_it_zero_and_nothing_included() -> None:
    found = apply_options(
        CARD, RecipeOptions(epochs=2, augmentation="none", patience=0, balanced=False, optimizer="sgd")
    )
    assert (found.epochs, found.augmentation, found.patience, found.balanced) == (2, (), 0, False)
    assert (found.optimizer, found.schedule) == ("sgd", "cosine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RecipeOptions(optimizer="adm"), "--optimizer: 'adm'.*did you mean 'adam'"),
        (RecipeOptions(schedule="cosin"), "--schedule: 'cosin'.*did you mean 'cosine'"),
        (RecipeOptions(augmentation="flip,crop"), "--augmentation: 'crop'.*did you mean 'crop4'"),
        (RecipeOptions(warmup_epochs=-1.0), "--warmup-epochs: -1"),
        (RecipeOptions(warmup_epochs=float("inf")), "--warmup-epochs: inf"),
        (RecipeOptions(weight_decay=-0.1), "--weight-decay: -0.1"),
        (RecipeOptions(label_smoothing=1.0), "--label-smoothing: 1, expected 0 to below 1"),
        (RecipeOptions(patience=-1), "--patience: -1"),
        (RecipeOptions(batch_size=0), "--batch-size: 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_option(options: RecipeOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        apply_options(CARD, options)


@pytest.mark.parametrize(
    ("model", "compute", "message"),
    [
        (ModelOptions(task="clasification"), ComputeOptions(), "--task.*did you mean 'classification'"),
        (ModelOptions(metric="acc"), ComputeOptions(), "--metric: 'acc'"),
        (ModelOptions(loss="hubber"), ComputeOptions(), "--loss.*did you mean 'huber'"),
        (ModelOptions(), ComputeOptions(backend="pytorch"), "--backend.*did you mean 'torch'"),
        (ModelOptions(), ComputeOptions(device="cuda"), "--device: 'cuda'.*valid: auto, cpu, gpu"),
        (ModelOptions(), ComputeOptions(precision="bf16"), "--mixed-precision: 'bf16'"),
        (ModelOptions(), ComputeOptions(num_devices=0), "--num-devices: 0"),
    ],
)
def test_unknown_names_and_numbers_are_refused(model: ModelOptions, compute: ComputeOptions, message: str) -> None:
    request = TrainRequest("module:build", "d", "/out", model=model, compute=compute)
    with pytest.raises(UsageError, match=message):
        check_request(request, has_card=False)


def test_a_card_is_not_contradicted() -> None:
    request = TrainRequest("document-cnn", "d", "/out", model=ModelOptions(scale=0.5))
    with pytest.raises(UsageError, match="--scale: given for document-cnn, whose card says it"):
        check_request(request, has_card=True)
    check_request(request, has_card=False)


@pytest.mark.parametrize(
    ("text", "names"),
    [(None, ("flip",)), ("none", ()), ("crop4", ("crop4",)), ("flip, crop4", ("flip", "crop4")), ("", ())],
)
def test_augmentation_by_commas(text: str | None, names: tuple[str, ...]) -> None:
    assert apply_options(CARD, RecipeOptions(augmentation=text)).augmentation == names
