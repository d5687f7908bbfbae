"""tf_keras layers that do what layers of Keras 3 do: the same class where there is one, with the same configuration."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from edgetool.importers.keras3_activations import known_activation
from edgetool.passes.reversible import reversible_embedding

if TYPE_CHECKING:
    import keras
    import tf_keras
    from keras.src.ops.node import Node

__all__ = ["does_nothing", "known_layer"]

#: Left out of a layer's configuration: weights are copied, so that how they began does not matter, and Keras 3's own
#: bookkeeping, which Keras 2 does not know.
_DROPPED_SUFFIXES = ("_initializer", "_regularizer", "_constraint")
_DROPPED_NAMES = """
quantization_config lora_rank lora_alpha build_config synchronized autocast optional use_cudnn flash_attention seed
dtype zero_output_for_mask gate_lora registered_name
"""
_DROPPED = frozenset(_DROPPED_NAMES.split())

#: Layer -> what an argument of Keras 3 is called in Keras 2.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}

#: Layers that tf_keras computes otherwise, or with a branch, which tf2onnx cannot write.
_OTHERWISE = frozenset(("CenterCrop", "RandomCrop"))

#: Arguments that hold a layer, or a list of them.
_INNER = ("layer", "forward_layer", "backward_layer", "cell", "cells")

#: Layers that change samples while a model is trained, and leave them as they are afterwards.
_AUGMENTING = frozenset(("AugMix", "CutMix", "MixUp", "RandAugment", "ActivityRegularization", "StochasticDepth"))


def does_nothing(layer: keras.Layer, node: Node) -> bool:
    """Tell whether a layer of Keras 3 gives back what it gets once a model is trained: augmentation, for one."""
    kind, module = type(layer).__name__, type(layer).__module__
    if not module.startswith("keras.") or not node.input_tensors:
        return False
    alike = (
        node.outputs[0].shape == node.input_tensors[0].shape and node.outputs[0].dtype == node.input_tensors[0].dtype
    )
    if kind in ("StopGradient", "Copy", "ConvertToTensor"):
        return bool(alike)
    if kind in _AUGMENTING or (kind.startswith("Random") and kind != "RandomCrop"):
        return bool(alike)
    return False


def known_layer(layer: keras.Layer, name: str) -> tf_keras.layers.Layer | None:
    """Return a tf_keras layer like a layer of Keras 3, without its weights; None where tf_keras has none.

    Args:
        layer: built.
        name: The name of the new layer.
    """
    import tf_keras

    kind = type(layer).__name__
    if not type(layer).__module__.startswith("keras.") or kind in _OTHERWISE:
        return None
    layer_class = reversible_embedding() if kind == "ReversibleEmbedding" else getattr(tf_keras.layers, kind, None)
    if layer_class is None:
        return None
    config = _arguments(layer, layer_class)
    if config is None:
        return None
    if kind == "Normalization":
        config |= _statistics(layer)
    try:
        return layer_class(**{**config, "name": name})
    except (TypeError, ValueError):
        return None


def _arguments(layer: keras.Layer, kind: type[tf_keras.layers.Layer]) -> dict[str, Any] | None:
    """Return what builds a layer like `layer`; None where it has an argument that tf_keras does not know.

    Args:
        layer: A layer of Keras 3.
        kind: the class of tf_keras.
    """
    known = set(inspect.signature(kind.__init__).parameters) | {"name", "trainable"}
    defaults = inspect.signature(type(layer).__init__).parameters
    arguments: dict[str, Any] = {}
    for given, value in layer.get_config().items():
        key = _RENAMED.get(kind.__name__, {}).get(given, given)
        if key in _DROPPED or key.endswith(_DROPPED_SUFFIXES):
            continue
        if key not in known:
            default = defaults[given].default if given in defaults else False
            is_usual = given == "data_format" and value == "channels_last"
            if value and not is_usual and _plain(value) != _plain(default):
                return None
        elif key in _INNER and value is not None:
            inner = _inner(layer, given)
            if inner is None:
                return None
            arguments[key] = inner
        elif key.endswith("activation") and hasattr(layer, key):
            arguments[key] = known_activation(getattr(layer, key))
        else:
            arguments[key] = _plain(value)
    if kind.__name__ == "Embedding":
        arguments["mask_zero"] = False  # Keras 3 has written masks into its graph
    return arguments


def _inner(layer: keras.Layer, key: str) -> Any:
    """Return the tf_keras form of the layer or the layers that a wrapper or a recurrent layer holds."""
    held = getattr(layer, "forward_layer" if key == "layer" and hasattr(layer, "forward_layer") else key, None)
    if isinstance(held, list | tuple):
        cells = [known_layer(cell, str(cell.name)) for cell in held]
        return None if None in cells else cells
    return None if held is None else known_layer(held, str(held.name))


def _statistics(layer: keras.Layer) -> dict[str, Any]:
    """Return the mean and the variance that a Normalization was given, or has learned."""
    import numpy as np

    if layer.mean is None:
        return {}
    return {"mean": np.asarray(layer.mean).tolist(), "variance": np.asarray(layer.variance).tolist()}


def _plain(value: object) -> Any:
    """Turn lists into tuples, as constructors want, and serialised functions into their names."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value
