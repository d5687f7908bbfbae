"""Which recurrent layers are loops, and that they are loops again once a model was traced."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgetool.exporters.unrolling import MAX_STEPS, has_recurrent_layers, looped_layers, unrolled


def layer_of(kind: str, *, steps: int | None = 5, tensors: int = 1, mask: object = None, **attributes: Any) -> Any:
    inputs = [SimpleNamespace(shape=(None, steps, 3), _keras_mask=mask) for _ in range(tensors)]
    made = type(kind, (), {})()
    usual = {"name": "r", "unroll": False, "return_state": False, "go_backwards": False, "_could_use_gpu_kernel": True}
    for key, value in {**usual, **attributes, "inbound_nodes": [SimpleNamespace(keras_inputs=inputs)]}.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize(
    ("layer", "is_loop"),
    [
        (layer_of("LSTM"), False),
        (layer_of("LSTM", mask="mask"), True),
        (layer_of("LSTM", tensors=3), True),
        (layer_of("LSTM", go_backwards=True), True),
        (layer_of("LSTM", _could_use_gpu_kernel=False), True),
        (layer_of("GRU"), True),
        (layer_of("GRU", unroll=True), False),
        (layer_of("SimpleRNN"), True),
        (layer_of("Dense"), False),
    ],
)
def test_only_an_lstm_that_starts_at_zero_is_one_operator(layer: Any, is_loop: bool) -> None:
    assert bool(looped_layers(SimpleNamespace(layers=[layer]), fused_lstm=True)) is is_loop


@pytest.mark.parametrize(("kind", "expected"), [("LSTM", True), ("GRU", True), ("RNN", True), ("Dense", False)])
def test_a_recurrent_layer_is_seen_inside_others(kind: str, expected: bool) -> None:
    model = SimpleNamespace(_flatten_layers=lambda: [layer_of("Dense"), layer_of("Bidirectional"), layer_of(kind)])
    assert has_recurrent_layers(model) is expected


@pytest.mark.parametrize(("steps", "expected"), [(5, True), (MAX_STEPS + 1, False), (None, False)])
def test_loops_are_written_out_while_a_model_is_traced(steps: int | None, expected: bool) -> None:
    layer = layer_of("GRU", steps=steps)
    with unrolled(looped_layers(SimpleNamespace(layers=[layer]), fused_lstm=False)):
        assert layer.unroll is expected and layer._could_use_gpu_kernel is not expected
    assert not layer.unroll and layer._could_use_gpu_kernel
