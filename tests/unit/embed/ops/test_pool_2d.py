"""Pooling."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.pool_2d import lower_pool_2d
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization

OPTIONS = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": "VALID"}


def _pool(graph: Graph, kind: str) -> tuple[Op, Graph]:
    small = dataclasses.replace(graph.tensors["a"], name="p", shape=(1, 2, 2, 2))
    op = Op(kind, "p", ("a",), ("p",), OPTIONS)
    return op, dataclasses.replace(graph, tensors={**graph.tensors, "p": small})


@pytest.mark.parametrize(("kind", "kernel"), [("AVERAGE_POOL_2D", "average_pool_s8"), ("MAX_POOL_2D", "max_pool_s8")])
def test_both_kinds(residual_graph: Graph, kind: str, kernel: str) -> None:
    step = lower_pool_2d(*_pool(residual_graph, kind))
    assert step.kernel == kernel and (step.fields["out_h"], step.fields["kernel_w"]) == (2, 2)
    assert "dilation_h" not in step.fields


def test_another_scale_is_refused(residual_graph: Graph) -> None:
    op, graph = _pool(residual_graph, "MAX_POOL_2D")
    other = dataclasses.replace(graph.tensors["p"], quantization=Quantization((0.9,), (0,)))
    with pytest.raises(UnsupportedModelError, match="one scale"):
        lower_pool_2d(op, dataclasses.replace(graph, tensors={**graph.tensors, "p": other}))
