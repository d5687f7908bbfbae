"""Operators that become part of their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.rewrite.fold import fold_conv_scales, fold_dense_scales, fold_pads

X = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
IMAGE = np.random.default_rng(1).normal(size=(2, 3, 7, 7)).astype(np.float32)


def _dense(body: str, **constants: Any) -> Any:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[N, 6] x) => (float[N, 4] y) {{ {body} }}'
    )
    random = np.random.default_rng(2)
    values = {
        "w": random.normal(size=(6, 4)),
        "wt": random.normal(size=(4, 6)),
        "b": random.normal(size=4),
        "s": random.uniform(0.5, 2, 4),
        "t": random.normal(size=(1, 4)),
        "one": np.array(3.0),
        **constants,
    }
    for name, value in values.items():
        set_constant(model.graph, name, np.asarray(value, np.float32))
    return model


def _run(model: Any, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def _kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("g = Gemm (x, w, b) m = Mul (g, s) y = Add (t, m)", ["Gemm"]),
        ("g = Gemm <transB = 1> (x, wt, b) m = Mul (s, g) y = Add (m, one)", ["Gemm"]),
        ("g = MatMul (x, w) m = Mul (g, s) y = Add (m, t)", ["MatMul", "Add"]),  # `onnx_tidy` makes it a Gemm
        ("g = Gemm (x, w, b) m = Mul (g, one) r = Relu (m) y = Mul (r, s)", ["Gemm", "Relu", "Mul"]),
    ],
)
def test_scales_and_shifts_become_part_of_the_layer(body: str, left: list[str]) -> None:
    model = _dense(body)
    before = _run(model, X)
    assert fold_dense_scales(model.graph) > 0
    assert _kinds(model) == left
    np.testing.assert_allclose(_run(model, X), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        "g = Gemm (x, w, b) m = Mul (g, s) y = Add (m, g)",  # another reader
        "g = Gemm (x, w, b) y = Mul (g, g)",
        "g = Gemm <alpha = 0.5> (x, w, b) y = Mul (g, s)",
        "g = Gemm (x, w, b) y = Mul (g, column)",
        "g = Gemm (x, few, b) y = Mul (g, s)",  # clusters would become clusters times channels
        "g = Gemm (x, w, b) k = Gemm (x, w, b) m = Mul (g, s) y = Add (m, k)",  # one kernel, two layers
    ],
)
def test_what_would_change_other_outputs_stays(body: str) -> None:
    few = np.where(np.arange(24).reshape(6, 4) % 3 == 0, 0.5, -0.25)
    model = _dense(body, column=np.ones((3, 1)), few=few)
    before = model.SerializeToString()
    assert fold_dense_scales(model.graph) == 0
    assert model.SerializeToString() == before


def test_layers_that_share_a_bias_keep_their_own_value() -> None:
    model = _dense("g = Gemm (x, w, b) m = Mul (g, s) k = Gemm <transB = 1> (x, wt, b) y = Add (m, k)")
    before = _run(model, X)
    bias = constant(model.graph, "b")
    assert fold_dense_scales(model.graph) == 1
    np.testing.assert_array_equal(constant(model.graph, "b"), bias)
    np.testing.assert_allclose(_run(model, X), before, rtol=1e-5, atol=1e-5)


def _padded(node: str, pads: Any, value: float = 0.0, conv: str = "") -> Any:
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 3, 7, 7] x) => (float[N, 5, H, W] y) {{ p = {node} (x, pads, value) y = Conv {conv} (p, w) }}
    """)
    set_constant(model.graph, "pads", np.array(pads))
    set_constant(model.graph, "value", np.array(value, np.float32))
    set_constant(model.graph, "w", np.random.default_rng(3).normal(size=(5, 3, 3, 3)).astype(np.float32))
    return model


@pytest.mark.parametrize("conv", ["", "<pads = [1, 0, 0, 2]>", "<strides = [2, 2]>"])
def test_zeros_around_an_image_become_the_convolutions_pads(conv: str) -> None:
    model = _padded("Pad", [0, 0, 0, 1, 0, 0, 1, 2], conv=conv)
    before = _run(model, IMAGE)
    assert fold_pads(model.graph) == 1
    assert _kinds(model) == ["Conv"]
    np.testing.assert_allclose(_run(model, IMAGE), before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("node", "pads", "value", "conv"),
    [
        ("Pad", [0, 0, 1, 1, 0, 0, 1, 1], 1.0, ""),
        ('Pad <mode = "reflect">', [0, 0, 1, 1, 0, 0, 1, 1], 0.0, ""),
        ("Pad", [0, 0, -1, 0, 0, 0, 0, 0], 0.0, ""),
        ("Pad", [1, 0, 0, 0, 0, 0, 0, 0], 0.0, ""),
        ("Pad", [0, 0, 1, 1, 0, 0, 1, 1], 0.0, '<auto_pad = "SAME_UPPER">'),
    ],
)
def test_other_pads_stay(node: str, pads: list[int], value: float, conv: str) -> None:
    model = _padded(node, pads, value, conv)
    assert fold_pads(model.graph) == 0
    assert _kinds(model) == ["Pad", "Conv"]


def test_a_pad_that_something_else_reads_stays() -> None:
    model = _padded("Pad", [0, 0, 1, 1, 0, 0, 1, 1])
    model.graph.node.append(onnx.helper.make_node("Relu", ["p"], ["other"]))
    assert fold_pads(model.graph) == 0


@pytest.mark.parametrize(
    ("conv", "row", "gone"),
    [
        ("w, b", (1, 4, 1), 1),
        ("w", (4, 1), 1),
        ("w", (1, 4, 3), 0),  # another value for each position
        ("w", (4, 1, 1), 0),  # of the batch, not the channels
        ("w", (1,), 1),
    ],
)
def test_a_bias_behind_a_squeeze_becomes_the_convolutions_own(conv: str, row: tuple[int, ...], gone: int) -> None:
    model = onnx.parser.parse_model(
        f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[4, 3, 1, 5] x) => (float[4, 4, 3] y) {{
          a = Conv (x, {conv})
          s = Squeeze (a, axes)
          y = Add (r, s)
        }}
        """
    )
    random = np.random.default_rng(0)
    for name, shape in {"w": (4, 3, 1, 3), "b": (4,), "r": row}.items():
        set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    set_constant(model.graph, "axes", np.array([2], np.int64))
    x = random.normal(size=(4, 3, 1, 5)).astype(np.float32)
    before = _run(model, x)
    assert fold_conv_scales(model.graph) == gone
    assert _kinds(model) == ["Conv", "Squeeze", "Add"][: 3 - gone]
    np.testing.assert_allclose(_run(model, x), before, atol=1e-6)


@pytest.mark.parametrize(
    ("conv", "spatial", "clustered", "left"),
    [
        ("w, b", "s = Squeeze (a, axes)", False, ["Conv", "Squeeze"]),
        ("w", "s = Squeeze (a, axes)", False, ["Conv", "Squeeze"]),
        ("w, b", "s = Squeeze (a, axes)", True, ["Conv", "Squeeze", "Mul", "Add"]),
        ("w", "s = Relu (a)", False, ["Conv", "Relu", "Mul", "Add"]),
    ],
)
def test_batch_normalisation_behind_a_squeeze_becomes_part_of_the_convolution(
    conv: str, spatial: str, clustered: bool, left: list[str]
) -> None:
    model = onnx.parser.parse_model(
        f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[4, 3, 1, 5] x) => (float[4, 4, 3] y) {{
          a = Conv (x, {conv})
          {spatial}
          m = Mul (s, scale)
          y = Add (m, shift)
        }}
        """
    )
    random = np.random.default_rng(0)
    for name, shape in {"w": (4, 3, 1, 3), "b": (4,), "scale": (4, 1), "shift": (1, 4, 1)}.items():
        set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    if clustered:
        set_constant(model.graph, "w", np.sign(random.normal(size=(4, 3, 1, 3))).astype(np.float32))
    set_constant(model.graph, "axes", np.array([2], np.int64))
    x = random.normal(size=(4, 3, 1, 5)).astype(np.float32)
    before = _run(model, x)
    assert fold_conv_scales(model.graph) == 4 - len(left)
    assert _kinds(model) == left
    np.testing.assert_allclose(_run(model, x), before, atol=1e-5)


@pytest.mark.parametrize(
    ("conv", "options", "clustered", "left"),
    [
        ("w, b", "", False, ["Conv"]),
        ("w", "<epsilon = 0.01>", False, ["Conv"]),
        ("w, b", "", True, ["Conv", "BatchNormalization"]),
    ],
)
def test_batch_normalisation_behind_a_convolution_becomes_part_of_it(
    conv: str, options: str, clustered: bool, left: list[str]
) -> None:
    model = _normalized(f"a = Conv (x, {conv})", options)
    if clustered:
        set_constant(model.graph, "w", np.sign(constant(model.graph, "w")))
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 5)).astype(np.float32)
    before = _run(model, x)
    assert fold_conv_scales(model.graph) == 2 - len(left)
    assert _kinds(model) == left
    np.testing.assert_allclose(_run(model, x), before, atol=1e-5)


@pytest.mark.parametrize("missing", ["variance", "w"])
def test_batch_normalisation_that_is_computed_stays(missing: str) -> None:
    model = _normalized("a = Conv (x, w, b)", "")
    kept = [tensor for tensor in model.graph.initializer if tensor.name != missing]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    assert fold_conv_scales(model.graph) == 0


def _normalized(conv: str, options: str) -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[2, 3, 5, 5] x) => (float[2, 4, 3, 3] y) {{
          {conv}
          y = BatchNormalization {options} (a, gamma, beta, mean, variance)
        }}
        """
    )
    random = np.random.default_rng(0)
    set_constant(model.graph, "w", random.normal(size=(4, 3, 3, 3)).astype(np.float32))
    for name in ("b", "gamma", "beta", "mean"):
        set_constant(model.graph, name, random.normal(size=4).astype(np.float32))
    set_constant(model.graph, "variance", random.uniform(0.1, 2.0, 4).astype(np.float32))
    return model
