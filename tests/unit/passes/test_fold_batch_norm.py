"""Folding arithmetic, and which normalisations can be folded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.passes.fold_batch_norm import _find_pairs, _folded_weights


class Variable:
    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, np.float32)

    def numpy(self) -> Any:
        return self.values


class Node:
    def __init__(self, source: Any) -> None:
        self.inbound_layers = source


class Tensor:
    shape = (None, 4, 4, 2)


def linear() -> None:
    """The activation of a layer without one; told by its name."""


def relu() -> None:
    """An activation that stands between a layer and its normalisation."""


class Layer:
    """What folding asks of a Keras layer."""

    activation: Any = staticmethod(linear)
    axis, epsilon, scale, center, use_bias = [3], 0.0, True, True, True

    def __init__(self, name: str, source: Any = None, weights: Any = (), **attributes: Any) -> None:
        self.name, self.weights, self.output = name, weights, Tensor()
        self.inbound_nodes, self.outbound_nodes = [Node(source)], []
        if isinstance(source, Layer):
            source.outbound_nodes.append(self)
        for key, value in attributes.items():
            setattr(self, key, value)

    def get_weights(self) -> Any:
        return list(self.weights)


class Conv2D(Layer):
    pass


class DepthwiseConv2D(Layer):
    pass


class BatchNormalization(Layer):
    pass


class Model:
    def __init__(self, *layers: Any, outputs: Any = ()) -> None:
        self.layers, self.outputs = layers, outputs


STATISTICS = {
    "moving_mean": Variable([1.0, 2.0]),
    "moving_variance": Variable([4.0, 16.0]),
    "gamma": Variable([2.0, 8.0]),
    "beta": Variable([0.5, -0.5]),
}


def test_weights_and_bias() -> None:
    kernel = np.arange(6, dtype=np.float32).reshape(1, 1, 3, 2)
    bias = np.array([3.0, 4.0], np.float32)
    norm = BatchNormalization("norm", **STATISTICS)
    folded, shift = _folded_weights(Conv2D("conv", weights=(kernel, bias)), norm)
    np.testing.assert_allclose(folded, kernel * [1.0, 2.0])
    np.testing.assert_allclose(shift, [0.5 + (3 - 1) * 1.0, -0.5 + (4 - 2) * 2.0])


def test_without_bias_gamma_and_beta() -> None:
    kernel = np.ones((1, 1, 1, 2), np.float32)
    norm = BatchNormalization("norm", scale=False, center=False, **STATISTICS)
    folded, shift = _folded_weights(Conv2D("conv", weights=(kernel,), use_bias=False), norm)
    np.testing.assert_allclose(folded[0, 0, 0], [0.5, 0.25])
    np.testing.assert_allclose(shift, [-0.5, -0.5])


def test_a_depthwise_kernel_is_scaled_by_channel_and_multiplier() -> None:
    kernel = np.ones((3, 3, 1, 2), np.float32)
    norm = BatchNormalization("norm", **STATISTICS)
    folded, _ = _folded_weights(DepthwiseConv2D("d", weights=(kernel, np.zeros(2, np.float32))), norm)
    np.testing.assert_allclose(folded[1, 2], [[1.0, 2.0]])


def pair(**of_conv: Any) -> tuple[Conv2D, BatchNormalization]:
    conv = Conv2D("conv", **of_conv)
    return conv, BatchNormalization("norm", conv)


def test_a_linear_layer_that_feeds_only_the_normalisation() -> None:
    assert _find_pairs(Model(*pair())) == {"norm": "conv"}


def _activated() -> Model:
    return Model(*pair(activation=relu))


def _shared() -> Model:
    conv, norm = pair()
    return Model(conv, norm, Layer("other", conv))


def _called_twice() -> Model:
    conv, norm = pair()
    conv.inbound_nodes.append(Node(None))
    return Model(conv, norm)


def _over_rows() -> Model:
    conv, norm = pair()
    norm.axis = [1]
    return Model(conv, norm)


def _output() -> Model:
    conv, norm = pair()
    return Model(conv, norm, outputs=(conv.output,))


def _of_an_addition() -> Model:
    return Model(BatchNormalization("norm", [Conv2D("a"), Conv2D("b")]))


def _of_a_pooling() -> Model:
    pool = Layer("pool")
    return Model(pool, BatchNormalization("norm", pool))


@pytest.mark.parametrize(
    "make", [_activated, _shared, _called_twice, _over_rows, _output, _of_an_addition, _of_a_pooling]
)
def test_what_cannot_be_folded(make: Any) -> None:
    assert _find_pairs(make()) == {}
