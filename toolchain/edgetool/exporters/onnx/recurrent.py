"""Recurrent layers in ONNX: one operator each, which starts at zero by itself, and whose weights may be int8.

A layer that its model unrolls, as TFLite wants a GRU, becomes some ten nodes a step: 413 nodes and 43 kB for 24 steps
of traffic-gru, where the operator has one node and the model 20 kB.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgetool.exporters.onnx.graph import constant, producers

if TYPE_CHECKING:
    import tf_keras
    from onnx import GraphProto, NodeProto

__all__ = ["RECURRENT_OPS", "recurrent_weights", "rolled", "start_at_zero"]

RECURRENT_OPS = ("GRU", "LSTM")
#: Inputs with the weights of the inputs and of the state, `[directions, gates * units, width]`.
_WEIGHTS = (1, 2)
#: Inputs with the states to start from; absent: zeros.
_INITIAL_STATES = (5, 6)


@contextlib.contextmanager
def rolled(keras_model: tf_keras.Model) -> Iterator[list[str]]:
    """Let unrolled GRU and LSTM layers be traced as loops that tf2onnx knows; yields their names.

    Layers of other activations than Keras' own, or without `reset_after`, stay as they are: tf2onnx would leave a Loop.
    """
    changed = []
    for layer in keras_model._flatten_layers(include_self=False):
        if type(layer).__name__ in ("GRU", "LSTM") and layer.unroll:
            alike = type(layer).from_config({**layer.get_config(), "unroll": False})
            if alike._could_use_gpu_kernel:  # the traced form of tf_keras that has the operator's equations
                changed.append((layer, layer._could_use_gpu_kernel))
    try:
        for layer, _ in changed:
            layer.unroll, layer._could_use_gpu_kernel = False, True
        yield [str(layer.name) for layer, _ in changed]
    finally:
        for layer, could in changed:
            layer.unroll, layer._could_use_gpu_kernel = True, could


def recurrent_weights(graph: GraphProto) -> list[tuple[NodeProto, str]]:
    """Return (node, name) of every constant kernel of a recurrent operator, in graph order."""
    names = {tensor.name for tensor in graph.initializer}
    return [
        (node, str(node.input[place]))
        for node in graph.node
        if node.op_type in RECURRENT_OPS
        for place in _WEIGHTS
        if len(node.input) > place and node.input[place] in names
    ]


def start_at_zero(graph: GraphProto) -> None:
    """Take constant zeros off recurrent operators' initial states: tf2onnx computes their shape from the batch."""
    made = producers(graph)
    for node in graph.node:
        if node.op_type not in RECURRENT_OPS:
            continue
        for place in _INITIAL_STATES:
            if len(node.input) > place and node.input[place] and _is_zero(graph, made, node.input[place]):
                node.input[place] = ""
        while node.input[-1] == "":
            del node.input[-1]


def _is_zero(graph: GraphProto, made: dict[str, NodeProto], name: str) -> bool:
    """Tell whether a value is a zero, spread and given axes."""
    values = constant(graph, name)
    if values is not None:
        return not np.any(values)
    source = made.get(name)
    return source is not None and source.op_type in ("Expand", "Unsqueeze") and _is_zero(graph, made, source.input[0])
