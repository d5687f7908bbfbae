"""Fold batch normalisation into the convolution or dense layer in front of it.

Converters fold it anyway, channel by channel; a kernel that is clustered before that would get as many values a channel
as it had in all. Folding first keeps the number of values of the file that ships.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.passes.base import Context, ModelState, Pass, PassResult
from edgetool.passes.layers import clone, fresh_layer, give_state, walk

if TYPE_CHECKING:
    import tf_keras

__all__ = ["FoldBatchNorm"]

#: Layer kind -> axis of the kernel that holds output channels; depthwise kernels hold them in the last two.
FOLDABLE = {
    "Conv1D": (-1,),
    "Conv1DTranspose": (-2,),
    "Conv2D": (-1,),
    "Conv2DTranspose": (-2,),
    "Conv3D": (-1,),
    "Conv3DTranspose": (-2,),
    "Dense": (-1,),
    "DepthwiseConv1D": (-2, -1),
    "DepthwiseConv2D": (-2, -1),
}


class FoldBatchNorm(Pass):
    """w' = w gamma / sqrt(var + eps), b' = beta + (b - mean) gamma / sqrt(var + eps) (Jacob et al. 2018, 3.2)."""

    name = "fold_batch_norm"
    requires = frozenset({"layers", "float_weights"})

    def apply(self, state: ModelState, context: Context) -> PassResult:  # noqa: ARG002 - the contract's signature
        """Fold in a copy of the model; a model without batch normalisation is given back as it is."""
        pairs = _find_pairs(state.model)
        if not pairs:
            return PassResult(state, modified=False, facts={"folded": 0})
        folded = _fold(state.model, pairs)
        return PassResult(dataclasses.replace(state, model=folded), modified=True, facts={"folded": len(pairs)})


def _find_pairs(model: tf_keras.Model) -> dict[str, str]:
    """Return normalisation layer -> layer in front of it, where that one is linear and feeds nothing else."""
    pairs: dict[str, str] = {}
    for layer in model.layers:
        if type(layer).__name__ != "BatchNormalization" or len(layer.inbound_nodes) != 1:
            continue
        source = layer.inbound_nodes[0].inbound_layers
        if isinstance(source, list | tuple):
            continue
        linear = getattr(source.activation, "__name__", "") == "linear" if hasattr(source, "activation") else False
        axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
        on_channels = axis in (-1, len(layer.output.shape) - 1)
        alone = len(source.outbound_nodes) == 1 and len(source.inbound_nodes) == 1
        is_output = any(source.output is tensor for tensor in model.outputs)
        if type(source).__name__ in FOLDABLE and linear and on_channels and alone and not is_output:
            pairs[layer.name] = source.name
    return pairs


def _fold(model: tf_keras.Model, pairs: dict[str, str]) -> tf_keras.Model:
    """Return a copy in which each folded normalisation is gone and its layer has a bias."""
    import tf_keras

    sources = set(pairs.values())

    def copy(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if layer.name in pairs:
            return tf_keras.layers.Activation("linear", name=layer.name)
        fresh = fresh_layer(layer)
        if layer.name in sources:
            fresh.use_bias = True
        return fresh

    with_identities = tf_keras.models.clone_model(model, clone_function=copy)
    by_source = {source: model.get_layer(norm) for norm, source in pairs.items()}
    for layer in model.layers:
        target = with_identities.get_layer(layer.name)
        if layer.name in by_source:
            target.set_weights(_folded_weights(layer, by_source[layer.name]))
        elif layer.name not in pairs:
            give_state(layer, target)
    return _without(with_identities, set(pairs))


def _folded_weights(layer: tf_keras.layers.Layer, norm: tf_keras.layers.BatchNormalization) -> list[Array]:
    weights = layer.get_weights()
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    gamma = norm.gamma.numpy() if norm.scale else np.ones_like(mean)
    beta = norm.beta.numpy() if norm.center else np.zeros_like(mean)
    factor = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + norm.epsilon)
    kernel = weights[0].astype(np.float64)
    bias = weights[1].astype(np.float64) if layer.use_bias else np.zeros_like(factor)
    axes = FOLDABLE[type(layer).__name__]
    shape = [size if axis - kernel.ndim in axes else 1 for axis, size in enumerate(kernel.shape)]
    folded = kernel * factor.reshape(shape)
    return [folded.astype(np.float32), (beta + (bias - mean) * factor).astype(np.float32)]


def _without(model: tf_keras.Model, names: set[str]) -> tf_keras.Model:
    """Return the model with the identity layers `names` taken out of the graph; the other layers are shared."""
    import tf_keras

    def call(layer: tf_keras.layers.Layer, given: tuple[object, ...], arguments: dict[str, object]) -> Any:
        return given[0] if layer.name in names else layer(*given, **arguments)

    outputs = walk(model, model.inputs, call)
    return clone(tf_keras.Model(model.inputs, outputs, name=model.name))
