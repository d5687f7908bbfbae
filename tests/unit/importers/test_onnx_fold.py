"""An `If` whose condition follows from shapes is taken, also within another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.errors import ExportError, UnsupportedModelError
from edgetool.importers.base import ImportOptions
from edgetool.importers.onnx import load_onnx
from edgetool.importers.onnx_fold import fold_constants
from edgetool.ir.input_shapes import parse_input_shapes

#: Sequences of 16 are doubled where their batch is 1; others are negated.
TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, L] x, int64 rate) => (float[N, L] y) {
  dims = Shape <start = 1, end = 2> (x)
  wanted = Constant <value = int64[1] {16}> ()
  equal = Equal (dims, wanted)
  axes = Constant <value = int64[1] {0}> ()
  is_long = Squeeze (equal, axes)
  y = If (is_long) <
    then_branch = then () => (t) {
      batch = Shape <start = 0, end = 1> (x)
      one = Constant <value = int64[1] {1}> ()
      alone = Equal (batch, one)
      is_one = Squeeze (alone, axes)
      t = If (is_one) <
        then_branch = twice () => (d) { d = Add (x, x) },
        else_branch = same () => (s) { s = Identity (x) }
      >
    },
    else_branch = other () => (o) { o = Neg (x) }
  >
}
"""


def write(path: Path, text: str) -> Path:
    onnx.save(onnx.parser.parse_model(text), path)
    return path


def test_the_branch_of_known_shapes_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", TEXT)
    imported = load_onnx(path, ImportOptions(input_shapes=parse_input_shapes(["x=1x16", "rate:=16000"])))
    content = imported.model.content("onnx")
    kinds = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert "Add" in kinds and not {"If", "Neg"} & set(kinds)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    x = np.arange(16, dtype=np.float32)[None]
    assert np.array_equal(session.run(None, {"x": x})[0], 2 * x)
    assert [spec.name for spec in imported.inputs] == ["x"]


def test_a_branch_that_stays_open_is_refused_by_name(tmp_path: Path) -> None:
    text = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 4] x, int64 rate) => (float[N, 4] y) {
  wanted = Constant <value = int64 {16000}> ()
  cond = Equal (rate, wanted)
  y = If (cond) < then_branch = a () => (t) { t = Add (x, x) }, else_branch = b () => (s) { s = Neg (x) } >
}
"""
    path = write(tmp_path / "m.onnx", text)
    with pytest.raises(UnsupportedModelError, match="If, which") as caught:
        load_onnx(path, ImportOptions())
    assert "--input-shape rate:=16000" in str(caught.value)
    imported = load_onnx(path, ImportOptions(input_shapes=parse_input_shapes(["rate:=16000"])))
    assert [spec.shape for spec in imported.inputs] == [(-1, 4)]
    x = np.ones((3, 4), np.float32)
    assert np.array_equal(imported.run((x,))[0], 2 * x)


def test_what_onnxruntime_refuses_is_an_export_error() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> g (float[2, 3] x) => (float[2, 3] y) { y = MatMul (x, x) }'
    )
    with pytest.raises(ExportError, match="onnxruntime refused"):
        fold_constants(model, "m.onnx")
