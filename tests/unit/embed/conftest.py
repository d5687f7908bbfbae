"""Small int8 graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

CONV = {
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "padding": "SAME",
    "fused_activation_function": "NONE",
}


def activation(name: str, *shape: int, scale: float = 0.5, zero_point: int = 0, dtype: str = "int8") -> Tensor:
    return Tensor(name, (-1, *shape), dtype, Quantization((scale,), (zero_point,)))


def constant(name: str, values: Array, scale: float | tuple[float, ...] = 0.25) -> Tensor:
    scales = scale if isinstance(scale, tuple) else (scale,)
    return Tensor(name, values.shape, str(values.dtype), Quantization(scales, (0,) * len(scales)), values)


def graph_of(tensors: list[Tensor], ops: list[Op], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
    return Graph("tflite", {tensor.name: tensor for tensor in tensors}, tuple(ops), inputs, outputs)


@pytest.fixture
def conv_graph() -> Callable[..., Graph]:
    """A convolution of `[1, 4, 4, 2]` with filters of `size` pixels."""

    def make(size: int = 3, **attributes: Any) -> Graph:
        random = np.random.default_rng(0)
        weights = random.integers(-127, 128, (3, size, size, 2)).astype(np.int8)
        out = 4 if attributes.get("stride_h", 1) == 1 else 2
        tensors = [
            activation("x", 4, 4, 2, zero_point=-3),
            constant("w", weights, (0.25, 0.125, 0.5)),
            constant("b", np.array([10, -20, 30], np.int32)),
            activation("y", out, out, 3, scale=8.0, zero_point=5),
        ]
        op = Op("CONV_2D", "y", ("x", "w", "b"), ("y",), {**CONV, **attributes})
        return graph_of(tensors, [op], ("x",), ("y",))

    return make


@pytest.fixture
def residual_graph() -> Graph:
    """x -> a -> (convolution b) + a, then softmax: what residual networks are made of."""
    weights = np.ones((2, 1, 1, 2), np.int8)
    names = ("x", "a", "b", "sum")
    tensors = [*(activation(name, 4, 4, 2) for name in names), constant("w", weights), constant("v", weights)]
    tensors.append(activation("y", 4, 4, 2, scale=1 / 256, zero_point=-128))
    ops = [
        Op("CONV_2D", "a", ("x", "w"), ("a",), CONV),
        Op("CONV_2D", "b", ("a", "v"), ("b",), CONV),
        Op("ADD", "sum", ("b", "a"), ("sum",), {"fused_activation_function": "RELU"}),
        Op("SOFTMAX", "y", ("sum",), ("y",), {"beta": 1.0}),
    ]
    return graph_of(tensors, ops, ("x",), ("y",))
