from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from edgetool.exporters.onnx.graph import set_constant
from edgetool.exporters.onnx.rewrite.tidy import share_transposes, tidy, tidy_plain, weight_nodes

#: As tf2onnx writes a small model: scopes in names, MatMul and Add apart, a pool over the whole image.
TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 3, 8, 8] image) => (float[N, 5] out) {
  a = Conv <pads = [1, 1, 1, 1]> (image, w1, b1)
  b = AveragePool <kernel_shape = [8, 8]> (a)
  c = Reshape (b, s1)
  d = Reshape (c, s2)
  e = MatMul (d, w2)
  out = Add (e, b2)
}
"""


def _model() -> Any:
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    for name, shape in {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (4, 5), "b2": (5,)}.items():
        set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    set_constant(model.graph, "s1", np.array([-1, 1, 1, 4], np.int64))
    set_constant(model.graph, "s2", np.array([-1, 4], np.int64))
    for node, name in zip(model.graph.node, ("conv", "pool", "pool", "flat", "out", "out"), strict=True):
        node.name = f"model/{name}/{node.op_type}"
    return model


def _run(model: Any, image: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})[0]


def test_tidy_fuses_renames_and_keeps_the_outputs() -> None:
    model = _model()
    image = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    before = _run(model, image)
    tidy(model, ["conv", "pool", "flat", "out"])
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Conv", "GlobalAveragePool", "Reshape", "Gemm"]
    assert np.abs(_run(model, image) - before).max() < 1e-5
    assert {tensor.name for tensor in model.graph.initializer} == {
        "conv/kernel",
        "conv/bias",
        "flat/constant",
        "out/kernel",
        "out/bias",
    }
    assert [value.name for value in model.graph.output] == ["out"]


def test_a_pool_over_a_part_of_the_image_stays() -> None:
    model = _model()
    model.graph.node[1].attribute[0].ints[:] = [4, 4]
    tidy(model, [])
    assert "AveragePool" in [node.op_type for node in model.graph.node]


def test_weight_nodes_are_those_with_constant_kernels() -> None:
    model = _model()
    assert [(node.op_type, name) for node, name in weight_nodes(model.graph)] == [("Conv", "w1"), ("MatMul", "w2")]


def test_a_mean_over_rows_and_columns_becomes_a_pool() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[unk_7, 3, 8, 8] image) => (float[unk_8, 3] y) {
          t = Transpose <perm = [0, 2, 3, 1]> (image)
          y = ReduceMean <keepdims = 0> (t, axes)
        }
    """)
    set_constant(model.graph, "axes", np.array([1, 2], np.int64))
    image = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    before = _run(model, image)
    tidy(model, [])
    assert [node.op_type for node in model.graph.node] == ["GlobalAveragePool", "Flatten"]
    assert np.abs(_run(model, image) - before).max() < 1e-6
    names = {
        dim.dim_param for value in (*model.graph.input, *model.graph.output) for dim in value.type.tensor_type.shape.dim
    }
    assert names == {"N", ""}


def test_a_mean_over_channels_stays() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 3, 8, 8] image) => (float[N, 8, 8] y) {
          t = Transpose <perm = [0, 2, 3, 1]> (image)
          y = ReduceMean <keepdims = 0> (t, axes)
        }
    """)
    set_constant(model.graph, "axes", np.array([3], np.int64))
    tidy(model, [])
    assert [node.op_type for node in model.graph.node] == ["Transpose", "ReduceMean"]


def test_a_dense_layer_becomes_gemm_and_one_over_pixels_between_reshapes() -> None:
    for shape, kinds in (("N, 3", ["Gemm"]), ("N, 5, 3", ["Reshape", "Gemm", "Reshape"])):
        model = onnx.parser.parse_model(f"""
            <ir_version: 8, opset_import: ["" : 18]>
            g (float[{shape}] image) => (float[{shape.replace("3", "2")}] y) {{
              {"y = MatMul (image, w)" if len(kinds) == 1 else "m = MatMul (image, w) y = Add (m, b)"}
            }}
        """)
        set_constant(model.graph, "w", np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32))
        set_constant(model.graph, "b", np.ones(2, np.float32))
        image = np.random.default_rng(1).normal(size=(2, 3) if len(kinds) == 1 else (2, 5, 3)).astype(np.float32)
        before = _run(model, image)
        tidy(model, [])
        assert [node.op_type for node in model.graph.node] == kinds
        assert np.abs(_run(model, image) - before).max() < 1e-6


def test_a_dense_layer_is_called_after_its_kernel_not_after_what_is_folded_in() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 3] image) => (float[N, 2] y) { m = MatMul (image, w) s = Mul (m, scale) y = Add (s, b) }
    """)
    for name, values in {"w": np.arange(6.0).reshape(3, 2), "scale": np.array([2.0, 3.0]), "b": np.ones(2)}.items():
        set_constant(model.graph, name, values.astype(np.float32))
    for node, name in zip(model.graph.node, ("model/hidden/MatMul", "model/norm/mul", "model/norm/add"), strict=True):
        node.name = name
    tidy(model, ["hidden", "norm"])
    assert [(node.op_type, list(node.input)) for node in model.graph.node] == [
        ("Gemm", ["image", "hidden/kernel", "hidden/bias"])
    ]


def test_a_table_that_is_an_output_layer_too_is_stored_once() -> None:
    model = onnx.parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 18]>
        g (int64[N] ids) => (float[N, 60] a, float[N, 60] b) {
          x = Gather (table, ids)
          a = MatMul (x, tied)
          b = MatMul (x, other)
        }
        """
    )
    table = np.random.default_rng(0).normal(size=(60, 32)).astype(np.float32)
    for name, values in {"table": table, "tied": table.T, "other": table.T + 1}.items():
        set_constant(model.graph, name, values)
    ids = {"ids": np.arange(5)}

    def run() -> Any:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, ids)

    before = run()
    assert share_transposes(model.graph) == ["tied"]
    onnx.checker.check_model(model, full_check=True)
    assert {tensor.name for tensor in model.graph.initializer} == {"table", "other"}
    for found, expected in zip(run(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("shape", "fused"),
    [
        ((), True),
        ((1,), True),
        ((6,), True),
        ((1, 6), True),
        ((1, 1, 6), True),
        ((6, 1), False),
        ((6, 6), False),
        ((1, 6, 1), False),
        ((2, 1, 1, 6), False),
    ],
)
def test_a_bias_of_any_shape_behind_a_product(shape: tuple[int, ...], fused: bool, swapped: bool) -> None:
    add = "Add (b, m)" if swapped else "Add (m, b)"
    rank = "float[N, 6, 8] x) => (float[P, Q, 6, 6] y" if len(shape) > 3 else "float[N, 6, 8] x) => (float[N, 6, 6] y"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g ({rank}) {{ m = MatMul (x, w) y = {add} }}'
    )
    random = np.random.default_rng(0)
    set_constant(model.graph, "w", random.normal(size=(8, 6)).astype(np.float32))
    set_constant(model.graph, "b", random.normal(size=shape).astype(np.float32))
    x = random.normal(size=(2, 6, 8)).astype(np.float32)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    tidy_plain(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"x": x})[0]
    assert found.shape == expected.shape and np.abs(found - expected).max() < 1e-5
    assert ("Add" not in [node.op_type for node in model.graph.node]) == fused
