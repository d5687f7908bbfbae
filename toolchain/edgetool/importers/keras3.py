"""Carry a Keras 3 model over to tf_keras: same architecture, same weights. TF-MOT knows Keras 2 only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras3_functions import function_of
from edgetool.importers.keras3_graph import FlatGraph, flat_graph
from edgetool.importers.keras3_layers import does_nothing, known_layer
from edgetool.importers.keras3_operators import OPERATORS, as_layer
from edgetool.importers.keras3_preprocessing import function_of_layer, require_numbers
from edgetool.passes.carried import Place, carried_layer, register

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    import tf_keras
    from keras.src.ops.node import Node
    from tf_keras.src.engine.keras_tensor import KerasTensor

__all__ = ["carry_over"]

#: Masks that Keras 3 gives a MultiHeadAttention -> where its scores, `[N, queries, keys]`, have an axis more.
_ATTENTION_MASKS = {"query_mask": 2, "value_mask": 1, "key_mask": 1}


def carry_over(model: keras.Model) -> tf_keras.Model:
    """Return a `tf_keras.Model` with the architecture and the weights of the Keras 3 `model`, nested ones written out.

    Layers that tf_keras has become these, which passes know; other layers and operators are `passes.carried`.

    Args:
        model: functional or sequential, nested ones included; its weights stay as they are.

    Raises:
        UnsupportedModelError: a subclassed model, or an operator that runs a function of the caller's; names it.
    """
    import tf_keras

    graph = flat_graph(model)
    rebuilding = _Rebuilding(graph)
    inputs = []
    for tensor in graph.inputs:
        name = f"{model.name}_input" if type(model).__name__ == "Sequential" else str(tensor.name)
        inputs.append(tf_keras.Input(tuple(tensor.shape[1:]), name=name, dtype=str(tensor.dtype)))
        rebuilding.tensors[id(tensor)] = inputs[-1]
    for node in graph.nodes:
        rebuilding.add(node)
    outputs = [rebuilding.tensors[id(tensor)] for tensor in graph.outputs]
    if graph.output_names:
        outputs = [_named(tensor, name) for tensor, name in zip(outputs, graph.output_names, strict=True)]
    return tf_keras.Model(_single(inputs), _single(outputs), name=model.name)


class _Rebuilding:
    """A graph of which the first nodes are rebuilt.

    Attributes:
        tensors: id of a symbolic tensor of Keras 3 -> the one of tf_keras.
    """

    def __init__(self, graph: FlatGraph) -> None:
        self.tensors: dict[int, Any] = {}
        self._names = graph.names
        self._layers: dict[int, Any] = {}

    def add(self, node: Node) -> None:
        """Rebuild the node, which reads what is rebuilt already."""
        import keras

        made = self._call(node)
        tensors = list(made) if isinstance(made, list | tuple) else [made]
        for old, new in zip(keras.tree.flatten(node.outputs), tensors, strict=True):
            self.tensors[id(old)] = new

    def _call(self, node: Node) -> Any:
        operation, name = node.operation, self._names[id(node.operation)]
        if does_nothing(operation, node):
            return self.tensors[id(node.input_tensors[0])]
        if ".ops." in type(operation).__module__:
            return self._call_operator(node, name)
        known = self._layers.get(id(operation))
        if known is None:
            require_numbers(operation)
            function = function_of_layer(operation)
            if function is not None:
                known = self._layers[id(operation)] = carried_layer()(register(function, name), name=name)
        if known is None:
            known = known_layer(operation, name)
            made = None if known is None else self._try(known, node)
            if made is not None and _copied(operation, known):
                self._layers[id(operation)] = known
                return made
            known = carried_layer()(register(operation, name), name=name)
            self._layers[id(operation)] = known
        if type(known).__name__ == "Carried":
            return self._carry(known, node)
        return self._try(known, node, strict=True)

    def _call_operator(self, node: Node, name: str) -> Any:
        kind = type(node.operation).__name__
        if kind not in OPERATORS:
            raise UnsupportedModelError(
                f"operator {node.operation.name!r}",
                found=f"{kind} of keras.ops, which has no counterpart in tf_keras",
                expected="operators that compute tensors from tensors",
                next_step="replace the operator by standard layers and copy the weights",
            )
        layer = as_layer(node, name)
        if layer is not None:
            tensors = [self.tensors[id(tensor)] for tensor in node.input_tensors]
            return layer(_single(tensors))
        return self._carry(carried_layer()(register(function_of(node.operation), name), name=name), node)

    def _try(self, layer: tf_keras.layers.Layer, node: Node, *, strict: bool = False) -> Any:
        """Call a tf_keras layer as the node calls its own; None where it takes other arguments."""
        import keras

        kwargs = {key: value for key, value in node.arguments.kwargs.items() if key != "training"}
        args, kwargs = keras.tree.map_structure(self._tensor, (tuple(node.arguments.args), kwargs))
        kwargs = {key: value for key, value in kwargs.items() if not _is_nothing(value)}
        if type(layer).__name__ == "BatchNormalization":
            kwargs.pop("mask", None)  # only statistics of a batch follow it
        kwargs = self._with_one_mask(layer, kwargs)
        try:
            return layer(*args, **kwargs)
        except (TypeError, ValueError, NotImplementedError):
            if strict:
                raise
            return None

    def _tensor(self, value: object) -> Any:
        import keras

        return self.tensors[id(value)] if isinstance(value, keras.KerasTensor) else value

    def _with_one_mask(self, layer: tf_keras.layers.Layer, kwargs: dict[str, object]) -> dict[str, object]:
        """Replace the masks that Keras 3 gives a MultiHeadAttention by the one `[N, queries, keys]` of tf_keras."""
        if not _ATTENTION_MASKS.keys() & kwargs.keys():
            return kwargs
        masks = {key: kwargs[key] for key in (*_ATTENTION_MASKS, "attention_mask") if kwargs.get(key) is not None}
        rest = {key: value for key, value in kwargs.items() if key not in masks and key not in _ATTENTION_MASKS}
        if not masks:
            return rest
        joining = carried_layer()(
            register(_joined(tuple(masks)), "masks"), name=f"{layer.name}_masks_{len(self.tensors)}"
        )
        return {**rest, "attention_mask": joining(_single(list(masks.values())))}

    def _carry(self, layer: tf_keras.layers.Layer, node: Node) -> Any:
        """Call a carried layer on the tensors of the node, in the place where each one stands."""
        import keras

        tensors: list[Any] = []

        def place(value: object) -> Any:
            if not isinstance(value, keras.KerasTensor):
                is_double = getattr(getattr(value, "dtype", None), "name", "") == "float64"
                return np.asarray(value, np.float32) if is_double else value  # Keras would go on in float64
            tensors.append(self.tensors[id(value)])
            return Place(len(tensors) - 1)

        kwargs = {key: value for key, value in node.arguments.kwargs.items() if key != "training"}
        arguments = keras.tree.map_structure(place, (tuple(node.arguments.args), kwargs))
        args, kwargs = arguments
        is_plain = len(args) == 1 and isinstance(args[0], Place) and not kwargs
        try:
            return layer(_single(tensors), **({} if is_plain else {"arguments": register(arguments, "arguments")}))
        except (TypeError, ValueError, NotImplementedError, AttributeError, ArithmeticError) as exc:
            raise UnsupportedModelError(
                f"layer {layer.name!r}",
                found=f"{type(node.operation).__name__}, which TensorFlow cannot trace: {_in_short(exc)}",
                expected="layers and operators that compute with an open batch",
                next_step="replace it by standard layers and copy the weights",
            ) from exc


def _copied(layer: keras.Layer, known: tf_keras.layers.Layer) -> bool:
    """Copy the weights of a layer of Keras 3 to one of tf_keras; False where it lays them out in another way."""
    if type(layer).__name__ == "Normalization" and layer.mean is not None:
        return True
    weights = layer.get_weights()
    if [tuple(w.shape) for w in weights] != [tuple(w.shape) for w in known.get_weights()]:
        return False
    known.set_weights(weights)
    return True


def _joined(names: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function of the masks of those names: what none of them hides."""

    def join(*masks: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        joined = None
        for name, mask in zip(names, masks, strict=True):
            seen = tf.cast(mask, tf.bool)
            if name in _ATTENTION_MASKS:
                seen = tf.expand_dims(seen, _ATTENTION_MASKS[name])
            joined = seen if joined is None else tf.logical_and(joined, seen)
        return joined

    return join


def _named(tensor: KerasTensor, name: str) -> KerasTensor:
    """Return an output under a name of its own."""
    import tf_keras

    if tensor._keras_history.layer.name == name:
        return tensor
    return tf_keras.layers.Activation("linear", name=name)(tensor)


def _in_short(exc: Exception) -> str:
    """Return the last line of an error, where TensorFlow says what it is about."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line] or lines
    return telling[0][:200] if telling else type(exc).__name__


def _is_nothing(value: object) -> bool:
    """Tell whether an argument says nothing: None, or a list of None for each of several inputs."""
    if isinstance(value, list | tuple):
        return all(_is_nothing(item) for item in value)
    return value is None


def _single(values: Sequence[KerasTensor]) -> KerasTensor | Sequence[KerasTensor]:
    return values[0] if len(values) == 1 else values
