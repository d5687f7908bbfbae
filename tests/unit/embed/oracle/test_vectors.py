"""Test vectors: the model's own integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_file, lower_graph
from edgetool.embed.oracle.vectors import differences, quantize_inputs, random_inputs, reference_vectors
from edgetool.errors import DataError
from edgetool.ir.graph import Graph

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"


def test_random_inputs_cover_the_type_and_repeat(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="d"))
    (found,), (again,) = random_inputs(program, 200), random_inputs(program, 200)
    assert found.shape == (200, 4, 4, 2) and found.dtype == np.int8
    assert (found.min(), found.max()) == (-128, 127) and np.array_equal(found, again)


def test_real_inputs_are_rounded_and_saturated(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="d"))
    (found,) = quantize_inputs(program, [np.full((1, 4, 4, 2), 1.3, np.float32)])
    assert set(found.reshape(-1).tolist()) == {0}  # round(1.3 / 0.5) - 3
    (found,) = quantize_inputs(program, [np.full((1, 4, 4, 2), -1e9, np.float32)])
    assert set(found.reshape(-1).tolist()) == {-128}
    with pytest.raises(DataError, match=r"\[4, 4, 2\]"):
        quantize_inputs(program, [np.zeros((1, 4, 4, 3), np.float32)])


def test_reference_outputs_are_stored_integers() -> None:
    program = lower_file(MODEL)
    found = reference_vectors(MODEL, program, random_inputs(program, 3))
    assert [array.dtype for array in found.outputs] == [program.tensors[name].dtype for name in program.outputs]
    assert found.outputs[0].shape[0] == 3


def test_what_is_no_number_is_close_to_itself_alone() -> None:
    expected = np.array([[np.inf, 2.0], [np.nan, 1.0], [np.nan, 1.0], [-np.inf, 1.0]], np.float32)
    found = np.array([[np.inf, 2.5], [np.nan, 1.0], [0.0, 1.0], [np.inf, 1.0]], np.float32)
    assert differences(found, expected).tolist() == [0.25, 0.0, np.inf, np.inf]
