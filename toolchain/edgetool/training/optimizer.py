"""Optimizer and learning rate of a training recipe.

Imports Keras 3; only the training child reaches the functions that do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgetool.zoo import TrainingRecipe

if TYPE_CHECKING:
    import keras

__all__ = ["learning_rate_at", "make_optimizer"]


def learning_rate_at(recipe: TrainingRecipe, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of step `step`, counted from 0.

    It rises linearly over the warm-up; then it stays, or falls along half a cosine to zero at the end (Loshchilov and
    Hutter 2017, SGDR, equation 5, without restarts).
    """
    warmup, total = recipe.warmup_epochs * steps_per_epoch, recipe.epochs * steps_per_epoch
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    share = min(1.0, (step - warmup) / max(1.0, total - warmup))
    return recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))


def make_optimizer(recipe: TrainingRecipe, model: keras.Model, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the Keras 3 optimizer of a recipe for `model`, not yet built.

    Weight decay is decoupled (AdamW's rule: Loshchilov and Hutter 2019) whatever the optimizer, and of kernels alone:
    biases, normalisation and embeddings are left out.
    """
    import keras

    config: dict[str, Any] = {"learning_rate": recipe.learning_rate}
    if recipe.schedule != "constant" or recipe.warmup_epochs > 0.0:
        config["learning_rate"] = _schedule(recipe, steps_per_epoch)
    if recipe.weight_decay > 0.0 or recipe.optimizer == "adamw":
        config["weight_decay"] = recipe.weight_decay
    if recipe.optimizer.startswith("adam"):
        config["beta_2"] = recipe.beta_2
    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }
    optimizer = kinds[recipe.optimizer](**config)
    if recipe.weight_decay > 0.0:
        optimizer.exclude_from_weight_decay([item for item in model.trainable_variables if not _is_kernel(item)])
    return optimizer


def _is_kernel(variable: keras.Variable) -> bool:
    return "kernel" in variable.name and len(variable.shape) > 1


def _schedule(recipe: TrainingRecipe, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return `learning_rate_at` as Keras wants it: a function of a tensor, traced once."""
    import keras

    warmup, total = recipe.warmup_epochs * steps_per_epoch, recipe.epochs * steps_per_epoch
    ops = keras.ops

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
            step = ops.cast(step, "float32")
            rising = recipe.learning_rate * (step + 1.0) / (warmup + 1.0)
            if recipe.schedule == "constant":
                after = ops.full_like(step, recipe.learning_rate)
            else:
                share = ops.minimum(1.0, (step - warmup) / max(1.0, total - warmup))
                after = recipe.learning_rate * 0.5 * (1.0 + ops.cos(math.pi * share))
            return ops.where(step < warmup, rising, after)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Schedule()
