"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from edgetool.embed.ops.depthwise_conv_2d import lower_depthwise_conv_2d
from edgetool.ir.graph import Graph, Quantization


def test_taps_stay_channel_by_channel(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    values = np.arange(-9, 9, dtype=np.int8).reshape(1, 3, 3, 2)
    weights = dataclasses.replace(
        graph.tensors["w"], shape=values.shape, constant=values, quantization=Quantization((0.25, 0.5), (0, 0), 3)
    )
    y = dataclasses.replace(graph.tensors["y"], shape=(1, 4, 4, 2))
    op = dataclasses.replace(graph.ops[0], kind="DEPTHWISE_CONV_2D", inputs=("x", "w"))
    step = lower_depthwise_conv_2d(op, dataclasses.replace(graph, tensors={**graph.tensors, "w": weights, "y": y}))
    biases = step.fields["biases"]
    assert isinstance(biases, np.ndarray)
    assert biases.tolist() == (3 * values.reshape(9, 2).sum(axis=0, dtype=int)).tolist()
    assert step.scratch_bytes == 8 and step.fields["out_c"] == 2
