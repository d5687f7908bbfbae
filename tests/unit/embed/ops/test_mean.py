"""MEAN."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.mean import lower_mean
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _mean(graph: Graph, axes: list[int]) -> tuple[Op, Graph]:
    given = Tensor("axes", (len(axes),), "int32", None, np.array(axes, np.int32))
    result = dataclasses.replace(graph.tensors["a"], name="m", shape=(1, 2))
    op = Op("MEAN", "m", ("a", "axes"), ("m",), {"keep_dims": False})
    x = dataclasses.replace(graph.tensors["a"], shape=(1, 4, 4, 2))
    return op, dataclasses.replace(graph, tensors={**graph.tensors, "a": x, "axes": given, "m": result})


def test_the_number_of_elements_goes_into_the_multiplier(residual_graph: Graph) -> None:
    step = lower_mean(*_mean(residual_graph, [1, -2]))
    sizes = [step.fields[name] for name in ("num_outer", "num_reduced", "num_inner")]
    assert sizes == [1, 16, 2]
    multiplier, shift = quantize_multiplier(1.0)
    assert (step.fields["multiplier"], step.fields["shift"]) == (multiplier, shift - 4)


def test_axes_apart_are_refused(residual_graph: Graph) -> None:
    with pytest.raises(UnsupportedModelError, match=r"axes \[1, 3\]"):
        lower_mean(*_mean(residual_graph, [3, 1]))


def test_sums_of_16_bits_have_a_kernel(residual_graph: Graph) -> None:
    op, graph = _mean(residual_graph, [1, 2])
    tensors = {name: dataclasses.replace(graph.tensors[name], dtype="int16") for name in ("a", "m")}
    step = lower_mean(
        dataclasses.replace(op, kind="SUM"), dataclasses.replace(graph, tensors={**graph.tensors, **tensors})
    )
    assert step.kernel == "sum_s16" and (step.fields["multiplier"], step.fields["shift"]) == quantize_multiplier(1.0)
