"""Closed-form refit of the linear layers that give values, after weights in front of them were pruned.

A few steps of training move the last layer of a head of values by little, and its error is all of the head's. What is
best for the features as they are now is a linear least-squares problem, whose solution costs one pass over the samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.passes.base import Context
from edgetool.passes.heads import HeadTargets, head_targets

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["LinearFit", "refit_values", "solve_linear"]

#: Training samples that are looked at, and values of the features that are kept.
MAX_SAMPLES = 2048
MAX_FEATURE_VALUES = 20_000_000
MIN_SAMPLES = 32
#: One sample in so many decides how strongly the layer is held to what it was.
HOLD_OUT = 4
#: Strengths, relative to the features' mean power.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
#: Features that do not vary have no power that the strength could be relative to.
LEAST_POWER = 1e-9
#: Rows of normal equations times outputs: what solving them for each output by itself may cost.
MAX_SOLVER_COST = 2e10


class LinearFit(NamedTuple):
    """A kernel `[inputs, outputs]` and a bias `[outputs]`."""

    kernel: Array
    bias: Array


def refit_values(model: tf_keras.Model, context: Context, teacher: tf_keras.Model, distillation: float) -> int:
    """Refit the last layer of each output of values in place; returns how many layers were changed.

    An output of values is one whose loss is a squared error, from a Dense layer without activation that is used once.
    Zeros of its kernel stay zeros. A layer is left as it is where no refit is nearer to targets that were held out.

    Args:
        model: tf_keras, functional or sequential, as it is after training.
        context: data and settings.
        teacher: the model before the pass.
        distillation: share of the teacher's answers in the targets where there are labels.
    """
    import tf_keras

    assert context.dataset.train is not None
    heads = head_targets(context.dataset.train, context, teacher, distillation)
    layers = {index: _last_dense(model, index) for index, head in enumerate(heads) if _is_of_values(head)}
    fitting = {index: layer for index, layer in layers.items() if layer is not None}
    num_samples = _num_samples(context.dataset.train, [layer.input.shape for layer in fitting.values()])
    if not fitting or num_samples < MIN_SAMPLES:
        return 0
    chosen = np.random.default_rng(context.seed).permutation(context.dataset.train.num_samples)[:num_samples]
    inputs = [array[chosen] for array in context.dataset.train.inputs]
    reader = tf_keras.Model(model.inputs, [layer.input for layer in fitting.values()])
    features = _predict(reader, inputs)
    answers = _predict(teacher, inputs)
    changed = 0
    for (index, layer), layer_features in zip(fitting.items(), features, strict=True):
        targets, _ = heads[index].batch(chosen, answers[index])
        changed += _refit_layer(layer, layer_features, np.asarray(targets).reshape(answers[index].shape))
    return changed


def solve_linear(features: Array, targets: Array, start: LinearFit, kept: Array) -> LinearFit | None:
    """Return the ridge regression of `targets` on `features`, drawn towards `start`; None where nothing is better.

    The strength of the ridge (Hoerl and Kennard 1970) is chosen on rows that are held out, each output's own.

    Args:
        features: `[rows, inputs]`.
        targets: `[rows, outputs]`.
        start: what the layer computes now.
        kept: bool `[inputs, outputs]`: weights that may be other than zero.
    """
    x, y = features.astype(np.float64), targets.astype(np.float64)
    kernel, bias = start.kernel.astype(np.float64), start.bias.astype(np.float64)
    residual = y - x @ kernel - bias
    held = np.arange(len(x)) % HOLD_OUT == 0
    before = (residual[held] ** 2).sum(axis=0)
    errors, steps = [before], [(np.zeros_like(kernel), np.zeros_like(bias))]
    for strength in STRENGTHS:
        change, shift = _ridge(x[~held], residual[~held], kept, strength)
        errors.append(((residual[held] - x[held] @ change - shift) ** 2).sum(axis=0))
        steps.append(_ridge(x, residual, kept, strength))
    best = np.argmin(np.stack(errors), axis=0)
    if not best.any():
        return None
    for column, choice in enumerate(best):
        kernel[:, column] += steps[choice][0][:, column]
        bias[column] += steps[choice][1][column]
    return LinearFit(kernel.astype(np.float32), bias.astype(np.float32))


def _ridge(x: Array, residual: Array, kept: Array, strength: float) -> tuple[Array, Array]:
    """Return the change of the kernel and of the bias, which is not drawn to anything, that explain the residual."""
    centre, offset = x.mean(axis=0), residual.mean(axis=0)
    centred = x - centre
    gram = centred.T @ centred
    moments = centred.T @ (residual - offset)
    weight = strength * max(float(np.trace(gram)) / len(gram), LEAST_POWER)
    gram[np.diag_indices_from(gram)] += weight
    if kept.all():
        change = np.linalg.solve(gram, moments)
    else:
        change = np.zeros_like(moments)
        for column in range(moments.shape[1]):
            rows = np.flatnonzero(kept[:, column])
            change[rows, column] = np.linalg.solve(gram[np.ix_(rows, rows)], moments[rows, column])
    return change, offset - centre @ change


def _is_of_values(head: HeadTargets) -> bool:
    return head.settings.loss in ("mse", "mean_squared_error")


def _last_dense(model: tf_keras.Model, index: int) -> tf_keras.layers.Dense | None:
    """Return the layer that gives an output, if it is a Dense layer without activation that is used once."""
    import tf_keras

    layer = model.outputs[index]._keras_history.layer
    is_linear = type(layer) is tf_keras.layers.Dense and layer.activation is tf_keras.activations.linear
    if not is_linear or len(layer.inbound_nodes) != 1 or layer.bias is None:
        return None
    return layer if _solver_cost(layer) <= MAX_SOLVER_COST else None


def _solver_cost(layer: tf_keras.layers.Dense) -> float:
    num_inputs, num_outputs = layer.kernel.shape
    alone = num_outputs if not layer.kernel.numpy().all() else 1
    return float(num_inputs) ** 3 * alone * len(STRENGTHS)


def _num_samples(train: Split, shapes: list[tf.TensorShape]) -> int:
    """Return how many samples' features, of shapes `[None, ...]`, fit into memory."""
    sizes = [int(np.prod([size or 1 for size in shape[1:]])) for shape in shapes]
    return min(train.num_samples, MAX_SAMPLES, MAX_FEATURE_VALUES // max(sum(sizes), 1))


def _predict(model: tf_keras.Model, inputs: list[Array]) -> list[Array]:
    predictions = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return list(predictions) if isinstance(predictions, list | tuple) else [predictions]


def _refit_layer(layer: tf_keras.layers.Dense, features: Array, targets: Array) -> bool:
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    rows, values = features.reshape(-1, features.shape[-1]), targets.reshape(-1, targets.shape[-1])
    fit = solve_linear(rows, values, LinearFit(kernel, bias), kernel != 0)
    if fit is None:
        return False
    layer.kernel.assign(fit.kernel)
    layer.bias.assign(fit.bias)
    return True
