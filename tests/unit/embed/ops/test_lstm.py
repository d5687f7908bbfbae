"""UNIDIRECTIONAL_SEQUENCE_LSTM."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.lstm import lower_lstm
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _graph(*, num_inputs: int = 3, num_cells: int = 2) -> Graph:
    tensors = {"x": Tensor("x", (1, 5, num_inputs), "float32"), "y": Tensor("y", (1, 5, num_cells), "float32")}
    names = ["x"]
    shapes = [(num_cells, num_inputs)] * 4 + [(num_cells, num_cells)] * 4
    shapes += [(0,)] * 3 + [(num_cells,)] * 4
    for index, shape in enumerate(shapes, 1):
        names.append(f"c{index}" if shape != (0,) else "")
        tensors[f"c{index}"] = Tensor(f"c{index}", shape, "float32", None, np.full(shape, index, np.float32))
    op = Op("UNIDIRECTIONAL_SEQUENCE_LSTM", "y", tuple(names), ("y",), {"fused_activation_function": "TANH"})
    return Graph("tflite", tensors, (op,), ("x",), ("y",))


def test_gates_lie_behind_one_another() -> None:
    graph = _graph()
    step = lower_lstm(graph.ops[0], graph)
    weights, biases = step.fields["input_weights"], step.fields["biases"]
    assert isinstance(weights, np.ndarray) and isinstance(biases, np.ndarray)
    assert weights[:, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4] and biases.tolist() == [12, 12, 13, 13, 14, 14, 15, 15]
    assert (step.fields["num_steps"], step.fields["num_cells"], step.scratch_bytes) == (5, 2, 40)


def test_peepholes_and_other_activations_are_refused() -> None:
    graph = _graph()
    names = list(graph.ops[0].inputs)
    names[9] = "c12"
    with pytest.raises(UnsupportedModelError, match=r"inputs \[9\]"):
        lower_lstm(dataclasses.replace(graph.ops[0], inputs=tuple(names)), graph)
    with pytest.raises(UnsupportedModelError, match="activation RELU"):
        lower_lstm(dataclasses.replace(graph.ops[0], attributes={"fused_activation_function": "RELU"}), graph)
