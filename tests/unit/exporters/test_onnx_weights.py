from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx_graph import constant, set_constant
from edgetool.exporters.onnx_weights import quantize_dynamic, store_half

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
