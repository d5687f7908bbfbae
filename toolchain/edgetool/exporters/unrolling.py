"""Recurrent layers step by step: what converters make no integer loop of, and no loop that runs.

TFLite has one recurrent operator with an integer kernel, the LSTM, which starts at zero and sees every step. All other
recurrent layers become a WHILE, whose inside neither TFLite's nor onnxruntime's quantiser knows. A layer whose number
of steps is known is the same layer when it is written out; its weights are kept, once for all steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    import tf_keras

__all__ = ["MAX_STEPS", "LoopedLayer", "has_recurrent_layers", "looped_layers", "unrolled"]

#: A layer of more steps stays a loop: some twelve operators a step are slow to convert and to load.
MAX_STEPS = 200

_CONVOLUTIONAL = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", *_CONVOLUTIONAL)


@dataclass(frozen=True, slots=True)
class LoopedLayer:
    """A recurrent layer that is traced as a loop.

    Attributes:
        name: of the layer in the model.
        inner: the layers themselves: two of a Bidirectional.
        num_steps: None where it is not known.
    """

    name: str
    inner: tuple[Any, ...]
    num_steps: int | None


def looped_layers(keras_model: tf_keras.Model, *, fused_lstm: bool) -> list[LoopedLayer]:
    """Return the recurrent layers of a tf_keras model that are traced as loops.

    Args:
        keras_model: functional.
        fused_lstm: leave out each LSTM that becomes TFLite's one operator.
    """
    loops = []
    for layer in keras_model.layers:
        is_pair = type(layer).__name__ == "Bidirectional"
        inner = (layer.forward_layer, layer.backward_layer) if is_pair else (layer,)
        if any(type(one).__name__ not in _RECURRENT or one.unroll for one in inner):
            continue
        if fused_lstm and all(_is_fused(one, is_pair) for one in inner) and _starts_at_zero(layer):
            continue
        steps = {node.keras_inputs[0].shape[1] for node in layer.inbound_nodes if node.keras_inputs}
        loops.append(LoopedLayer(str(layer.name), inner, max(steps) if steps and None not in steps else None))
    return loops


def has_recurrent_layers(keras_model: tf_keras.Model) -> bool:
    """Tell whether any layer of a tf_keras model is recurrent, wrapped or not, written out or not."""
    return any(type(layer).__name__ in _RECURRENT for layer in keras_model._flatten_layers())


@contextlib.contextmanager
def unrolled(loops: list[LoopedLayer]) -> Iterator[None]:
    """Let layers of a known and small number of steps be traced step by step meanwhile."""
    from tf_keras.src import backend

    changed = []
    for loop in loops:
        if loop.num_steps is not None and loop.num_steps <= MAX_STEPS:
            changed += [(layer, getattr(layer, "_could_use_gpu_kernel", None)) for layer in loop.inner]
    is_convolutional = any(type(layer).__name__ in _CONVOLUTIONAL for layer, _ in changed)
    try:
        for layer, could in changed:
            layer.unroll = True
            if could is not None:
                layer._could_use_gpu_kernel = False
        with (
            mock.patch.object(backend, "rnn", _stepwise(backend.rnn)) if is_convolutional else contextlib.nullcontext()
        ):
            yield
    finally:
        for layer, could in changed:
            layer.unroll = False
            if could is not None:
                layer._could_use_gpu_kernel = could


def _stepwise(rnn: Callable[..., object]) -> Callable[..., object]:
    """Return `rnn` that writes steps out unless it is told otherwise: convolutional layers do not say."""

    def run(*args: object, **kwargs: object) -> object:
        return rnn(*args, **{"unroll": True, **kwargs})

    return run


def _is_fused(layer: tf_keras.layers.Layer, is_pair: bool) -> bool:
    """Tell whether TFLite has the layer as one operator, if it starts at zero."""
    if type(layer).__name__ != "LSTM" or not layer._could_use_gpu_kernel or layer.return_state:
        return False
    return is_pair or not layer.go_backwards


def _starts_at_zero(layer: tf_keras.layers.Layer) -> bool:
    """Tell whether every call of a layer gives it one tensor and no mask."""
    for node in layer.inbound_nodes:
        if len(node.keras_inputs) != 1 or getattr(node.keras_inputs[0], "_keras_mask", None) is not None:
            return False
    return True
