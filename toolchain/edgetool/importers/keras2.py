"""A tf_keras model as passes want it: one graph of layers without nested models, all in float32."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any

from edgetool.importers.keras3_graph import unique_names

if TYPE_CHECKING:
    import tf_keras
    from tf_keras.src.engine.keras_tensor import KerasTensor

__all__ = ["flat_model", "in_float32"]

#: Types of Keras policies that layers do not keep.
_OTHER_FLOATS = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64")


def flat_model(model: tf_keras.Model) -> tuple[tf_keras.Model, str]:
    """Write nested models out and let every layer compute in float32; weights are copied.

    Args:
        model: functional, of tf_keras; not modified.

    Returns:
        `model` itself where there is nothing to do, and the names of the policies that layers had besides float32.
    """
    import tf_keras

    layers = list(model._flatten_layers(include_self=False))
    policies = sorted({str(layer.dtype_policy.name) for layer in layers} & set(_OTHER_FLOATS))
    if not policies and not any(_is_model(layer) for layer in layers):
        return model, ""
    pairs = sorted(_named_layers(model, ""), key=lambda pair: bool(pair[2]))
    inputs = [_input(tensor) for tensor in model.inputs]
    names = unique_names(pairs, {str(tensor.name) for tensor in inputs})
    walk = _Walk(names)
    outputs = walk.run(model, inputs)
    for layer, copied in walk.copies.values():
        copied.set_weights(layer.get_weights())
    flat = tf_keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=model.name)
    return flat, ", ".join(policies)


def in_float32(config: object) -> Any:
    """Return a layer's configuration in which every policy and type of another float is float32."""
    if isinstance(config, list | tuple):
        return type(config)([in_float32(item) for item in config])
    if not isinstance(config, dict):
        return config
    return {
        key: "float32" if key == "dtype" and _is_other(value) else in_float32(value) for key, value in config.items()
    }


def _is_other(dtype: object) -> bool:
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    return name in _OTHER_FLOATS


def _is_model(layer: tf_keras.layers.Layer) -> bool:
    """Tell whether a layer is a model that is no more than its graph of layers."""
    import tf_keras
    from tf_keras.src.engine.functional import Functional

    return isinstance(layer, Functional) and type(layer).call in (Functional.call, tf_keras.Sequential.call)


def _named_layers(model: tf_keras.Model, parent: str) -> list[tuple[int, str, str]]:
    """Return (id, name, name of the nested model that holds it) of every layer of a model and its nested ones."""
    pairs = []
    for layer in model.layers:
        if _is_model(layer):
            pairs += _named_layers(layer, str(layer.name))
        else:
            pairs.append((id(layer), str(layer.name), parent))
    return pairs


def _input(tensor: KerasTensor) -> KerasTensor:
    import tf_keras

    dtype = "float32" if tensor.dtype.is_floating else tensor.dtype
    name = str(tensor.name).partition(":")[0]
    return tf_keras.Input(batch_shape=tuple(tensor.shape), dtype=dtype, name=name)


@dataclass(slots=True)
class _Walk:
    """Copies of a model's layers, made as they are called.

    Attributes:
        names: id of a layer -> name of its copy.
        copies: id of a layer -> it and its copy.
    """

    names: dict[int, str]
    copies: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def run(self, model: tf_keras.Model, inputs: list[KerasTensor]) -> list[KerasTensor]:
        """Call copies of the layers of `model` on `inputs` in its order, and return its outputs."""
        import tensorflow as tf

        tensors = {id(old): new for old, new in zip(model.inputs, inputs, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                given = tf.nest.map_structure(
                    lambda value: tensors.get(id(value), value), (node.call_args, node.call_kwargs)
                )
                made = self._call(node.layer, *given)
                for old, new in zip(tf.nest.flatten(node.outputs), tf.nest.flatten(made), strict=True):
                    tensors[id(old)] = new
        return [tensors[id(tensor)] for tensor in model.outputs]

    def _call(self, layer: tf_keras.layers.Layer, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        import tensorflow as tf

        kwargs = {key: value for key, value in kwargs.items() if key != "training"}
        if _is_model(layer):
            inputs = tf.nest.flatten(args[0])
            for tensor, mask in zip(inputs, tf.nest.flatten(kwargs.get("mask")), strict=False):
                if mask is not None:
                    tensor._keras_mask = mask
            outputs = self.run(layer, inputs)
            return outputs if len(outputs) > 1 else outputs[0]
        if id(layer) not in self.copies:
            self.copies[id(layer)] = (layer, _copied(layer, self.names[id(layer)]))
        return self.copies[id(layer)][1](*args, **kwargs)


def _copied(layer: tf_keras.layers.Layer, name: str) -> tf_keras.layers.Layer:
    """Return a layer like `layer`, its weights not yet copied."""
    config = {**in_float32(layer.get_config()), "name": name}
    if isinstance(getattr(layer, "activation", None), FunctionType) and config.get("activation") is not None:
        config["activation"] = layer.activation  # a function of the user's: Keras cannot make it from its code
    return type(layer).from_config(config)
