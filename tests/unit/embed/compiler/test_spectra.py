"""Fourier transforms of which the absolute values are read."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.compiler.spectra import join_spectra
from edgetool.ir.graph import Graph, Op, Tensor

OPS = (
    Op("RFFT2D", "f", ("x", "length"), ("f",)),
    Op("RESHAPE", "r", ("f", "shape"), ("r",)),
    Op("COMPLEX_ABS", "y", ("r",), ("y",)),
)


def _graph(height: int = 1, width: int = 8, *, outputs: tuple[str, ...] = ("y",)) -> Graph:
    lengths = np.array((height, width), np.int32)
    tensors = {
        "x": Tensor("x", (3, 1, 8), "float32"),
        "length": Tensor("length", (2,), "int32", None, lengths),
        "f": Tensor("f", (3, 1, 5), "complex64"),
        "r": Tensor("r", (3, 5), "complex64"),
        "y": Tensor("y", (3, 5), "float32"),
    }
    return Graph("tflite", tensors, OPS, ("x",), outputs)


def test_a_change_of_shape_between_them_is_gone() -> None:
    (op,) = join_spectra(_graph()).ops
    assert (op.kind, op.inputs, op.outputs) == ("SPECTRUM", ("x",), ("y",))


@pytest.mark.parametrize("graph", [_graph(outputs=("y", "f")), _graph(height=2), _graph(width=7)])
def test_pairs_that_are_read_and_other_lengths_stay(graph: Graph) -> None:
    assert join_spectra(graph).ops == OPS


def test_absolute_values_of_an_input_stay() -> None:
    graph = dataclasses.replace(_graph(), ops=OPS[1:], inputs=("f",))
    assert join_spectra(graph).ops == OPS[1:]
