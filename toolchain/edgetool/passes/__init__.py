"""The table of passes: name in a recipe -> where its class lives. Nothing registers by being imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.errors import RecipeError, nearest

if TYPE_CHECKING:
    from edgetool.passes.base import Pass

__all__ = ["PASSES", "load_pass"]

PASSES: dict[str, str] = {
    "prune": "edgetool.passes.prune:Prune",
    "prune_n_of_m": "edgetool.passes.prune_n_of_m:PruneNOfM",
    "cluster": "edgetool.passes.cluster:Cluster",
    "fold_batch_norm": "edgetool.passes.fold_batch_norm:FoldBatchNorm",
    "qat": "edgetool.passes.qat:QuantizationAwareTraining",
    "quantize_float16": "edgetool.passes.quantize:QuantizeFloat16",
    "quantize_dynamic": "edgetool.passes.quantize:QuantizeDynamic",
    "quantize_static": "edgetool.passes.quantize:QuantizeStatic",
}


def load_pass(name: str) -> type[Pass]:
    """Return the class of the pass `name`.

    Raises:
        RecipeError: there is no such pass.
    """
    import importlib

    if name not in PASSES:
        raise RecipeError(
            f"pass {name!r}", found="no such pass", expected="a known pass", next_step=nearest(name, list(PASSES))
        )
    module, _, attribute = PASSES[name].partition(":")
    loaded: type[Pass] = getattr(importlib.import_module(module), attribute)
    return loaded
