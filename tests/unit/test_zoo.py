"""Model cards: the built-in ones are whole, and a wrong model.toml is refused with the reason."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgetool.data.named import NAMED_DATA
from edgetool.errors import ModelCardError, UsageError
from edgetool.zoo import (
    find_model,
    list_models,
    load_builder,
    load_step,
    model_names,
    parse_card,
    require_trains,
)

GOOD: dict[str, Any] = {
    "name": "m",
    "title": "M",
    "description": "A model.",
    "task": "classification",
    "metric": "accuracy",
    "data": "digits",
    "licence": "Apache-2.0",
    "source": "here",
}


def test_the_documents_cnn_is_trained_as_the_document_says() -> None:
    card = find_model("document-cnn")
    training = card.training
    assert (training.optimizer, training.learning_rate, training.batch_size, training.epochs) == ("adam", 1e-3, 64, 10)
    assert card.preprocessing.scale == pytest.approx(1 / 255)
    assert card.finetuning.loss == "sparse_categorical_crossentropy"
    assert card.references[0].value == 0.867
    assert card.package == "edgetool_models.document_cnn"


def test_every_card_has_a_builder() -> None:
    assert model_names() == [card.name for card in list_models()]
    for card in list_models():
        assert callable(load_builder(card))


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelCardError, match="did you mean 'document-cnn'"):
        find_model("document_cnn")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "clasification"}, "task 'clasification'.*did you mean 'classification'"),
        ({"metric": "accurcy"}, "did you mean 'accuracy'"),
        ({"default_recipe": "w8a8"}, "default_recipe 'w8a8'"),
        ({"training": {"optimizer": "adm"}}, "training.optimizer 'adm'"),
        ({"training": {"epochs": 0}}, "training.epochs 0, expected 1 or more"),
        ({"training": {"augmentation": ["flip", "crop"]}}, "augmentation 'crop'.*did you mean 'crop4'"),
        ({"training": {"schedule": "linear"}}, "linear"),
        ({"training": {"label_smoothing": 1.0}}, "training.label_smoothing 1, expected 0 to below 1"),
        ({"training": {"patience": -1}}, "training.patience -1"),
        ({"training": {"epoch": 3}}, "unknown key 'training.epoch'.*did you mean 'epochs'"),
        ({"preprocessing": {"std": [0.0]}}, "not above 0"),
        ({"package": "os"}, "key 'package'"),
        ({"references": [{"figure": "accuracy", "value": 1.0}]}, "source"),
    ],
)
def test_wrong_cards_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelCardError, match=message):
        parse_card({**GOOD, **change}, package="p", source="model.toml")


def test_a_package_without_a_builder_is_named() -> None:
    card = dataclasses.replace(find_model("document-cnn"), package="edgetool_models")
    with pytest.raises(ModelCardError, match="no builder"):
        load_builder(card)


@pytest.mark.parametrize(
    ("name", "task", "metric", "data"),
    [
        ("breast-cancer-mlp", "binary", "accuracy", "breast-cancer"),
        ("credit-mlp", "binary", "auc", "credit-default"),
        ("ecg-cnn1d", "classification", "accuracy", "ecg5000"),
        ("grade-mlp", "regression", "r2", "student-performance"),
        ("xray-cnn", "binary", "accuracy", "pneumonia-mnist"),
    ],
)
def test_cards_of_tables_and_healthcare_fit_their_data(name: str, task: str, metric: str, data: str) -> None:
    card = find_model(name)
    assert (card.task, card.metric, card.data) == (task, metric, data) and data in NAMED_DATA
    losses = {"binary": "binary_crossentropy", "classification": "sparse_categorical_crossentropy", "regression": "mse"}
    assert card.finetuning.loss == losses[task]


def test_the_xray_card_balances_its_classes() -> None:
    assert find_model("xray-cnn").training.balanced


@pytest.mark.parametrize("name", ["bert-base", "gpt2-small"])
def test_configurations_for_cost_figures_are_not_trained(name: str) -> None:
    card = find_model(name)
    assert not card.trains and card.num_params > 1e8 and card.macs > 1e10
    with pytest.raises(UsageError, match="configuration for cost figures"):
        require_trains(card)
    require_trains(find_model("document-cnn"))


@pytest.mark.parametrize("name", ["bert-base", "gpt2-small"])
def test_published_sizes_are_reached(name: str) -> None:
    card = find_model(name)
    assert card.num_params == card.references[0].value


def test_a_model_that_generates_has_a_step() -> None:
    assert all(callable(found) for found in load_step(find_model("gpt-mini")))
    with pytest.raises(UsageError, match="without build_step"):
        load_step(find_model("document-cnn"))
