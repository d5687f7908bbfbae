"""What passes know of Keras layers: which have kernels, how to copy a model, how to name a layer left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from edgetool.errors import PassError
from edgetool.passes.base import layer_kernels
from edgetool.records import SkippedLayer

if TYPE_CHECKING:
    import tf_keras
    from tf_keras.src.engine.keras_tensor import KerasTensor

    from edgetool.data.dataset import Array

__all__ = ["choose_layers", "clone", "copy_weights", "fresh_layer", "give_state", "require_some", "walk"]

#: Layers whose kernel can be pruned and clustered. TF-MOT prunes more kinds, but a depthwise kernel is a fraction of
#: a percent of a model and loses accuracy first, and recurrent cells quantise badly once pruned.
KERNEL_LAYERS = ("Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Dense")


def choose_layers(
    model: tf_keras.Model, *, step: str, min_elements: int, kinds: Collection[str] = KERNEL_LAYERS
) -> tuple[list[str], list[SkippedLayer]]:
    """Return the names of the layers that a pass works on, and those with weights that it leaves alone.

    Args:
        model: a tf_keras model.
        step: the pass's name, for the reasons.
        min_elements: smaller kernels are left alone.
        kinds: class names of layers that the pass supports.
    """
    chosen: list[str] = []
    skipped: list[SkippedLayer] = []
    kernels = layer_kernels(model)
    for layer in model.layers:
        kernel = kernels.get(layer.name)
        kind = type(layer).__name__
        if hasattr(layer, "layers"):
            skipped.append(SkippedLayer(layer.name, step, "a nested model is left as it is"))
        elif kernel is None:
            if layer.weights and kind not in ("BatchNormalization", "LayerNormalization"):
                skipped.append(SkippedLayer(layer.name, step, f"{kind} is not supported"))
        elif kind not in kinds:
            skipped.append(SkippedLayer(layer.name, step, f"{kind} is not supported"))
        elif kernel.size < min_elements:
            reason = f"{kernel.size} weights, fewer than {min_elements}: accuracy would be lost for no size"
            skipped.append(SkippedLayer(layer.name, step, reason))
        else:
            chosen.append(layer.name)
    return chosen, skipped


def require_some(chosen: list[str], skipped: list[SkippedLayer], *, step: str) -> None:
    """Refuse a model in which there is nothing to work on.

    Raises:
        PassError: `chosen` is empty.
    """
    if not chosen:
        reasons = "; ".join(f"{item.layer}: {item.reason}" for item in skipped[:4]) or "no layer has weights"
        raise PassError(
            f"pass {step!r}",
            found=f"no layer to work on ({reasons})",
            expected=f"at least one of {', '.join(KERNEL_LAYERS)} with enough weights",
            next_step="leave this recipe out, or lower min_elements in a recipe of your own",
        )


def clone(
    model: tf_keras.Model, replace: Callable[[tf_keras.layers.Layer], tf_keras.layers.Layer] | None = None
) -> tf_keras.Model:
    """Return a copy of `model` with its weights; `replace` may give another layer (a wrapper) for each one."""
    import tf_keras

    def copy(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        fresh = fresh_layer(layer)
        return fresh if replace is None else replace(fresh)

    copied = tf_keras.models.clone_model(model, clone_function=copy)
    for old, new in zip(model.layers, copied.layers, strict=True):
        give_state(old, getattr(new, "layer", new) if replace is not None else new)
    return copied


def fresh_layer(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
    """Return a layer like `layer`, not built."""
    config = layer.get_config()
    if isinstance(getattr(layer, "activation", None), FunctionType) and config.get("activation") is not None:
        config["activation"] = layer.activation  # a function of the user's: Keras cannot make it from its code
    return layer.__class__.from_config(config)


def copy_weights(source: tf_keras.Model, target: tf_keras.Model) -> tf_keras.Model:
    """Give `target` the weights and states of the layers of `source`, which has the same layers; returns `target`."""
    for layer in source.layers:
        give_state(layer, target.get_layer(layer.name))
    return target


def give_state(old: tf_keras.layers.Layer, new: tf_keras.layers.Layer) -> None:
    """Copy the weights of a layer, and what it has made of them: a Normalization computes with constants."""
    if old.weights:
        new.set_weights(old.get_weights())
    for before, after in zip(old._flatten_layers(), new._flatten_layers(), strict=True):
        if hasattr(after, "finalize_state") and before.weights:
            after.finalize_state()


def walk(
    model: tf_keras.Model,
    inputs: Sequence[KerasTensor | Array],
    call: Callable[[tf_keras.layers.Layer, tuple[object, ...], dict[str, object]], object],
) -> list[Any]:
    """Call every layer of a functional model in order, through `call`, and return the model's outputs.

    Args:
        model: functional.
        inputs: tensors or arrays in place of the model's inputs.
        call: gets the layer, its positional and its keyword arguments, as the model calls it: a mask, the values of an
            attention and the operands of an operator are among them. It returns the output or outputs.
    """
    import tensorflow as tf

    tensors: dict[int, Any] = {id(old): new for old, new in zip(model.inputs, inputs, strict=True)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            arguments = (node.call_args, {key: value for key, value in node.call_kwargs.items() if key != "training"})
            given, named = tf.nest.map_structure(lambda value: tensors.get(id(value), value), arguments)
            results = call(node.layer, tuple(given), named)
            for old, new in zip(tf.nest.flatten(node.outputs), tf.nest.flatten(results), strict=True):
                tensors[id(old)] = new
    return [tensors[id(tensor)] for tensor in model.outputs]
