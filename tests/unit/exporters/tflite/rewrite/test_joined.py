"""Tensors in one scale: pooling and its source that meet again share the widest of their ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgetool.exporters.tflite.file import pack, unpack
from edgetool.exporters.tflite.quantize.calibrate import stated_ranges
from edgetool.exporters.tflite.rewrite.joined import _Groups, join_ranges

TINY = Path(__file__).parents[4] / "golden" / "models" / "tiny_float32.tflite"


def test_sets_that_touch_become_one() -> None:
    groups = _Groups()
    for numbers in ([1, 2], [5, 6], [2, 3], [6, 1], [8]):
        groups.join(numbers)
    assert groups.members() == [[1, 2, 3, 5, 6], [8]]


@pytest.fixture
def calibrated() -> tuple[bytes, list[int]]:
    """A graph `b = MAX_POOL(a)`, `c = CONCATENATION(a, b)`, `d = RELU(c)`, with a range at each tensor."""
    model = unpack(TINY.read_bytes())
    graph = model.subgraphs[0]
    codes = ("MAX_POOL_2D", "CONCATENATION", "RELU")
    model.operatorCodes = [_code(name) for name in codes]
    graph.tensors = [_tensor(low, high) for low, high in ((-1.0, 2.0), (-0.5, 3.0), (0.0, 1.0), (0.0, 0.5))]
    links = (([0], [1]), ([0, 1], [2]), ([2], [3]))
    graph.operators = [
        schema.OperatorT(opcodeIndex=place, inputs=np.array(given, np.int32), outputs=np.array(out, np.int32))
        for place, (given, out) in enumerate(links)
    ]
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([3], np.int32)
    model.signatureDefs = None
    return pack(model), [0, 1, 2]


def _code(name: str) -> Any:
    number = getattr(schema.BuiltinOperator, name)
    return schema.OperatorCodeT(builtinCode=number, deprecatedBuiltinCode=number)


def _tensor(low: float, high: float) -> Any:
    quantization = schema.QuantizationParametersT(min=np.array([low], np.float32), max=np.array([high], np.float32))
    return schema.TensorT(shape=np.array([1, 2, 2, 1], np.int32), name=b"t", buffer=0, quantization=quantization)


def test_a_pooled_tensor_its_source_and_what_joins_them_have_one_range(calibrated: tuple[bytes, list[int]]) -> None:
    content, together = calibrated
    ranges = stated_ranges(unpack(join_ranges(content)))
    assert {ranges[index] for index in together} == {(-1.0, 3.0)}
    assert ranges[3] == (0.0, 0.5), "a RELU may have a scale of its own"
