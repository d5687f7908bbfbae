"""Model cards: what a model of the zoo is for, which data and preprocessing it takes, how it is trained."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgetool.catalog import scan
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import ModelCardError, nearest
from edgetool.passes.base import TrainingSettings
from edgetool.schema import load_toml, parse

__all__ = ["ModelCard", "Reference", "TrainingRecipe", "find_model", "list_models", "load_builder", "model_names"]


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How the model is trained from scratch."""

    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 64
    epochs: int = 10


@dataclass(frozen=True, slots=True)
class Reference:
    """A published figure and where it was published."""

    figure: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """`model.toml`.

    Attributes:
        task: see `edgetool.tasks.TASKS`.
        metric: see `edgetool.tasks.METRICS`.
        data: what `load_dataset` takes, when the user names no data.
        preprocessing: the same for training, calibration and evaluation.
        training: from scratch.
        finetuning: of passes that train.
        default_recipe: the one to take first.
        package: Python package of the builder; found, not written in the file.
    """

    name: str
    title: str
    description: str
    task: str
    metric: str
    data: str
    licence: str
    source: str
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)
    finetuning: TrainingSettings = field(default_factory=TrainingSettings)
    default_recipe: str = "w8a8_static"
    references: tuple[Reference, ...] = ()
    package: str = ""


def list_models() -> list[ModelCard]:
    """Return every card, sorted by name.

    Raises:
        ModelCardError: a `model.toml` is wrong.
    """
    cards = []
    for folder, (package, path) in scan("edgetool_models", "edgetool.models", "model.toml").items():
        fields = load_toml(path, error=ModelCardError)
        fields["package"] = f"{package}.{folder}"
        cards.append(parse(ModelCard, fields, source=str(path), error=ModelCardError))
    return sorted(cards, key=lambda card: card.name)


def model_names() -> list[str]:
    """Return the names of the zoo's models."""
    return [card.name for card in list_models()]


def find_model(name: str) -> ModelCard:
    """Return the card of that name.

    Raises:
        ModelCardError: there is none, or its file is wrong.
    """
    cards = {card.name: card for card in list_models()}
    if name not in cards:
        raise ModelCardError(
            f"model {name!r}",
            found="no such model in the zoo",
            expected="a known name",
            next_step=f"{nearest(name, list(cards))} (edgetool models lists all)",
        )
    return cards[name]


def load_builder(card: ModelCard) -> Callable[[Any], Any]:
    """Return the card's `build(keras)`, which serves Keras 3 and tf_keras."""
    builder: Callable[[Any], Any] = importlib.import_module(card.package).build
    return builder
