"""CONV_2D."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.embed.ops.conv_2d import lower_conv_2d
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph


def test_the_zero_point_goes_into_the_biases(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    step = lower_conv_2d(graph.ops[0], graph)
    weights, biases = step.fields["weights"], step.fields["biases"]
    assert isinstance(weights, np.ndarray) and isinstance(biases, np.ndarray)
    assert biases.tolist() == (np.array([10, -20, 30]) + 3 * weights.sum(axis=1, dtype=int)).tolist()
    assert step.kernel == "conv_s8" and step.scratch_bytes == 18 and step.fields["in_zero"] == -3


def test_one_pixel_needs_no_patch_unless_it_strides(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph(1)
    step = lower_conv_2d(graph.ops[0], graph)
    assert step.kernel == "pointwise_conv_s8" and step.scratch_bytes == 0 and step.fields["num_pixels"] == 16
    graph = conv_graph(1, stride_h=2, stride_w=2)
    assert lower_conv_2d(graph.ops[0], graph).kernel == "conv_s8"


def test_groups_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    wide = dataclasses.replace(graph.tensors["x"], shape=(1, 4, 4, 4))
    with pytest.raises(UnsupportedModelError, match="groups of 2"):
        lower_conv_2d(graph.ops[0], dataclasses.replace(graph, tensors={**graph.tensors, "x": wide}))
