from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.quantize.weights import (
    has_int8,
    quantize_dynamic,
    separate_tables,
    store_half,
    store_tables,
)

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 3, 8, 8] x) => (float[N, 6] y) {
  c = Conv <pads = [1, 1, 1, 1]> (x, conv_kernel, conv_bias)
  p = GlobalAveragePool (c)
  f = Flatten (p)
  y = Gemm (f, dense_kernel, dense_bias)
}
"""


def _model() -> Any:
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    shapes = {"conv_kernel": (16, 3, 3, 3), "conv_bias": (16,), "dense_kernel": (16, 6), "dense_bias": (6,)}
    for name, shape in shapes.items():
        set_constant(model.graph, name, random.normal(0, 0.3, shape).astype(np.float32))
    for node in model.graph.node:
        node.name = node.output[0]
    return model


def _run(model: Any, path: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).normal(size=(4, 3, 8, 8)).astype(np.float32)
    return session.run(None, {"x": x})[0]


def test_half_weights_widen_while_loading(tmp_path: Any) -> None:
    expected = _run(_model(), tmp_path / "float.onnx")
    model = store_half(_model())
    onnx.checker.check_model(model, full_check=True)
    found = _run(model, tmp_path / "half.onnx")
    assert found.dtype == np.float32 and np.abs(found - expected).max() < 1e-2
    kernel, bias = constant(model.graph, "conv_kernel"), constant(model.graph, "conv_bias")
    assert kernel is not None and kernel.dtype == np.float16
    assert bias is not None and bias.dtype == np.float32  # a Cast would be larger than what it saves
    assert "Cast" not in [node.op_type for node in onnx.load(tmp_path / "half.onnx").graph.node]


def test_values_beyond_half_stay_float() -> None:
    model = _model()
    set_constant(model.graph, "conv_kernel", np.full((16, 3, 3, 3), 1e5, np.float32))
    kernel = constant(store_half(model).graph, "conv_kernel")
    assert kernel is not None and kernel.dtype == np.float32


def test_dynamic_stores_int8_and_computes_dense_in_integers(tmp_path: Any) -> None:
    expected = _run(_model(), tmp_path / "float.onnx")
    model = quantize_dynamic(_model(), per_channel=True)
    onnx.checker.check_model(model, full_check=True)
    found = _run(model, tmp_path / "dynamic.onnx")
    assert np.abs(found - expected).max() < 0.05
    for name in ("conv_kernel", "dense_kernel"):
        kernel = constant(model.graph, name)
        assert kernel is not None and kernel.dtype == np.int8
    kinds = [node.op_type for node in onnx.load(tmp_path / "dynamic.onnx").graph.node]
    assert "DynamicQuantizeMatMul" in kinds and "Mul" not in kinds


def test_the_quantiser_is_quiet_and_leaves_no_mark(caplog: pytest.LogCaptureFixture) -> None:
    model = quantize_dynamic(_model(), per_channel=True)
    assert caplog.records == []
    assert not model.metadata_props


def test_dynamic_keeps_clusters_of_a_dense_kernel() -> None:
    model = _model()
    book = np.array([-0.7, -0.2, 0.0, 0.4], np.float32)
    set_constant(model.graph, "dense_kernel", book[np.random.default_rng(2).integers(0, 4, (16, 6))])
    kernel = constant(
        quantize_dynamic(model, per_channel=True, one_scale=frozenset({"dense_kernel"})).graph, "dense_kernel"
    )
    assert kernel is not None and np.unique(kernel).size <= 4


TABLE_TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (int32[N, 5] x) => (float[N, 5, 6] y) {
  r = Gather (table, x)
  y = Add (r, row)
}
"""


def _table_model(table: Any, body: str = TABLE_TEXT) -> Any:
    model = onnx.parser.parse_model(body)
    set_constant(model.graph, "table", table)
    set_constant(model.graph, "row", np.arange(6, dtype=np.float32))
    return model


def test_tables_are_stored_as_int8_with_a_scale_for_each_column() -> None:
    table = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32) * np.array(
        [1, 10, 0.1, 1, 1, 1], np.float32
    )
    model = _table_model(table)
    ids = np.arange(20, dtype=np.int32).reshape(4, 5)

    def run() -> Any:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": ids})[0]

    before = run()
    assert store_tables(model.graph) == 1
    onnx.checker.check_model(model, full_check=True)
    stored, scales = constant(model.graph, "table"), constant(model.graph, "table/scale")
    assert stored is not None and stored.dtype == np.int8 and scales is not None and scales.shape == (6,)
    error = np.abs(run() - before).reshape(-1, 6).max(axis=0)
    assert (error <= scales / 2 + 1e-6).all() and error.max() > 0
    assert [node.op_type for node in model.graph.node] == ["Gather", "DequantizeLinear", "Add"]


def test_tables_with_other_readers_and_small_ones_stay() -> None:
    table = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    shared = TABLE_TEXT.replace("y = Add (r, row)", "m = MatMul (r, turned) t = MatMul (m, table) y = Add (t, row)")
    model = _table_model(table, shared)
    set_constant(model.graph, "turned", np.ones((6, 50), np.float32))
    assert store_tables(model.graph) == 0
    assert store_tables(_table_model(table[:8]).graph) == 0
    columns = TABLE_TEXT.replace("Gather (", "Gather <axis = 1> (")
    assert store_tables(_table_model(table, columns).graph) == 0


def test_a_table_that_is_the_output_layer_too_is_stored_twice_in_int8() -> None:
    body = TABLE_TEXT.replace("y = Add (r, row)", "y = Gemm <transB = 1> (r, table)").replace(
        "int32[N, 5] x) => (float[N, 5, 6] y", "int32[N] x) => (float[N, 50] y"
    )
    table = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    model = _table_model(table, body)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.arange(20, dtype=np.int32)
    expected = session.run(None, {"x": ids})[0]
    assert separate_tables(model.graph) == 1
    assert separate_tables(model.graph) == 0
    model = quantize_dynamic(model, per_channel=True)
    assert not [t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) > 1]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.abs(session.run(None, {"x": ids})[0] - expected).max() < 0.03 * np.abs(expected).max()


def test_tiny_kernels_are_int8_where_nothing_else_is() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> g (float[N, 2, 4] x) => (float[N, 3, 4] y) { y = Conv (x, k) }'
    )
    set_constant(model.graph, "k", np.ones((3, 2, 1), np.float32))
    assert not has_int8(model.graph)
    assert has_int8(quantize_dynamic(model, per_channel=True).graph)
