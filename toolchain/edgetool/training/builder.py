"""What is trained: a model of the zoo, or a user's `module:build`, which gets a card made of options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from edgetool.data.function import find_function
from edgetool.data.load import is_function
from edgetool.data.options import preprocessing_from
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import EdgetoolError, ManifestError, UnsupportedModelError
from edgetool.options.commands import ModelOptions
from edgetool.options.groups import PreprocessingOptions
from edgetool.schema import load_json, parse
from edgetool.zoo import ModelCard, find_model, load_builder, model_names

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build_model", "card_of", "recorded_card"]


#: A key near the beginning of every record of edgetool.
MARK, MARK_WITHIN = b'"edgetool_version"', 4096


def card_of(name: str, options: ModelOptions) -> ModelCard:
    """Return the zoo's card, or one made of options for `module:build`; an empty task or metric is found later.

    Raises:
        ModelCardError: no such model in the zoo.
        UsageError: an option of the preprocessing makes no sense.
    """
    if not is_function(name):
        return find_model(name)
    stated = PreprocessingOptions(scale=options.scale, mean=options.mean, std=options.std, dtype=options.dtype)
    return ModelCard(
        name=name,
        title=name,
        description="A model without a card.",
        task=options.task or "",
        metric=options.metric or "",
        data="",
        licence="",
        source=name,
        preprocessing=preprocessing_from(Preprocessing(), stated),
    )


def recorded_card(path: Path) -> ModelCard | None:
    """Return the card of the model that a `train.json` was written beside; None where it tells of none.

    A model without a card gets one with the task, metric and preprocessing that it was trained with. Whether classes
    were weighed and labels smoothed is taken from the record: options of `train` may have said otherwise than the card.

    Raises:
        ManifestError: a record of edgetool that is damaged. A file of that name may be somebody else's, too.
    """
    if not path.is_file():
        return None
    try:
        fields = load_json(path, error=ManifestError)
    except ManifestError:
        if MARK in path.read_bytes()[:MARK_WITHIN]:
            raise
        return None
    try:
        name, settings = str(fields["model"]), fields.get("settings", {})
        if not is_function(name):
            return _as_trained(find_model(name), settings) if name in model_names() else None
        preprocessing = parse(Preprocessing, fields["preprocessing"], source=str(path), error=ManifestError)
        card = card_of(name, ModelOptions(task=str(fields["task"]), metric=str(fields["metric"])))
        return _as_trained(dataclasses.replace(card, preprocessing=preprocessing), settings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, ManifestError):
        return None


def _as_trained(card: ModelCard, settings: Mapping[str, float]) -> ModelCard:
    """Return the card with what the record says of the targets of training."""
    training = dataclasses.replace(
        card.training,
        balanced=bool(settings.get("balanced", card.training.balanced)),
        label_smoothing=float(settings.get("label_smoothing", card.training.label_smoothing)),
    )
    return dataclasses.replace(card, training=training)


def build_model(card: ModelCard, keras: ModuleType) -> Model:
    """Return a new, untrained model.

    Raises:
        MissingFileError: the module or the function is not there.
        UnsupportedModelError: the user's function failed, or returned no functional or sequential model.
        ModelCardError: the zoo's package has no builder.
    """
    if not is_function(card.name):
        return load_builder(card)(keras)
    build = find_function(card.name, error=UnsupportedModelError)
    try:
        model: Any = build(keras)
    except EdgetoolError:
        raise
    except Exception as exc:
        raise UnsupportedModelError(
            card.name,
            found=f"a builder that failed ({type(exc).__name__}: {exc})",
            expected="a function build(keras) that returns a Keras model",
            next_step="call it by itself and mend it",
        ) from exc
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise UnsupportedModelError(
            card.name,
            found=f"a builder that returned a {type(model).__name__} without defined inputs and outputs",
            expected="a functional or sequential model of the keras that it is given",
            next_step="begin with keras.Input and return keras.Model(inputs, outputs)",
        )
    return model
