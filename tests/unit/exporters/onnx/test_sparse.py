from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import set_constant
from edgetool.exporters.onnx.sparse import gaps_of, sparsify

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 16, 8, 8] x) => (float[N, 32, 6, 6] y) { y = Conv (x, kernel) }
"""


def _model(sparsity: float) -> Any:
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    kernel = random.normal(size=(32, 16, 3, 3)).astype(np.float32)
    kernel[random.uniform(size=kernel.shape) < sparsity] = 0
    set_constant(model.graph, "kernel", kernel)
    return model


def _run(model: Any, path: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.random.default_rng(1).normal(size=(2, 16, 8, 8)).astype(np.float32)})[0]


def test_a_sparse_kernel_is_smaller_folds_and_gives_the_same_bits(tmp_path: Any) -> None:
    dense, sparse = _model(0.8), _model(0.8)
    saved = sparsify(sparse.graph, ["kernel"])
    onnx.checker.check_model(sparse, full_check=True)
    assert np.array_equal(_run(sparse, tmp_path / "a.onnx"), _run(dense, tmp_path / "b.onnx"))
    assert "ScatterElements" not in [node.op_type for node in onnx.load(tmp_path / "a.onnx").graph.node]
    assert len(sparse.SerializeToString()) <= len(dense.SerializeToString()) - saved["kernel"]


def test_a_dense_kernel_is_left_alone() -> None:
    model = _model(0.05)
    before = model.SerializeToString()
    assert sparsify(model.graph, ["kernel"]) == {}
    assert model.SerializeToString() == before


@pytest.mark.parametrize("where", [[], [0], [255], [256], [0, 1, 999], [511, 767]])
def test_gaps_lead_to_every_non_zero_element(where: list[int]) -> None:
    flat = np.zeros(1000, np.int8)
    flat[where] = 3
    gaps, positions = gaps_of(flat)
    assert gaps.dtype == np.uint8 and np.array_equal(np.cumsum(gaps, dtype=np.int64), positions)
    rebuilt = np.zeros_like(flat)
    rebuilt[positions] = flat[positions]
    assert np.array_equal(rebuilt, flat)
