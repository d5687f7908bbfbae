"""Model cards: what a model of the zoo is for, which data and preprocessing it takes, how it is trained."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Literal, get_args

from edgetool.catalog import scan
from edgetool.data.augment import AUGMENTATIONS
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import ModelCardError, UsageError, nearest
from edgetool.passes.base import TrainingSettings
from edgetool.recipes.recipe import builtin_names
from edgetool.schema import load_toml, parse
from edgetool.tasks import METRICS, TASKS

if TYPE_CHECKING:
    import keras

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "Fault",
    "ModelCard",
    "Reference",
    "TrainingRecipe",
    "find_model",
    "list_models",
    "load_builder",
    "load_step",
    "model_names",
    "parse_card",
    "recipe_fault",
    "require_trains",
]

#: Optimizers that a card may name, as Keras 3 calls them.
OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")

Schedule = Literal["constant", "cosine"]

#: How the learning rate may change over a training run.
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How the model is trained from scratch.

    Attributes:
        schedule: The schedule of the learning rate: `constant`, or `cosine` to zero after the last epoch.
        warmup_epochs: over which the learning rate rises to its value.
        weight_decay: decoupled (AdamW), of kernels.
        beta_2: decay of the second moment that Adam and AdamW keep; other optimizers do not look at it.
        label_smoothing: share of each label that is spread over all classes.
        augmentation: names of `edgetool.data.augment.AUGMENTATIONS`, applied in order.
        patience: stop after so many epochs without a better validation loss, and take the best epoch's weights; 0: off.
        balanced: weigh samples so that every class counts the same.
        with_validation: train on the validation split too, for small data; nothing then tells when to stop.
        procedure: `fit`, or `gan` where the package also has `build_discriminator(keras)`.
        real_data: The data set that `gan` imitates, as `load_dataset` names it; the card's `data` are latent vectors.
    """

    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 64
    epochs: int = 10
    schedule: Schedule = "constant"
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    beta_2: float = 0.999
    label_smoothing: float = 0.0
    augmentation: tuple[str, ...] = ()
    patience: int = 0
    balanced: bool = False
    with_validation: bool = False
    procedure: Literal["fit", "gan"] = "fit"
    real_data: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of a training recipe."""

    name: str
    found: str
    expected: str
    next_step: str


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
        task: The task, one of `edgetool.tasks.TASKS`.
        metric: The metric, one of `edgetool.tasks.METRICS`.
        data: what `load_dataset` takes, when the user names no data.
        preprocessing: the same for training, calibration and evaluation.
        training: The recipe for training from scratch.
        finetuning: The settings of passes that train.
        default_recipe: the one to take first.
        recipe_reason: why it is that one, where plain int8 (`w8a8_static`) does not do.
        trains: false for configurations that stand in the zoo for their size alone; `data` may then be empty.
        num_params: The number of the built model's parameters; 0 if the card does not state it.
        macs: multiply-accumulates of one sample; 0: not stated.
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
    recipe_reason: str = ""
    trains: bool = True
    num_params: int = 0
    macs: int = 0
    references: tuple[Reference, ...] = ()
    package: str = ""


def list_models() -> list[ModelCard]:
    """Return every card, sorted by name.

    Raises:
        ModelCardError: a `model.toml` is wrong.
    """
    cards = []
    for folder, (package, path) in scan(
        "edgetool_models", "edgetool.models", "model.toml", error=ModelCardError
    ).items():
        cards.append(parse_card(load_toml(path, error=ModelCardError), package=f"{package}.{folder}", source=str(path)))
    return sorted(cards, key=lambda card: card.name)


def parse_card(fields: Mapping[str, object], *, package: str, source: str) -> ModelCard:
    """Build a card from parsed TOML.

    Args:
        fields: what `model.toml` holds.
        package: the Python package of the builder.
        source: the file, for messages.

    Raises:
        ModelCardError: a key is unknown or missing, or a task, metric, optimizer or recipe is none that exists.
    """
    if "package" in fields:
        raise ModelCardError(
            source, found="key 'package'", expected="no such key", next_step="the folder says which package it is"
        )
    card = parse(ModelCard, {**fields, "package": package}, source=source, error=ModelCardError)
    names = (
        ("task", card.task, list(TASKS)),
        ("metric", card.metric, list(METRICS)),
        ("default_recipe", card.default_recipe, builtin_names()),
    )
    for key, value, valid in names:
        if value not in valid:
            raise ModelCardError(
                source, found=f"{key} {value!r}", expected=f"a known {key}", next_step=nearest(value, valid)
            )
    fault = recipe_fault(card.training)
    if fault is not None:
        raise ModelCardError(
            source,
            found=f"training.{fault.name} {fault.found}",
            expected=fault.expected,
            next_step=fault.next_step,
        )
    if any(value <= 0 for value in card.preprocessing.std) or card.preprocessing.scale == 0.0:
        raise ModelCardError(
            source,
            found="a std that is not above 0, or a scale of 0",
            expected="numbers that can be divided by",
            next_step="correct the file",
        )
    return card


def recipe_fault(recipe: TrainingRecipe) -> Fault | None:
    """Return the first thing in a training recipe that cannot be trained; None: it is sound."""
    names: list[tuple[str, str, list[str]]] = [
        ("optimizer", recipe.optimizer, list(OPTIMIZERS)),
        ("schedule", recipe.schedule, list(SCHEDULES)),
        *(("augmentation", name, list(AUGMENTATIONS)) for name in recipe.augmentation),
    ]
    for key, value, valid in names:
        if value not in valid:
            return Fault(key, repr(value), f"a known {key}", nearest(value, valid))
    ranges = (
        ("learning_rate", recipe.learning_rate, 0.0 < recipe.learning_rate < math.inf, "a number above 0"),
        ("batch_size", recipe.batch_size, recipe.batch_size >= 1, "1 or more"),
        ("epochs", recipe.epochs, recipe.epochs >= 1, "1 or more"),
        ("warmup_epochs", recipe.warmup_epochs, 0.0 <= recipe.warmup_epochs < math.inf, "0 or more"),
        ("weight_decay", recipe.weight_decay, 0.0 <= recipe.weight_decay < math.inf, "0 or more"),
        ("beta_2", recipe.beta_2, 0.0 < recipe.beta_2 < 1.0, "above 0 and below 1"),
        ("label_smoothing", recipe.label_smoothing, 0.0 <= recipe.label_smoothing < 1.0, "0 to below 1"),
        ("patience", recipe.patience, recipe.patience >= 0, "0 (off) or more"),
    )
    for key, number, fits, expected in ranges:
        if not fits:
            return Fault(key, f"{number:g}", expected, "correct it")
    return None


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


def require_trains(card: ModelCard) -> None:
    """Refuse to train a configuration that stands in the zoo for its size alone.

    Raises:
        UsageError: it does.
    """
    if not card.trains:
        raise UsageError(
            card.name,
            found="a configuration for cost figures, with random weights and no data",
            expected="a model that the zoo trains",
            next_step=f"edgetool models {card.name} shows what it costs; with data of your own, "
            f"edgetool train {card.package}:build --data D trains its builder",
        )


def load_step(
    card: ModelCard,
) -> tuple[Callable[[ModuleType], keras.Model], Callable[[keras.Model, keras.Model], None]]:
    """Return the card's `build_step(keras)`, one step of generation, and `copy_weights(model, step)`.

    Raises:
        UsageError: the model generates nothing.
        ModelCardError: no package.
    """
    load_builder(card)
    package = importlib.import_module(card.package)
    builder, copier = getattr(package, "build_step", None), getattr(package, "copy_weights", None)
    if builder is None or copier is None:
        raise UsageError(
            card.name,
            found="a model without build_step and copy_weights",
            expected="a language model that generates step by step",
            next_step="edgetool generate takes gpt-mini, or a model whose package has both functions",
        )
    return builder, copier


def load_builder(card: ModelCard) -> Callable[[ModuleType], keras.Model]:
    """Return the card's `build(keras)`, which serves Keras 3 and tf_keras.

    Raises:
        ModelCardError: the package has none.
    """
    try:
        builder: Callable[[ModuleType], keras.Model] = importlib.import_module(card.package).build
    except (ImportError, AttributeError) as exc:
        raise ModelCardError(
            card.name,
            found=f"no builder ({exc})",
            expected=f"a function build(keras) in {card.package}",
            next_step="add it to the package's __init__.py",
        ) from None
    return builder
