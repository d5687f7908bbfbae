"""What is trained: a model of the zoo, or a user's `module:build`, which gets a card made of options."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetool.data.load import FUNCTION
from edgetool.data.options import preprocessing_from
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import EdgetoolError, MissingFileError, UnsupportedModelError
from edgetool.training.request import ModelOptions
from edgetool.zoo import ModelCard, find_model, load_builder

__all__ = ["build_model", "card_of", "is_function"]


def is_function(name: str) -> bool:
    """Tell `module:build` from the name of a zoo model."""
    return re.fullmatch(FUNCTION, name) is not None


def card_of(name: str, options: ModelOptions) -> ModelCard:
    """Return the zoo's card, or one made of options for `module:build`; an empty task or metric is found later.

    Raises:
        ModelCardError: no such model in the zoo.
        UsageError: an option of the preprocessing makes no sense.
    """
    if not is_function(name):
        return find_model(name)
    preprocessing = preprocessing_from(
        Preprocessing(), scale=options.scale, mean=options.mean, std=options.std, dtype=options.dtype
    )
    return ModelCard(
        name=name,
        title=name,
        description="A model without a card.",
        task=options.task or "",
        metric=options.metric or "",
        data="",
        licence="",
        source=name,
        preprocessing=preprocessing,
    )


def build_model(card: ModelCard, keras: Any) -> Any:
    """Return a new, untrained model.

    Raises:
        MissingFileError: the module or the function is not there.
        UnsupportedModelError: the user's function failed, or returned no functional or sequential model.
        ModelCardError: the zoo's package has no builder.
    """
    if not is_function(card.name):
        return load_builder(card)(keras)
    build = _find(card.name)
    try:
        model = build(keras)
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


def _find(spec: str) -> Callable[[Any], Any]:
    """Return the user's function; the current folder is searched first."""
    module_name, _, function_name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Callable[[Any], Any] = getattr(importlib.import_module(module_name), function_name)
    except (ModuleNotFoundError, AttributeError) as exc:
        raise MissingFileError(
            spec,
            found=str(exc),
            expected="an importable package.module:function",
            next_step="check the name; the current folder is searched too",
        ) from None
    except Exception as exc:
        raise UnsupportedModelError(
            spec,
            found=f"a module that cannot be imported ({type(exc).__name__}: {exc})",
            expected="a sound module",
            next_step="import it by itself and mend it",
        ) from exc
    return found
