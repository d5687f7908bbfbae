"""A streaming model as others ship it, the whole way: open lengths, a state, a rate that chooses a branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from edgetool.errors import UnsupportedModelError
from edgetool.options.commands import ExportOptions
from edgetool.options.declare import build
from edgetool.pipeline.export import export_file
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner

pytestmark = pytest.mark.slow

TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[batch, length, 8] x, float[1, batch, 6] state, int64 rate) => (float[batch, 4] y, float[1, batch, 6] next) {
  wanted = Constant <value = int64 {16000}> ()
  is_wide = Equal (rate, wanted)
  t = Transpose <perm = [1, 0, 2]> (x)
  scaled = If (is_wide) <
    then_branch = wide () => (a) { a = Identity (t) },
    else_branch = narrow () => (b) { b = Neg (t) }
  >
  all, next = GRU <hidden_size = 6, linear_before_reset = 1> (scaled, w, r, , , state)
  axes = Constant <value = int64[1] {0}> ()
  last = Squeeze (next, axes)
  y = Gemm <transB = 1> (last, head, bias)
}
"""
SHAPES = ("x=1x16x8", "state=1x1x6", "rate:=16000")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    for name, shape in {"w": (1, 18, 8), "r": (1, 18, 6), "head": (4, 6), "bias": (4,)}.items():
        values = random.normal(0, 0.4, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    path = tmp_path_factory.mktemp("streaming") / "model.onnx"
    onnx.save(model, path)
    return path


def silent(*_: Any) -> None:
    """Show no progress."""


def test_it_is_quantised_once_its_shapes_are_given(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"
    values = {"model": str(source), "out": str(out), "recipe": "w8_dynamic"}
    options = build(ExportOptions, values)
    with pytest.raises(UnsupportedModelError, match="--input-shape rate:=16000"):
        export_file(options, progress=silent)
    assert not out.exists()
    export_file(build(ExportOptions, {**values, "input_shape": SHAPES}), progress=silent)
    random = np.random.default_rng(1)
    x, state = random.normal(size=(5, 16, 8)).astype(np.float32), random.normal(size=(5, 1, 6)).astype(np.float32)
    session = ProcessRunner().open(out, RunPlan())
    try:
        found = session.outputs((x, state))
    finally:
        session.close()
    theirs = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    feeds = {"x": x, "state": state.transpose(1, 0, 2), "rate": np.array(16000)}
    y, following = theirs.run(None, feeds)
    assert [value.shape for value in found] == [(5, 4), (5, 1, 6)]
    for quantised, reference in zip(found, (y, following.transpose(1, 0, 2)), strict=True):
        assert np.abs(quantised - reference).max() < 0.03 * np.abs(reference).max()
