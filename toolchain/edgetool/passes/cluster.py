"""Weight clustering by TF-MOT: each kernel keeps a handful of distinct values, which compress well."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import RecipeError
from edgetool.invariants import NOfM, NumClusters, Sparsity
from edgetool.passes.base import Context, ModelState, Pass, PassResult, layer_kernels
from edgetool.passes.centroids import assign, refine
from edgetool.passes.layers import choose_layers, clone, require_some
from edgetool.passes.training import fine_tune, make_projections
from edgetool.records import SkippedLayer

if TYPE_CHECKING:
    import tf_keras

__all__ = ["Cluster"]

#: Weights that the first centroids are looked for in.
SAMPLE_SIZE = 50_000


@dataclass(frozen=True, slots=True)
class ClusterParams:
    """Parameters of a recipe.

    Attributes:
        num_clusters: distinct values in each clustered kernel, zero included.
        epochs: How long to fine-tune while the assignment of weights to clusters stays fixed.
        distillation: share of the answers before clustering in the targets, 0..1; labels have the rest.
        min_elements: kernels with fewer weights are left alone.
    """

    num_clusters: int = 32
    epochs: float = 2.0
    learning_rate_factor: float = 1.0
    distillation: float = 0.0
    min_elements: int = 1024


class Cluster(Pass):
    """Cluster every supported kernel.

    TF-MOT finds the first centroids (k-means++) in a sample of the weights, Lloyd's iterations over all weights refine
    them; zeros that an earlier pass ensured keep a centroid of their own. Fine-tuning moves each centroid with the mean
    of its members' gradients. TF-MOT's wrappers do the same without refinement, but they search the nearest centroid
    of every weight in every step: a minute to wrap 8 M weights, and steps 20 times as long.
    """

    name = "cluster"
    Params = ClusterParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Cluster a copy of the model; each clustered layer gets a `num_clusters` invariant."""
        params: ClusterParams = self.params
        if not 2 <= params.num_clusters <= 256:
            raise RecipeError(
                "pass 'cluster': num_clusters",
                found=str(params.num_clusters),
                expected="2 to 256",
                next_step="correct it",
            )
        chosen, skipped = choose_layers(state.model, step=self.name, min_elements=params.min_elements)
        before = layer_kernels(state.model)
        equal = [name for name in chosen if np.ptp(before[name]) == 0]
        chosen = [name for name in chosen if name not in equal]
        reason = "every weight has the same value, and one cluster would hold them together"
        skipped += [SkippedLayer(name, self.name, reason) for name in equal]
        require_some(chosen, skipped, step=self.name)
        context.progress("cluster: find centroids", 0, 1)
        model = _cluster(state, chosen, params.num_clusters, context.seed)
        context.progress("cluster: find centroids", 1, 1)
        kernels = layer_kernels(model)
        ensured = tuple(NumClusters(name, params.num_clusters, kernels[name].shape) for name in chosen)
        invariants = (*state.invariants, *ensured)
        variables = {name: model.get_layer(name).kernel for name in chosen}
        facts = fine_tune(
            model,
            context,
            what=self.name,
            epochs=params.epochs,
            learning_rate_factor=params.learning_rate_factor,
            teacher=state.model,
            distillation=params.distillation,
            projections=make_projections(variables, invariants),
        )
        facts["layers"] = len(chosen)
        new = dataclasses.replace(state, model=model, invariants=invariants, skipped=(*state.skipped, *skipped))
        return PassResult(new, modified=True, facts=facts)


def _cluster(state: ModelState, chosen: list[str], num_clusters: int, seed: int) -> tf_keras.Model:
    """Return a copy of the model with the chosen kernels on their centroids."""
    model = clone(state.model)
    sparse = {item.layer for item in state.invariants if isinstance(item, Sparsity | NOfM)}
    for name in chosen:
        variable = model.get_layer(name).kernel
        kernel = variable.numpy()
        keep_zeros = name in sparse
        centroids = refine(kernel, _first_centroids(kernel, num_clusters, keep_zeros, seed), fixed_zero=keep_zeros)
        variable.assign(centroids[assign(kernel, centroids)])
    return model


def _first_centroids(kernel: Array, num_clusters: int, keep_zeros: bool, seed: int) -> Array:
    """Return TF-MOT's k-means++ centroids of a sample of the weights, `[num_clusters]`."""
    from tensorflow_model_optimization.python.core.clustering.keras.clustering_centroids import (
        KmeansPlusPlusCentroidsInitialisation,
    )

    flat = kernel.ravel()
    if keep_zeros:
        flat = flat[flat != 0]
    sample = np.random.default_rng(seed).choice(flat, min(flat.size, SAMPLE_SIZE), replace=False)
    if keep_zeros:
        sample = np.append(sample, np.float32(0))
    initialisation = KmeansPlusPlusCentroidsInitialisation(sample, num_clusters, preserve_sparsity=keep_zeros)
    return np.asarray(initialisation.get_cluster_centroids(), np.float32)
