"""Keras files of both generations, read without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgetool.ir.keras import config_macs, read_keras

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


@pytest.mark.parametrize(("name", "kind", "generation"), [("tiny.keras", "keras", "3"), ("tiny.h5", "h5", "2")])
def test_layers_weights_and_macs(name: str, kind: str, generation: str) -> None:
    model = read_keras(GOLDEN / name, kind)
    assert model.keras_version.startswith(generation)
    layers = {layer.name: layer for layer in model.layers}
    assert sum(weight.size for layer in model.layers for weight in layer.weights) == 443
    assert layers["stem"].macs == 8 * 8 * 4 * 27
    assert layers["block/inner"].macs == 8 * 8 * 6 * 36 and layers["block/inner"].output_shape == (8, 8, 6)
    assert layers["depthwise"].macs == 4 * 4 * 6 * 9
    assert layers["shared"].macs == 2 * 6 * 3, "the layer is called twice"
    assert [spec.shape for spec in model.inputs] == [(-1, 8, 8, 3)]
    assert [spec.shape for spec in model.outputs] == [(-1, 2), (-1, 3)]


def _attention(*, masked: bool, kind: str = "MultiHeadAttention") -> dict[str, Any]:
    """Return the configuration of a model whose attention looks at `x`, as Keras 3 writes it."""

    def tensor(name: str) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}

    node = {"args": [tensor("x"), tensor("x")], "kwargs": {"attention_mask": tensor("row")} if masked else {}}
    config = {"name": "attention", "num_heads": 2, "key_dim": 4, "value_dim": 4}
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 5, 8]}, "inbound_nodes": []},
        {"class_name": "InputLayer", "config": {"name": "row", "batch_shape": [None, 1, 5]}, "inbound_nodes": []},
        {"class_name": kind, "config": config, "inbound_nodes": [node]},
    ]
    return {"class_name": "Functional", "config": {"layers": layers, "output_layers": ["attention", 0, 0]}}


def test_a_mask_of_attention_is_none_of_its_inputs() -> None:
    expected = 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8  # four projections, scores, and their product with the values
    assert config_macs(_attention(masked=False)) == expected
    assert config_macs(_attention(masked=True)) == expected


def test_a_layer_of_unknown_cost_leaves_no_total() -> None:
    assert config_macs(_attention(masked=False, kind="NoSuchLayer")) is None
