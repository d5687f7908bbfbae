"""Sizes reach every place where a dimension of that name stands, and outputs follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from edgetool.errors import UsageError
from edgetool.ir import read_graph
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.ir.onnx_inputs import dims_of, fix_input_shapes, graph_inputs

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, L, 4] x, float[2, N, L] s, float rate) => (float[M, K, 4] y, float[2, N, L] t) {
  y = Relu (x)
  t = Mul (s, rate)
}
"""


def model_of() -> Any:
    return onnx.parser.parse_model(TEXT)


def fixed(*texts: str) -> dict[str, tuple[int | str | None, ...]]:
    model = model_of()
    fix_input_shapes(model, parse_input_shapes(texts), "m.onnx")
    return {value.name: dims_of(value) for value in (*model.graph.input, *model.graph.output)}


def test_dimensions_of_one_name_take_one_size() -> None:
    found = fixed("x=1x16x4")
    assert found["x"] == (1, 16, 4) and found["s"] == found["t"] == (2, 1, 16)
    assert found["y"] == (1, 16, 4)  # inferred: the file has other names there


def test_without_shapes_nothing_changes() -> None:
    assert fixed() == {"x": ("N", "L", 4), "s": (2, "N", "L"), "rate": (), "y": ("M", "K", 4), "t": (2, "N", "L")}


@pytest.mark.parametrize(
    ("texts", "message"),
    [(["x=1x16x5"], r"\[N, L, 4\]"), (["x=1x16"], r"\[N, L, 4\]"), (["x=1x16x4", "s=2x1x8"], "'L', which is 16")],
)
def test_sizes_that_contradict_the_file_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fixed(*texts)


def test_an_input_becomes_a_constant() -> None:
    model = model_of()
    fix_input_shapes(model, parse_input_shapes(["rate:=2"]), "m.onnx")
    assert [value.name for value in graph_inputs(model.graph)] == ["x", "s"]
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == 2.0
    onnx.checker.check_model(model, full_check=True)


def test_a_file_is_read_with_the_sizes(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(model_of(), path)
    graph = read_graph(path, parse_input_shapes(["x=1x16x4"]))
    assert graph.tensors["y"].shape == (1, 16, 4) and graph.dims["s"] == (2, 1, 16)
    with pytest.raises(UsageError, match="other"):
        read_graph(path, parse_input_shapes(["other=1x2"]))
    assert read_graph(path, parse_input_shapes(["other=1x2"]), known_only=True).tensors["x"].shape == (-1, -1, 4)


def test_a_question_mark_names_no_dimension() -> None:
    model = onnx.parser.parse_model(TEXT)
    for dim in model.graph.input[0].type.tensor_type.shape.dim[:2]:
        dim.dim_param = "?"
    fix_input_shapes(model, parse_input_shapes(["x=1x16x4"]), "m.onnx")
    assert dims_of(model.graph.input[0]) == (1, 16, 4)
