"""Carry a Keras 3 model over to tf_keras: same architecture, same weights. TF-MOT knows Keras 2 only."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

from edgetool.errors import UnsupportedModelError
from edgetool.passes.reversible import reversible_embedding

__all__ = ["carry_over"]

#: Operators that `a + b` and the like leave in a Keras 3 graph.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "TrueDivide": operator.truediv,
    "Divide": operator.truediv,
    "Matmul": operator.matmul,
    "Negative": operator.neg,
}

#: Left out of a layer's configuration: weights are copied, so that how they began does not matter, and Keras 3's own
#: bookkeeping, which Keras 2 does not know.
_DROPPED_SUFFIXES = ("_initializer", "_regularizer", "_constraint")
_DROPPED = {"quantization_config", "lora_rank", "lora_alpha", "build_config", "synchronized", "autocast", "optional"}


#: Layer -> what an argument of Keras 3 is called in Keras 2.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}


def carry_over(model: Any) -> Any:
    """Return a `tf_keras.Model` with the architecture and the weights of the Keras 3 `model`.

    Args:
        model: functional or sequential, nested ones included; it is not modified.

    Raises:
        UnsupportedModelError: a subclassed model, or a layer that tf_keras does not have; names it.
    """
    rebuilt = _rebuild(model)
    _copy_weights(model, rebuilt)
    return rebuilt


def _rebuild(model: Any) -> Any:
    import tf_keras

    kind = type(model).__name__
    if kind == "Sequential":
        return _rebuild_sequential(model)
    if kind not in ("Functional", "Model") or not hasattr(model, "operations"):
        raise UnsupportedModelError(
            model.name,
            found=f"a subclassed model ({kind})",
            expected="a functional or sequential model",
            next_step="rebuild it from keras.Input and layers, then copy the weights with set_weights",
        )
    config = model.get_config()
    tensors: dict[tuple[str, int, int], Any] = {}
    layers = {layer.name: layer for layer in model.operations}
    calls: list[tuple[str, int, Callable[..., Any], dict[str, Any]]] = []
    for entry in config["layers"]:
        name = str(entry["config"].get("name", entry.get("name")))
        if entry["class_name"] == "InputLayer":
            shape = entry["config"].get("batch_shape") or entry["config"].get("batch_input_shape")
            tensors[name, 0, 0] = tf_keras.Input(tuple(shape[1:]), name=name, dtype=_dtype(entry["config"]))
            continue
        target = _target(layers[name], entry)
        calls += [(name, number, target, node) for number, node in enumerate(entry["inbound_nodes"])]
    while calls:  # a layer that is called twice is listed once, in front of what its second call reads
        waiting = []
        for call in calls:
            name, number, target, node = call
            try:
                args, kwargs = _resolve(node["args"], tensors), _resolve(_call_kwargs(node), tensors)
            except KeyError:
                waiting.append(call)
                continue
            called = target(*args, **kwargs)
            for index, tensor in enumerate(called if isinstance(called, list | tuple) else [called]):
                tensors[name, number, index] = tensor
        assert len(waiting) < len(calls), "a graph without an order"
        calls = waiting
    return tf_keras.Model(
        _pick(config["input_layers"], tensors), _pick(config["output_layers"], tensors), name=model.name
    )


def _rebuild_sequential(model: Any) -> Any:
    import tf_keras

    shape = model.input_shape
    x = inputs = tf_keras.Input(tuple(shape[1:]), name=f"{model.name}_input", dtype=str(model.inputs[0].dtype))
    for layer in model.layers:
        entry = {"class_name": type(layer).__name__, "config": layer.get_config()}
        x = _target(layer, entry)(x)
    return tf_keras.Model(inputs, x, name=model.name)


def _target(layer: Any, entry: dict[str, Any]) -> Callable[..., Any]:
    """Return what to call in place of `layer`: a tf_keras layer, a rebuilt nested model, or a plain operator."""
    import tf_keras

    kind = str(entry["class_name"])
    if kind in ("Functional", "Sequential"):
        nested: Callable[..., Any] = _rebuild(layer)
        return nested
    module = type(layer).__module__
    if ".ops." in module:
        if kind in _OPERATORS:
            return _OPERATORS[kind]
        raise _unsupported(layer.name, f"the operator keras.ops {kind}")
    found = reversible_embedding() if kind == "ReversibleEmbedding" else getattr(tf_keras.layers, kind, None)
    if found is None or not module.startswith("keras."):
        raise _unsupported(layer.name, f"a layer of class {kind}")
    built: Callable[..., Any] = _make(found, entry["config"], layer.name)
    return built


def _make(kind: Any, config: dict[str, Any], name: str) -> Any:
    """Build a tf_keras layer from a Keras 3 configuration; keys that Keras 2 does not have are left out."""
    known = set(inspect.signature(kind.__init__).parameters) | {"name", "trainable", "dtype"}
    cleaned: dict[str, Any] = {}
    for given, value in config.items():
        key = _RENAMED.get(kind.__name__, {}).get(given, given)
        if key in _DROPPED or key.endswith(_DROPPED_SUFFIXES) or key not in known:
            continue
        cleaned[key] = _dtype(config) if key == "dtype" else _plain(value)
    for key in ("layer", "forward_layer", "backward_layer", "cell"):
        if isinstance(config.get(key), dict):
            import tf_keras

            inner = config[key]
            cleaned[key] = _make(getattr(tf_keras.layers, inner["class_name"]), inner["config"], name)
    try:
        return kind(**cleaned)
    except (TypeError, ValueError) as exc:
        raise _unsupported(name, f"a {kind.__name__} that Keras 2 cannot build ({exc})") from None


def _plain(value: Any) -> Any:
    """Turn lists into tuples, as constructors want, and serialised functions into their names."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value


def _dtype(config: dict[str, Any]) -> str:
    """Return the compute type: Keras 3 stores a policy, Keras 2 a name."""
    value = config.get("dtype", "float32")
    if isinstance(value, dict):
        value = value.get("config", {}).get("name", "float32")
    return "float32" if value in ("mixed_float16", "mixed_bfloat16", None) else str(value)


def _call_kwargs(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.get("kwargs", {}).items() if value is not None and key != "training"}


def _resolve(value: Any, tensors: dict[tuple[str, int, int], Any]) -> Any:
    """Replace each serialised tensor by the rebuilt one."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, node, index = value["config"]["keras_history"]
            return tensors[str(name), int(node), int(index)]
        return {key: _resolve(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, tensors) for item in value]
    return value


def _pick(references: Any, tensors: dict[tuple[str, int, int], Any]) -> Any:
    """Return the tensors that `input_layers` or `output_layers` name: one reference, or a (nested) list of them."""
    if references and isinstance(references[0], str):
        return tensors[str(references[0]), int(references[1]), int(references[2])]
    return [_pick(reference, tensors) for reference in references]


def _copy_weights(source: Any, target: Any) -> None:
    rebuilt = {layer.name: layer for layer in target.layers}
    for layer in source.layers:
        if not layer.weights:
            continue
        other = rebuilt.get(layer.name)
        if other is None:
            raise _unsupported(layer.name, "a layer that was lost while carrying the model over")
        if hasattr(layer, "layers") and hasattr(other, "layers"):
            _copy_weights(layer, other)
            continue
        weights = layer.get_weights()
        if [w.shape for w in weights] != [w.shape for w in other.get_weights()]:
            raise _unsupported(layer.name, f"weights that {type(other).__name__} of Keras 2 lays out in another way")
        other.set_weights(weights)


def _unsupported(layer: str, found: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"layer {layer!r}",
        found=found,
        expected="a layer that tf_keras has, which TF-MOT and the TFLite converter need",
        next_step="replace the layer by standard ones and copy its weights",
    )
