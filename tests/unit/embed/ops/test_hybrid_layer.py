"""Layers with int8 weights beside float activations."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.hybrid_layer import hybrid_layer, is_hybrid
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

WEIGHTS = np.ones((3, 4), np.int8)


def _layer(kind: str, kernel: Quantization, **attributes: object) -> tuple[Op, Graph]:
    tensors = [
        Tensor("x", (2, 4), "float32"),
        Tensor("w", (3, 4), "int8", kernel, WEIGHTS),
        Tensor("y", (2, 3), "float32"),
    ]
    op = Op(kind, "y", ("x", "w"), ("y",), {**attributes})
    return op, Graph("tflite", {tensor.name: tensor for tensor in tensors}, (op,), ("x",), ("y",))


def test_weights_of_integers_beside_floats() -> None:
    op, graph = _layer("FULLY_CONNECTED", Quantization((0.5,), (0,)))
    assert is_hybrid(op, graph)
    assert not is_hybrid(Op("FULLY_CONNECTED", "y", ("x", "y"), ("y",), {}), graph)


def test_a_row_is_quantised_at_a_time_and_an_image_at_once() -> None:
    op, graph = _layer("FULLY_CONNECTED", Quantization((0.5,), (0,)), asymmetric_quantize_inputs=True)
    step = hybrid_layer(op, graph, "fully_connected", WEIGHTS, 3, {})
    assert (step.kernel, step.scratch_bytes) == ("fully_connected_hybrid", 4)
    assert step.fields["is_symmetric"] == 0 and step.fields["scale_step"] == 0
    op, graph = _layer("CONV_2D", Quantization((0.5, 0.25, 1.0), (0, 0, 0)))
    step = hybrid_layer(op, graph, "conv", WEIGHTS, 3, {})
    assert (step.kernel, step.scratch_bytes) == ("conv_hybrid", 8)
    assert step.fields["is_symmetric"] == 0 and step.fields["scale_step"] == 1


@pytest.mark.parametrize(("kind", "is_symmetric"), [("FULLY_CONNECTED", 1), ("CONV_2D", 1)])
def test_one_scale_or_none_said(kind: str, is_symmetric: int) -> None:
    op, graph = _layer(kind, Quantization((0.5,), (0,)))
    assert hybrid_layer(op, graph, "k", WEIGHTS, 3, {}).fields["is_symmetric"] == is_symmetric


@pytest.mark.parametrize(
    ("kind", "kernel", "found"),
    [
        ("CONV_2D", Quantization((0.5,), (3,)), "zero point"),
        ("CONV_2D", Quantization((0.5, 0.5), (0, 0)), "2 scales"),
        ("DEPTHWISE_CONV_2D", Quantization((0.5,), (0,)), "one scale for all"),
    ],
)
def test_what_the_reference_does_not_look_at_is_refused(kind: str, kernel: Quantization, found: str) -> None:
    op, graph = _layer(kind, kernel)
    with pytest.raises(UnsupportedModelError, match=found):
        hybrid_layer(op, graph, "k", WEIGHTS, 3, {})
