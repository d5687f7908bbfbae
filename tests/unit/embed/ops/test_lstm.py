"""UNIDIRECTIONAL_SEQUENCE_LSTM."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.lstm import lower_lstm
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _graph(*, num_inputs: int = 3, num_cells: int = 2, integers: bool = False, state: float = 2.0**-11) -> Graph:
    kind = "int8" if integers else "float32"

    def tensor(name: str, shape: tuple[int, ...], dtype: str, scale: float, zero: int = 0, fill: int = 0) -> Tensor:
        constant = np.full(shape, fill, dtype) if fill else None
        return Tensor(name, shape, dtype, Quantization((scale,), (zero,)) if integers else None, constant)

    tensors = {
        "x": tensor("x", (1, 5, num_inputs), kind, 0.5, 3),
        "y": tensor("y", (1, 5, num_cells), kind, 0.25, 1),
        "hidden": tensor("hidden", (1, num_cells), kind, 0.25, 1),
        "state": tensor("state", (1, num_cells), "int16" if integers else kind, state),
        **{f"i{index}": Tensor(f"i{index}", (0,), "float32") for index in range(4)},
        "i4": tensor("i4", (0,), "int8", 2.0**-7, -4),
    }
    names = ["x"]
    shapes = [(num_cells, num_inputs)] * 4 + [(num_cells, num_cells)] * 4
    shapes += [(0,)] * 3 + [(num_cells,)] * 4
    for index, shape in enumerate(shapes, 1):
        names.append(f"c{index}" if shape != (0,) else "")
        dtype = "int32" if integers and len(shape) == 1 else kind
        tensors[f"c{index}"] = tensor(f"c{index}", shape, dtype, 2.0**-12, fill=index)
    op = Op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "y",
        (*names, "", "", "hidden", "state"),
        ("y",),
        {"fused_activation_function": "TANH", "cell_clip": 10.0},
        ("i0", "i1", "i2", "i3", "i4"),
    )
    return Graph("tflite", tensors, (op,), ("x",), ("y",))


def _changed(graph: Graph, name: str, **values: object) -> Graph:
    return dataclasses.replace(
        graph, tensors={**graph.tensors, name: dataclasses.replace(graph.tensors[name], **values)}
    )


def test_gates_lie_behind_one_another() -> None:
    graph = _graph()
    step = lower_lstm(graph.ops[0], graph)
    weights, biases = step.fields["input_weights"], step.fields["biases"]
    assert isinstance(weights, np.ndarray) and isinstance(biases, np.ndarray)
    assert weights[:, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4] and biases.tolist() == [12, 12, 13, 13, 14, 14, 15, 15]
    assert (step.fields["num_steps"], step.fields["num_cells"], step.scratch_bytes) == (5, 2, 40)


def test_integers_take_zero_points_off_and_scales_as_multipliers() -> None:
    graph = _graph(integers=True)
    step = lower_lstm(graph.ops[0], graph)
    fields = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in step.fields.items()
        if not name.endswith("weights")
    }
    assert (step.kernel, step.scratch_bytes) == ("lstm_s8", 20)
    assert fields == {
        "num_steps": 5,
        "num_inputs": 3,
        "num_cells": 2,
        "input_biases": [12 - 9, 3, 13 - 18, -5, 14 - 27, -13, 15 - 36, -21],
        "recurrent_biases": [-10, -10, -12, -12, -14, -14, -16, -16],
        "input_multipliers": [1 << 30] * 4,
        "input_shifts": [0] * 4,
        "recurrent_multipliers": [1 << 30] * 4,
        "recurrent_shifts": [-1] * 4,
        "state_bits": 4,
        "low": -20480,
        "high": 20480,
        "out_multiplier": 1 << 30,
        "out_shift": -22,
        "out_zero": -4,
    }


@pytest.mark.parametrize(("clip", "found"), [(0.0, (-32768, 32767)), (100.0, (-32767, 32767))])
def test_the_state_keeps_within_16_bits(clip: float, found: tuple[int, int]) -> None:
    graph = _graph(integers=True)
    op = dataclasses.replace(graph.ops[0], attributes={**graph.ops[0].attributes, "cell_clip": clip})
    fields = lower_lstm(op, graph).fields
    assert (fields["low"], fields["high"]) == found


@pytest.mark.parametrize("scale", [2.0**-16, 2.0**-8, 0.0006])
def test_a_state_that_litert_has_no_tanh_for_is_refused(scale: float) -> None:
    graph = _graph(integers=True, state=scale)
    with pytest.raises(UnsupportedModelError, match="a state of scale") as caught:
        lower_lstm(graph.ops[0], graph)
    assert "y (UNIDIRECTIONAL_SEQUENCE_LSTM)" in str(caught.value) and "float32 file" in caught.value.next_step


def test_sums_that_leave_32_bits_are_refused() -> None:
    graph = _changed(_graph(integers=True), "x", quantization=Quantization((2.0**20,), (0,)))
    with pytest.raises(UnsupportedModelError, match="input sums of up to"):
        lower_lstm(graph.ops[0], graph)


def test_missing_scales_are_refused() -> None:
    graph = _graph(integers=True)
    with pytest.raises(UnsupportedModelError, match="0 intermediate tensors"):
        lower_lstm(dataclasses.replace(graph.ops[0], intermediates=()), graph)
    many = _changed(graph, "c2", quantization=Quantization((0.5, 0.25), (0, 0)))
    with pytest.raises(UnsupportedModelError, match="many scales"):
        lower_lstm(many.ops[0], many)
    tiny = _changed(graph, "i4", quantization=Quantization((2.0**-31,), (0,)))
    with pytest.raises(UnsupportedModelError, match="an output of scale"):
        lower_lstm(tiny.ops[0], tiny)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_other_types_are_refused(dtype: str) -> None:
    """16-bit activations, and floats with weights of int8, as `w8_dynamic` makes them."""
    graph = _graph(integers=True)
    graph = _changed(_changed(graph, "x", dtype=dtype), "y", dtype=dtype)
    with pytest.raises(UnsupportedModelError, match=r"int16|int8, constant"):
        lower_lstm(graph.ops[0], graph)


@pytest.mark.parametrize(("name", "shape"), [("c1", (2, 4)), ("c5", (2, 3)), ("c12", (3,)), ("y", (1, 5, 3))])
def test_shapes_that_do_not_fit_are_refused(name: str, shape: tuple[int, ...]) -> None:
    """Of a damaged file: C would read beyond the weights."""
    graph = _graph()
    for other in ("c2", "c3", "c4") if name == "c1" else ("c6", "c7", "c8") if name == "c5" else ():
        graph = _changed(graph, other, shape=shape, constant=np.ones(shape, np.float32))
    constant = None if name == "y" else np.ones(shape, np.float32)
    graph = _changed(graph, name, shape=shape, constant=constant)
    with pytest.raises(UnsupportedModelError, match="weights, biases and output of"):
        lower_lstm(graph.ops[0], graph)


def test_several_sequences_are_refused() -> None:
    graph = _changed(_graph(), "x", shape=(5, 1, 3))
    with pytest.raises(UnsupportedModelError, match="5 sequences at once"):
        lower_lstm(graph.ops[0], graph)
    op = dataclasses.replace(graph.ops[0], attributes={**graph.ops[0].attributes, "time_major": True})
    assert lower_lstm(op, graph).fields["num_steps"] == 5


@pytest.mark.parametrize("integers", [True, False])
def test_peepholes_and_other_activations_are_refused(integers: bool) -> None:
    graph = _graph(integers=integers)
    names = list(graph.ops[0].inputs)
    names[9] = "c12"
    with pytest.raises(UnsupportedModelError, match=r"inputs \[9\]"):
        lower_lstm(dataclasses.replace(graph.ops[0], inputs=tuple(names)), graph)
    coupled = ("x", "", *graph.ops[0].inputs[2:])
    with pytest.raises(UnsupportedModelError, match=r"inputs \[1\] absent"):
        lower_lstm(dataclasses.replace(graph.ops[0], inputs=coupled), graph)
    with pytest.raises(UnsupportedModelError, match="activation RELU"):
        lower_lstm(dataclasses.replace(graph.ops[0], attributes={"fused_activation_function": "RELU"}), graph)
