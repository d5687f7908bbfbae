"""Shapes and MACs of Keras layers from their configuration."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.ir.keras_shapes import layer_macs, output_shape

CONV = {"filters": 8, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "dilation_rate": [1, 1], "groups": 1}


@pytest.mark.parametrize(
    ("kind", "config", "inputs", "shape", "macs"),
    [
        ("Conv2D", CONV, [(7, 7, 3)], (4, 4, 8), 4 * 4 * 8 * 27),
        ("Conv2D", {**CONV, "padding": "valid"}, [(7, 7, 3)], (3, 3, 8), 3 * 3 * 8 * 27),
        ("Conv2D", {**CONV, "data_format": "channels_first"}, [(3, 7, 7)], (8, 4, 4), 4 * 4 * 8 * 27),
        ("Dense", {"units": 10}, [(64,)], (10,), 640),
        ("Dense", {"units": 10}, [(5, 64)], (5, 10), 3200),
        ("Flatten", {}, [(4, 4, 8)], (128,), 0),
        ("Add", {}, [(4, 4), (4, 4)], (4, 4), 0),
        ("Concatenate", {"axis": -1}, [(4, 2), (4, 3)], (4, 5), 0),
        ("GlobalAveragePooling2D", {"keepdims": False}, [(4, 4, 8)], (8,), 0),
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": None, "padding": "valid"}, [(7, 7, 3)], (3, 3, 3), 0),
        ("ZeroPadding2D", {"padding": [[1, 2], [0, 1]]}, [(4, 4, 3)], (7, 5, 3), 0),
        ("Reshape", {"target_shape": [2, -1]}, [(4, 4)], (2, 8), 0),
        ("ReversibleEmbedding", {"input_dim": 50, "output_dim": 8}, [(6,)], (6, 8), 0),
        ("ReversibleEmbedding", {"input_dim": 50, "output_dim": 8, "reverse": True}, [(6, 8)], (6, 50), 6 * 50 * 8),
        ("NoSuchLayer", {}, [(4,)], None, None),
    ],
)
def test_layers(
    kind: str, config: dict[str, Any], inputs: list[tuple[int, ...]], shape: tuple[int, ...] | None, macs: int | None
) -> None:
    found = output_shape(kind, config, inputs)
    assert found == shape
    assert layer_macs(kind, config, inputs, found) == macs


def test_wrappers_are_looked_through() -> None:
    wrapped = {"layer": {"class_name": "Dense", "config": {"units": 4}}}
    assert output_shape("QuantizeWrapperV2", wrapped, [(6,)]) == (4,)
    assert layer_macs("QuantizeWrapperV2", wrapped, [(6,)], (4,)) == 24


@pytest.mark.parametrize(
    ("equation", "output", "inputs", "shape", "macs"),
    [
        ("abc,cd->abd", [None, 8], (5, 6), (5, 8), 5 * 6 * 8),
        ("abc,cde->abde", [5, 2, 4], (5, 8), (5, 2, 4), 5 * 8 * 8),
        ("abcd,cde->abe", [5, 7], (5, 2, 4), (5, 7), 5 * 8 * 7),
        ("abc,c->abc", [5, 6], (5, 6), (5, 6), 0),  # a product of elements
        ("...x,xy->...y", 8, (3, 5, 6), (3, 5, 8), 3 * 5 * 6 * 8),
    ],
)
def test_einsum_dense(equation: str, output: Any, inputs: tuple[int, ...], shape: tuple[int, ...], macs: int) -> None:
    config = {"equation": equation, "output_shape": output}
    found = output_shape("EinsumDense", config, [inputs])
    assert found == shape
    assert layer_macs("EinsumDense", config, [inputs], found) == macs


def test_a_senseless_equation_raises() -> None:
    with pytest.raises(ValueError, match="equation"):
        output_shape("EinsumDense", {"equation": "abc", "output_shape": [4]}, [(5, 6)])
