"""What LiteRT dies of or refuses; the files themselves are tests/integration/test_embed_foreign.py's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.oracle import repair
from edgetool.embed.oracle.repair import repaired, repairs
from edgetool.errors import FileFormatError
from edgetool.exporters.tflite.file import unpack
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"


def _graph(kind: str, *scales: float, dtype: str = "int8", **attributes: float) -> Graph:
    names = [f"t{number}" for number in range(len(scales))]
    tensors = {
        name: Tensor(name, (1, 4), dtype, Quantization((scale,), (0,)))
        for name, scale in zip(names, scales, strict=True)
    }
    op = Op(kind, "op", tuple(names[:-1]), (names[-1],), dict(attributes))
    return Graph("tflite", tensors, (op,), tuple(names[:-1]), (names[-1],))


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (_graph("ADD", 0.5, 0.25, 0.1), ()),
        (_graph("ADD", 0.5, 0.25, 0.5 * 2**-19), ("the scale of 1 ADD",)),
        (_graph("ADD", 0.5, 0.25, 0.5 * 2**-15, dtype="int16"), ("the scale of 1 ADD",)),
        (_graph("SUB", 0.5, 0.25, 1e-12), ()),
        (_graph("SOFTMAX", 1e-9, 1 / 256, beta=1.0), ("the scale of 1 SOFTMAX",)),
        (_graph("SOFTMAX", 1e-7, 1 / 256, beta=1.0), ()),
        (_graph("SOFTMAX", 1e-7, 1 / 256, beta=0.1), ("the scale of 1 SOFTMAX",)),
    ],
)
def test_scales_that_are_too_far_apart(
    graph: Graph, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "read_tflite", lambda path: graph)
    assert repairs(MODEL) == expected


def test_a_dimension_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = _graph("ADD", 0.5, 0.25, 0.1)
    lost = dataclasses.replace(graph.tensors["t0"], quantization=Quantization((0.5,) * 4, (0,) * 4, 3))
    graph = dataclasses.replace(graph, tensors={**graph.tensors, "t0": lost})
    monkeypatch.setattr(repair, "read_tflite", lambda path: graph)
    assert repairs(MODEL) == ("the quantised dimension of 1 tensors",)


def test_a_sound_file_keeps_its_tensors() -> None:
    before, after = (unpack(content).subgraphs[0] for content in (MODEL.read_bytes(), repaired(MODEL)))
    assert repairs(MODEL) == () and len(before.operators) == len(after.operators)
    assert all(np.array_equal(a.shape, b.shape) for a, b in zip(before.tensors, after.tensors, strict=True))


def test_a_file_that_contradicts_itself_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "read_tflite", lambda path: _graph("ADD", 0.5, 0.25, 0.1))
    with pytest.raises(FileFormatError, match="a structure that cannot be read"):
        repaired(MODEL)
