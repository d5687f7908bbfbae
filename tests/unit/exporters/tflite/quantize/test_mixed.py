"""Which operators of an int8 file stay in float32."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from edgetool.exporters.tflite.file import OPERATOR_NAMES
from edgetool.exporters.tflite.quantize.mixed import float_operators

CODES = {name: code for code, name in OPERATOR_NAMES.items()}


def graph_of(*operators: tuple[str, tuple[int, ...], int], constants: tuple[int, ...] = ()) -> Any:
    """Return a model of operators (name, inputs, output); tensor 0 is its input, the last output its output."""
    names = list(dict.fromkeys(name for name, _, _ in operators))
    num_tensors = 1 + max(max((*inputs, output)) for _, inputs, output in operators)
    data = [np.zeros(1, np.uint8) if index in constants else None for index in range(num_tensors)]
    graph = SimpleNamespace(
        tensors=[SimpleNamespace(buffer=index) for index in range(num_tensors)],
        operators=[
            SimpleNamespace(opcodeIndex=names.index(name), inputs=inputs, outputs=(output,))
            for name, inputs, output in operators
        ],
        inputs=(0,),
        outputs=(operators[-1][2],),
    )
    return SimpleNamespace(
        subgraphs=[graph],
        buffers=[SimpleNamespace(data=values) for values in data],
        operatorCodes=[SimpleNamespace(builtinCode=CODES[name], deprecatedBuiltinCode=0) for name in names],
    )


def test_a_convolutional_network_stays_all_int8() -> None:
    model = graph_of(
        ("CONV_2D", (0, 9), 1),
        ("ADD", (1, 0), 2),
        ("MEAN", (2, 9), 3),
        ("FULLY_CONNECTED", (3, 9), 4),
        ("SOFTMAX", (4,), 5),
        constants=(9,),
    )
    assert float_operators(model) == set()


def test_a_normalisation_and_what_touches_it_are_float_and_products_are_not() -> None:
    model = graph_of(
        ("FULLY_CONNECTED", (0, 9), 1),
        ("ADD", (0, 1), 2),
        ("MEAN", (2, 9), 3),
        ("SQUARED_DIFFERENCE", (2, 3), 4),
        ("FULLY_CONNECTED", (4, 9), 5),
        ("GELU", (5,), 6),
        ("FULLY_CONNECTED", (6, 9), 7),
        constants=(9,),
    )
    assert float_operators(model) == {1, 2, 3}, "the GELU between two products keeps its table of 256 values"


def test_a_product_with_a_kernel_is_no_attention() -> None:
    assert float_operators(graph_of(("BATCH_MATMUL", (0, 9), 1), ("MUL", (1, 9), 2), constants=(9,))) == set()
    assert float_operators(graph_of(("BATCH_MATMUL", (0, 0), 1), ("MUL", (1, 9), 2), constants=(9,))) == {0, 1}


def test_moves_are_float_only_between_float_operators() -> None:
    model = graph_of(
        ("TRANSPOSE", (0, 9), 1),
        ("BATCH_MATMUL", (1, 1), 2),
        ("RESHAPE", (2, 9), 3),
        ("TRANSPOSE", (3, 9), 4),
        ("SOFTMAX", (4,), 5),
        ("BATCH_MATMUL", (5, 5), 6),
        ("RESHAPE", (6, 9), 7),
        ("FULLY_CONNECTED", (7, 9), 8),
        constants=(9,),
    )
    found = float_operators(model)
    assert found >= {1, 2, 3, 4, 5} and not found & {0, 6, 7}


def test_a_result_that_no_step_serves_is_float() -> None:
    model = graph_of(("ADD", (0, 9), 1), ("SOFTMAX", (1,), 2), constants=(9,))
    assert float_operators(model, {1: (-1e9, 3.0)}) == {0, 1}
    assert float_operators(model, {1: (-16.0, 3.0)}) == set()
