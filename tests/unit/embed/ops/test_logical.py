"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.logical import lower_logical
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

TENSORS = {"a": Tensor("a", (3, 4), "bool"), "b": Tensor("b", (4,), "bool"), "y": Tensor("y", (3, 4), "bool")}
OP = Op("LOGICAL_OR", "y", ("a", "b"), ("y",))
GRAPH = Graph("tflite", TENSORS, (OP,), ("a", "b"), ("y",))


def test_one_byte_an_element() -> None:
    assert lower_logical(OP, GRAPH).kernel == "logical_or_bool"
    step = lower_logical(Op("LOGICAL_NOT", "y", ("a",), ("y",)), GRAPH)
    assert step.kernel == "logical_not_bool" and step.fields == {"num_elements": 12}


def test_numbers_are_refused() -> None:
    number = dataclasses.replace(TENSORS["b"], dtype="int32")
    with pytest.raises(UnsupportedModelError, match="tensors of bool, int32"):
        lower_logical(OP, dataclasses.replace(GRAPH, tensors={**TENSORS, "b": number}))
