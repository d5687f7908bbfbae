"""Magnitude pruning by TF-MOT: the smallest weights of each kernel become zero while the rest is fine-tuned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import RecipeError
from edgetool.invariants import Sparsity, sparsity
from edgetool.passes.base import Context, ModelState, Pass, PassResult, layer_kernels
from edgetool.passes.layers import choose_layers, clone, require_some
from edgetool.passes.refit import refit_values
from edgetool.passes.training import fine_tune, num_steps

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras
    from tensorflow_model_optimization.python.core.sparsity.keras.pruning_impl import Pruning

    from edgetool.records import SkippedLayer

__all__ = ["LEAST_STEPS", "Prune", "prune_model"]

#: Masks are found anew this often while the sparsity grows.
MASK_UPDATES = 8
#: A model that has lost most of its weights is of no use before it has taken so many steps, whatever the effort.
LEAST_STEPS = 100


@dataclass(frozen=True, slots=True)
class PruneParams:
    """Parameters of a recipe.

    Attributes:
        sparsity: share of zeros in each pruned kernel, 0..1.
        epochs: How long to fine-tune; masks are fixed in the last third.
        learning_rate_factor: A factor on the fine-tuning rate: pruned models have more to recover.
        distillation: share of the unpruned model's answers in the targets, 0..1; labels have the rest.
        min_elements: kernels with fewer weights are left alone.
    """

    sparsity: float = 0.8
    epochs: float = 4.0
    learning_rate_factor: float = 5.0
    distillation: float = 0.0
    min_elements: int = 1024


class Prune(Pass):
    """Prune every supported kernel to the same sparsity, with a polynomial schedule (Zhu and Gupta 2017)."""

    name = "prune"
    Params = PruneParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Prune a copy of the model; each pruned layer gets a `sparsity` invariant."""
        import tensorflow_model_optimization as tfmot

        params: PruneParams = self.params
        if not 0.0 < params.sparsity < 1.0:
            raise RecipeError(
                "pass 'prune': sparsity",
                found=f"{params.sparsity:g}",
                expected="between 0 and 1",
                next_step="correct it",
            )
        steps = num_steps(context, params.epochs, LEAST_STEPS)
        frequency = max(1, steps * 2 // 3 // MASK_UPDATES)
        ramp = frequency * min(MASK_UPDATES, max(1, steps * 2 // 3))
        schedule = tfmot.sparsity.keras.PolynomialDecay(
            initial_sparsity=params.sparsity / 2,
            final_sparsity=params.sparsity,
            begin_step=0,
            end_step=ramp,
            frequency=frequency,
        )
        model, chosen, skipped, facts = prune_model(
            state.model, context, params, {"pruning_schedule": schedule}, self.name
        )
        kernels = layer_kernels(model)
        ensured = tuple(Sparsity(name, params.sparsity, kernels[name].shape) for name in chosen)
        facts["mean_sparsity"] = round(sum(sparsity(kernels[name]) for name in chosen) / len(chosen), 4)
        new = dataclasses.replace(
            state, model=model, invariants=(*state.invariants, *ensured), skipped=(*state.skipped, *skipped)
        )
        return PassResult(new, modified=True, facts=facts)


def prune_model(
    source: tf_keras.Model,
    context: Context,
    params: Any,
    settings: Mapping[str, object],
    step: str,
    chosen: list[str] | None = None,
) -> tuple[tf_keras.Model, list[str], list[SkippedLayer], dict[str, float | int | str | bool]]:
    """Wrap, fine-tune and strip; returns the model, the pruned layers, the skipped ones and facts.

    Args:
        source: tf_keras model, left as it is.
        context: data and settings.
        params: Parameters with `epochs`, `learning_rate_factor`, `distillation` and `min_elements`.
        settings: Keyword arguments of TF-MOT's `prune_low_magnitude`.
        step: the pass's name.
        chosen: layers to prune; default: every supported one.

    Raises:
        PassError: nothing to prune.
    """
    import tensorflow_model_optimization as tfmot

    supported, skipped = choose_layers(source, step=step, min_elements=params.min_elements)
    chosen = supported if chosen is None else chosen
    require_some(chosen, skipped, step=step)
    names = set(chosen)
    wrapped = clone(
        source,
        lambda layer: tfmot.sparsity.keras.prune_low_magnitude(layer, **settings) if layer.name in names else layer,
    )
    for layer in wrapped.layers:
        if layer.name.startswith("prune_") and "sparsity_m_by_n" not in settings:
            _select_without_sorting(layer.pruning_obj)
    facts = fine_tune(
        wrapped,
        context,
        what=step,
        epochs=params.epochs,
        learning_rate_factor=params.learning_rate_factor,
        teacher=source,
        distillation=params.distillation,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
        least_steps=LEAST_STEPS,
    )
    facts["layers"] = len(chosen)
    model = clone(tfmot.sparsity.keras.strip_pruning(wrapped))
    facts["refitted_layers"] = refit_values(model, context, source, params.distillation)
    return model, chosen, skipped, facts


def _select_without_sorting(pruning: Pruning) -> None:
    """Let one TF-MOT pruning object find its threshold by partition.

    TF-MOT sorts every kernel for each new mask: 4 s for 8 M weights, as long as ten steps of training. The mask is the
    same, the weights whose magnitude is not below that of the smallest one to keep, until the final sparsity: its mask
    keeps no more than that, also where magnitudes are equal. A kernel that begins as zeros may so learn everywhere
    before it is pruned, and is pruned even where training was too short for that.
    """
    import tensorflow as tf

    def update_mask(weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        schedule = pruning._pruning_schedule
        share = schedule(pruning._step_fn())[1]
        is_final = share >= schedule.final_sparsity - 1e-6
        threshold, mask = tf.numpy_function(_mask, (weights, share, is_final), (weights.dtype, weights.dtype))
        return threshold, tf.ensure_shape(mask, weights.shape)

    pruning._update_mask = update_mask


def _mask(weights: Array, share: float, is_final: bool) -> tuple[Array, Array]:
    """Return the threshold, and 1 for each weight to keep: of those that equal it all, or, if final, the first ones."""
    threshold = _threshold(weights, share)
    magnitudes = np.abs(weights).ravel()
    mask = magnitudes >= threshold
    surplus = np.count_nonzero(mask) - _num_kept(magnitudes.size, share)
    if is_final and surplus > 0:
        mask[np.flatnonzero(magnitudes == threshold)[-surplus:]] = False
    return threshold, mask.reshape(weights.shape).astype(weights.dtype)


def _num_kept(size: int, share: float) -> int:
    return max(1, round(size * (1.0 - float(share))))


def _threshold(weights: Array, share: float) -> Array:
    """Return the magnitude of the smallest weight to keep when the share `share` of them becomes zero."""
    magnitudes = np.abs(weights).ravel()
    first_kept = magnitudes.size - _num_kept(magnitudes.size, share)
    return np.asarray(np.partition(magnitudes, first_kept)[first_kept])
