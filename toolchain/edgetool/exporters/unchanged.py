"""Outputs of a model that are inputs of it, untouched: tf2onnx loses such an input together with what reads it.

A model of augmentation layers is one, because these do nothing once a model is trained; so is one that hands an input
on beside its predictions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras
    from onnx import GraphProto

__all__ = ["hand_on", "unchanged_outputs"]

#: Operators of TensorFlow that give what they get.
_SAME = frozenset(("Identity", "IdentityN", "PreventGradient", "Snapshot", "StopGradient"))


def unchanged_outputs(keras_model: tf_keras.Model) -> dict[int, int]:
    """Return index of an output -> index of the input that it is, for those outputs of a tf_keras model.

    Args:
        keras_model: functional; it is traced once where an output might be an input by the layers around it.
    """
    if not any(_may_be_unchanged(tensor) for tensor in keras_model.outputs):
        return {}
    import tensorflow as tf

    specs = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in keras_model.inputs]

    def infer(*inputs: tf.Tensor) -> list[tf.Tensor]:
        outputs = keras_model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return [tf.identity(tensor) for tensor in tf.nest.flatten(outputs)]

    function = tf.function(infer).get_concrete_function(*specs)
    places = {tensor.name: index for index, tensor in enumerate(function.inputs)}
    sources = [_source(tensor) for tensor in function.outputs]
    return {index: places[name] for index, name in enumerate(sources) if name in places}


def hand_on(graph: GraphProto, outputs: dict[int, str]) -> None:
    """Add outputs that are inputs to an ONNX graph.

    Args:
        graph: holds the other outputs, in their order; modified.
        outputs: place of an output among all -> name of the input that it is.
    """
    from onnx import helper

    inputs = {value.name: value for value in graph.input}
    taken = {*inputs, *(name for node in graph.node for name in node.output)}
    values = list(graph.output)
    for place in sorted(outputs):
        source, number = outputs[place], 1
        while f"{source}_{number}" in taken:
            number += 1
        name = f"{source}_{number}"
        taken.add(name)
        graph.node.append(helper.make_node("Identity", [source], [name], name=name))
        values.insert(place, helper.make_value_info(name, inputs[source].type))
    del graph.output[:]
    graph.output.extend(values)


def _may_be_unchanged(tensor: tf.Tensor) -> bool:
    """Tell whether the layers from an input to `tensor` each have one input of its shape and type."""
    shape, dtype = tensor.shape, tensor.dtype
    while shape.rank is not None:
        history = tensor._keras_history
        given = history.layer.inbound_nodes[history.node_index].keras_inputs
        if not given:
            return True
        if len(given) > 1 or given[0].shape.rank is None or given[0].dtype != dtype:
            return False
        if given[0].shape.as_list() != shape.as_list():
            return False
        tensor = given[0]
    return False


def _source(tensor: tf.Tensor) -> str:
    """Return the name of the tensor that operators which do nothing were given first."""
    while tensor.op.type in _SAME:
        tensor = tensor.op.inputs[tensor.value_index]
    return str(tensor.name)
