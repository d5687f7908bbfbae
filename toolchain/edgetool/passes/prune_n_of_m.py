"""N:M pruning by TF-MOT: at most n non-zero weights in each m neighbours along the input axis."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgetool.errors import RecipeError
from edgetool.invariants import NOfM
from edgetool.passes.base import Context, ModelState, Pass, PassResult, layer_kernels
from edgetool.passes.layers import choose_layers
from edgetool.passes.prune import LEAST_STEPS, prune_model
from edgetool.passes.training import num_steps
from edgetool.records import SkippedLayer

__all__ = ["PruneNOfM"]


@dataclass(frozen=True, slots=True)
class PruneNOfMParams:
    """Parameters of a recipe: n of every m weights stay."""

    n: int = 2
    m: int = 4
    epochs: float = 4.0
    learning_rate_factor: float = 5.0
    distillation: float = 0.0
    min_elements: int = 1024


class PruneNOfM(Pass):
    """Prune to an N:M pattern, which hardware with structured sparsity (2:4) reads directly."""

    name = "prune_n_of_m"
    Params = PruneNOfMParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Prune a copy of the model; each pruned layer gets an `n_of_m` invariant.

        Kernels whose input axis is no multiple of m are left alone: TF-MOT would let groups straddle two positions. So
        are those of one-dimensional convolutions, which TF-MOT 0.8.1 has no pattern for.
        """
        import tensorflow_model_optimization as tfmot

        params: PruneNOfMParams = self.params
        if not 0 < params.n < params.m <= 32:
            raise RecipeError(
                "pass 'prune_n_of_m'",
                found=f"n = {params.n}, m = {params.m}",
                expected="0 < n < m <= 32",
                next_step="correct the recipe",
            )
        supported, _ = choose_layers(state.model, step=self.name, min_elements=params.min_elements)
        kernels = layer_kernels(state.model)
        refused = {name: _why_not(kernels[name].shape, params.m) for name in supported}
        fitting = [name for name, reason in refused.items() if not reason]
        left = [SkippedLayer(name, self.name, reason) for name, reason in refused.items() if reason]
        steps = num_steps(context, params.epochs, LEAST_STEPS)
        schedule = tfmot.sparsity.keras.ConstantSparsity(
            params.n / params.m, begin_step=0, end_step=max(1, steps // 2), frequency=max(1, steps // 4)
        )
        settings = {"pruning_schedule": schedule, "sparsity_m_by_n": (params.n, params.m)}
        model, chosen, skipped, facts = prune_model(state.model, context, params, settings, self.name, fitting)
        kernels = layer_kernels(model)
        ensured = tuple(NOfM(name, params.n, params.m, kernels[name].shape) for name in chosen)
        new = dataclasses.replace(
            state, model=model, invariants=(*state.invariants, *ensured), skipped=(*state.skipped, *skipped, *left)
        )
        return PassResult(new, modified=True, facts=facts)


def _why_not(shape: tuple[int, ...], m: int) -> str:
    """Return why a kernel cannot have the pattern; empty: it can."""
    if len(shape) not in (2, 4):
        return f"a kernel of {len(shape)} axes, for which TF-MOT has no N:M pattern"
    return f"{shape[-2]} inputs are no multiple of {m}" if shape[-2] % m else ""
