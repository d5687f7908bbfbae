"""Branches of known conditions move into the graph around them with all that they read and make."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from edgetool.importers.onnx_branches import take_branches

X = np.arange(6, dtype=np.float32).reshape(2, 3)
HEAD = '<ir_version: 8, opset_import: ["" : 18]> g (float[2, 3] x, bool flag) => (float[2, 3] y, float[2, 3] z) {'


def model_of(body: str) -> Any:
    model = onnx.parser.parse_model(f"{HEAD} {body} }}")
    onnx.checker.check_model(model)
    return model


def run(model: Any, flag: bool = True) -> list[np.ndarray]:
    return [np.asarray(value) for value in ReferenceEvaluator(model).run(None, {"x": X, "flag": np.array(flag)})]


BRANCHES = {
    "constant": "c = Constant <value = bool {1}> ()",
    "shape": """
      dims = Shape (x) two = Constant <value = int64[1] {2}> () at = Constant <value = int64[1] {0}> ()
      rows = Gather (dims, at) c = Equal (rows, two)""",
    "size": "n = Size (x) few = Constant <value = int64 {3}> () c = Greater (n, few)",
}
IF = """
  a = Abs (x)
  y, z = If (c) <
    then_branch = yes () => (p, q) { t = Add (a, x) p = Mul (t, t) q = Identity (a) },
    else_branch = no () => (p2, q2) { p2 = Neg (x) q2 = Neg (a) }
  >
"""


@pytest.mark.parametrize("name", BRANCHES)
def test_the_branch_gives_what_the_if_gave(name: str) -> None:
    model = model_of(BRANCHES[name] + IF)
    expected = run(model)
    assert take_branches(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert "If" not in [node.op_type for node in model.graph.node]
    for found, wanted in zip(run(model), expected, strict=True):
        assert np.array_equal(found, wanted)


def test_branches_within_branches_and_values_from_outside() -> None:
    body = """
      c = Constant <value = bool {0}> ()
      y = If (c) <
        then_branch = yes () => (p) { p = Neg (x) },
        else_branch = no () => (r) {
          t = Add (x, x)
          d = Constant <value = bool {1}> ()
          r = If (d) < then_branch = in1 () => (s) { s = Mul (t, x) }, else_branch = in2 () => (u) { u = Neg (t) } >
        }
      >
      z = If (c) < then_branch = y1 () => (v) { v = Neg (x) }, else_branch = y2 () => (w) { w = Identity (y) } >
    """
    model = model_of(body)
    assert take_branches(model) == 3
    onnx.checker.check_model(model, full_check=True)
    y, z = run(model)
    assert np.array_equal(y, 2 * X * X) and np.array_equal(z, y)


def test_a_condition_that_is_an_input_stays() -> None:
    model = model_of(IF.replace("If (c)", "If (flag)"))
    before = model.SerializeToString()
    assert take_branches(model) == 0
    assert model.SerializeToString() == before


def test_a_chain_without_end_is_left_alone() -> None:
    model = model_of("c = Constant <value = bool {1}> ()" + IF)
    chain = [onnx.helper.make_node("Not", [f"c{index}" if index else "c"], [f"c{index + 1}"]) for index in range(500)]
    node = next(node for node in model.graph.node if node.op_type == "If")
    node.input[0] = "c500"
    nodes = [*model.graph.node[:1], *chain, *model.graph.node[1:]]
    kept = [onnx.NodeProto.FromString(item.SerializeToString()) for item in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    assert take_branches(model) == 0
