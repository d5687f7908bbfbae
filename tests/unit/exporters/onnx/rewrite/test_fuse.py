"""GELU and layer normalisation, found in pieces and written as operators of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.rewrite.fuse import fuse_gelu, fuse_layer_norm

X = np.random.default_rng(0).normal(1.0, 2.0, size=(3, 4, 6)).astype(np.float32)

NORM = """
  mean = ReduceMean <keepdims = 1> (x, axes)
  distance = Sub (x, mean)
  squares = Mul (distance, distance)
  variance = ReduceMean <keepdims = 1> (squares, axes)
  more = Add (variance, epsilon)
  root = Sqrt (more)
  inverse = Reciprocal (root)
  scaled = Mul (inverse, gamma)
  first = Mul (x, scaled)
  second = Mul (mean, scaled)
  rest = Sub (beta, second)
  y = Add (first, rest)
"""
GELU = "h = Mul (half, x) n = Neg (x) m = Mul (n, c) e = Erfc (m) y = Mul (h, e)"


def _model(body: str, **constants: Any) -> Any:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[N, 4, 6] x) => (float[N, 4, 6] y) {{ {body} }}'
    )
    random = np.random.default_rng(1)
    values = {
        "epsilon": np.array(1e-6),
        "gamma": random.uniform(0.5, 2.0, 6),
        "beta": random.normal(size=6),
        "half": np.array(0.5),
        "c": np.array(math.sqrt(0.5)),
        "tall": random.normal(size=(4, 6)),
        **constants,
    }
    for name, value in values.items():
        set_constant(model.graph, name, np.asarray(value, np.float32))
    set_constant(model.graph, "axes", np.asarray(constants.get("axes", [-1]), np.int64))
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model


def _run(model: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X})[0]


def _kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1.0 + np.vectorize(math.erf)(x * math.sqrt(0.5)))


@pytest.mark.parametrize("axis", [-1, 2])
def test_layer_norm_becomes_one_operator(axis: int) -> None:
    model = _model(NORM, axes=[axis])
    before = _run(model)
    assert fuse_layer_norm(model) == 1
    assert _kinds(model) == ["LayerNormalization"]
    assert {a.name: a.f for a in model.graph.node[0].attribute}["epsilon"] == pytest.approx(1e-6)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_allclose(_run(model), before, rtol=1e-4, atol=1e-5)


def test_every_norm_is_found() -> None:
    again = NORM.replace("y = Add", "z = Add")
    for name in (
        "mean",
        "distance",
        "squares",
        "variance",
        "more",
        "root",
        "inverse",
        "scaled",
        "first",
        "second",
        "rest",
    ):
        again = again.replace(name, f"{name}2")
    again = again.replace("(x,", "(y,").replace("ReduceMean2", "ReduceMean")
    model = _model(f"{NORM} {again} w = Neg (z)")
    model.graph.output[0].name = "w"
    before = _run(model)
    assert fuse_layer_norm(model) == 2
    assert _kinds(model) == ["LayerNormalization", "LayerNormalization", "Neg"]
    np.testing.assert_allclose(_run(model), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (NORM, {"axes": [1]}),  # another axis: the scale would not fit
        (NORM, {"gamma": np.ones((4, 6))}),
        (NORM.replace("rest = Sub (beta, second)", "rest = Sub (second, beta)"), {}),
        (NORM.replace("y = Add (first, rest)", "z = Add (first, rest) y = Add (z, first)"), {}),  # a reader within
        (NORM.replace("Mul (distance, distance)", "Mul (distance, x)"), {}),
    ],
)
def test_what_is_no_layer_norm_stays(body: str, change: dict[str, Any]) -> None:
    model = _model(body, **change)
    assert fuse_layer_norm(model) == 0
    assert "LayerNormalization" not in _kinds(model)


def test_gelu_becomes_one_operator_of_a_newer_opset() -> None:
    model = fuse_gelu(_model(GELU))
    assert _kinds(model) == ["Gelu"] and model.opset_import[0].version == 20
    assert [tensor.name for tensor in model.graph.initializer] == []
    np.testing.assert_allclose(_run(model), _gelu(X), atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        "h = Mul (x, half) n = Neg (x) m = Mul (c, n) e = Erfc (m) y = Mul (e, h)",  # the same in another order
        "a = Neg (x) h = Mul (half, a) n = Neg (a) m = Mul (n, c) e = Erfc (m) b = Mul (h, e) y = Neg (b)",
    ],
)
def test_gelu_is_found_in_any_order_and_place(body: str) -> None:
    model = fuse_gelu(_model(body))
    assert "Gelu" in _kinds(model) and "Erf" not in _kinds(model)
    expected = _gelu(X) if "a = " not in body else -_gelu(-X)
    np.testing.assert_allclose(_run(model), expected, atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        "e = Erfc (x) y = Mul (e, x)",
        GELU.replace("Mul (half, x)", "Mul (c, x)"),  # other factors
        GELU.replace("Mul (n, c)", "Mul (n, half)"),
        GELU.replace("Mul (half, x)", "Mul (half, tall)"),  # of something else
        GELU.replace("y = Mul (h, e)", "z = Mul (h, e) y = Add (z, e)"),  # another reader
    ],
)
def test_erfc_elsewhere_becomes_erf(body: str) -> None:
    model = fuse_gelu(_model(body))
    kinds = _kinds(model)
    assert "Erfc" not in kinds and "Gelu" not in kinds and "Erf" in kinds
    assert model.opset_import[0].version == 18
    if body == "e = Erfc (x) y = Mul (e, x)":
        np.testing.assert_allclose(_run(model), np.vectorize(math.erfc)(X) * X, atol=1e-5)


def test_a_model_without_either_is_left_alone() -> None:
    model = _model("y = Relu (x)")
    before = model.SerializeToString()
    assert fuse_gelu(model) is model and fuse_layer_norm(model) == 0
    assert model.SerializeToString() == before
    assert constant(model.graph, "gamma") is None
