"""Sizes that are written into files; open ones are tests/integration's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import UsageError
from edgetool.importers.tflite_sizes import sizes_of, with_fixed_sizes
from edgetool.ir.tflite import read_tflite

MODEL = Path(__file__).parents[2] / "golden" / "models" / "tiny_float32.tflite"


def test_sizes_are_those_that_the_file_states(tmp_path: Path) -> None:
    graph = read_tflite(MODEL)
    fixed = tmp_path / "fixed.tflite"
    fixed.write_bytes(with_fixed_sizes(MODEL, graph, {}))
    tensors = read_tflite(fixed).tensors
    stated = {name: tuple(abs(size) for size in tensor.shape) for name, tensor in graph.tensors.items()}
    assert {name: tensor.shape for name, tensor in tensors.items()} == stated
    assert sizes_of(str(fixed), [()]) is not None


def test_sizes_that_contradict_the_file_are_refused() -> None:
    graph = read_tflite(MODEL)
    (name,) = graph.inputs
    with pytest.raises(UsageError, match="an input of shape"):
        with_fixed_sizes(MODEL, graph, {name: (1, 2, 3, 4, 5)})
