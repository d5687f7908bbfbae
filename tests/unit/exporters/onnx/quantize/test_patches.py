"""Layers as matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from edgetool.exporters.onnx.quantize.patches import (
    MAX_PATCHES,
    can_patch,
    from_rows,
    layout,
    num_groups,
    patches_of,
    to_rows,
)


def _convolve(node: Any, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", 1, x.shape)],
        [helper.make_tensor_value_info("y", 1, [None] * 4)],
        [onnx.numpy_helper.from_array(kernel, "w")],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize(
    "attributes",
    [
        {"pads": [1, 1, 1, 1]},
        {"pads": [0, 0, 1, 1], "strides": [2, 2]},
        {"strides": [2, 1], "kernel_shape": [1, 1]},
        {"pads": [2, 2, 2, 2], "dilations": [2, 2]},
        {"pads": [1, 0, 2, 1], "group": 6},
        {"group": 2, "kernel_shape": [2, 3]},
    ],
)
def test_patches_times_rows_is_the_convolution(attributes: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    groups = attributes.get("group", 1)
    x = random.normal(size=(2, 6, 7, 6)).astype(np.float32)
    shape = (12, 6 // groups, *attributes.get("kernel_shape", (3, 3)))
    kernel = random.normal(size=shape).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    assert can_patch(node, kernel) and num_groups(node) == groups
    patches = patches_of(x, node, kernel.shape)  # [G, P, K]
    rows = to_rows(node, kernel).reshape(groups, 12 // groups, -1)
    found = np.concatenate([part @ row.T for part, row in zip(patches, rows, strict=True)], axis=1)
    expected = _convolve(node, x, kernel).transpose(0, 2, 3, 1).reshape(-1, 12)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(from_rows(node, to_rows(node, kernel), kernel.shape), kernel)


@pytest.mark.parametrize(("kind", "attributes"), [("Gemm", {}), ("Gemm", {"transB": 1}), ("MatMul", {})])
def test_dense_layers_by_their_rows(kind: str, attributes: dict[str, int]) -> None:
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, 3, 5)), random.normal(size=(5, 4))
    stored = kernel.T if attributes else kernel
    node = helper.make_node(kind, ["x", "w"], ["y"], **attributes)
    assert can_patch(node, stored)
    found = patches_of(x, node, stored.shape)[0] @ to_rows(node, stored).T
    np.testing.assert_allclose(found, (x @ kernel).reshape(6, 4))
    np.testing.assert_array_equal(from_rows(node, to_rows(node, stored), stored.shape), stored)


def test_many_patches_are_thinned_and_still_meet_every_column() -> None:
    images = np.broadcast_to(np.arange(64.0), (20, 1, 64, 64))  # a pixel's value is its column
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    patches = patches_of(images, node, (1, 1, 1, 1))
    assert MAX_PATCHES / 2 <= patches.shape[1] <= MAX_PATCHES
    counts = np.bincount(patches.ravel().astype(int), minlength=64)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("kind", "attributes", "shape"),
    [
        ("Conv", {"auto_pad": "SAME_UPPER"}, (4, 3, 3, 3)),
        ("Conv", {}, (4, 3, 3)),
        ("Gemm", {"transA": 1}, (3, 4)),
        ("Gemm", {"alpha": 0.5}, (3, 4)),
        ("MatMul", {}, (2, 3, 4)),
        ("Gather", {}, (3, 4)),
    ],
)
def test_layers_that_are_not_known(kind: str, attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert not can_patch(helper.make_node(kind, ["x", "w"], ["y"], **attributes), np.zeros(shape))


def test_layout_tells_shared_kernels_apart() -> None:
    plain = helper.make_node("Gemm", ["x", "w", "b"], ["y"])
    assert layout(plain) == layout(helper.make_node("MatMul", ["x", "w"], ["y"]))
    assert layout(plain) != layout(helper.make_node("Gemm", ["x", "w"], ["y"], transB=1))
