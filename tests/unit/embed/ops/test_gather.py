"""GATHER."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.gather import lower_gather, lower_gather_nd
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

TENSORS = {
    "t": Tensor("t", (3, 10, 4), "float32"),
    "i": Tensor("i", (2, 5), "int32"),
    "y": Tensor("y", (3, 2, 5, 4), "float32"),
}
OP = Op("GATHER", "y", ("t", "i"), ("y",), {"axis": -2, "batch_dims": 0})
GRAPH = Graph("tflite", TENSORS, (OP,), ("i",), ("y",))


def test_rows_along_an_axis() -> None:
    step = lower_gather(OP, GRAPH)
    assert step.kernel == "gather_f32"
    assert step.fields == {"num_outer": 3, "num_rows": 10, "num_indices": 10, "num_inner": 4}


def test_batches_and_other_indices_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="batch_dims 1"):
        lower_gather(dataclasses.replace(OP, attributes={"batch_dims": 1}), GRAPH)
    long = dataclasses.replace(TENSORS["i"], dtype="int64")
    with pytest.raises(UnsupportedModelError, match="indices of int64"):
        lower_gather(OP, dataclasses.replace(GRAPH, tensors={**TENSORS, "i": long}))


def test_slices_by_an_index_along_several_axes() -> None:
    tensors = {**TENSORS, "i": Tensor("i", (7, 2), "int32"), "y": Tensor("y", (7, 4), "float32")}
    step = lower_gather_nd(Op("GATHER_ND", "y", ("t", "i"), ("y",)), dataclasses.replace(GRAPH, tensors=tensors))
    sizes = step.fields.pop("sizes")
    assert isinstance(sizes, np.ndarray) and sizes.tolist() == [3, 10]
    assert step.kernel == "gather_nd_f32" and step.fields == {"num_indices": 7, "depth": 2, "num_inner": 4}
