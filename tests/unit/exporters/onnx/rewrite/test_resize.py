"""Sizes that a scale of single precision misses."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.exporters.onnx.rewrite.resize import exact_scales

helper = pytest.importorskip("onnx.helper")


@pytest.mark.parametrize(("size", "wanted"), [(10, 7), (6, 4), (8, 16), (49, 13), (3, 224)])
def test_a_runtime_gives_the_size_that_is_meant(size: int, wanted: int) -> None:
    import onnx
    import onnxruntime

    scales = helper.make_tensor("scales", 1, [4], [1.0, 1.0, 1.0, wanted / size])
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear")
    given = helper.make_tensor_value_info("x", 1, ["N", 1, 2, size])
    made = helper.make_tensor_value_info("y", 1, ["N", 1, 2, wanted])
    graph = helper.make_graph([node], "g", [given], [made], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    exact_scales(model)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.zeros((2, 1, 2, size), np.float32)})
    assert found.shape == (2, 1, 2, wanted)
