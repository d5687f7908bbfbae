"""Keras files of both generations, read without Keras."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.ir.keras import read_keras

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
