"""Rounding that makes up for itself."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from edgetool.exporters.onnx_rounding import patches_of, round_channels


def weights(num: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (8, num))


def scales(kernel: np.ndarray) -> np.ndarray:
    return np.abs(kernel).max(axis=1) / 60.0  # far from every limit


def test_independent_inputs_get_plain_rounding() -> None:
    kernel = weights()
    scale = scales(kernel)
    found = round_channels(kernel, scale, np.eye(24), exact_pairs=True)
    np.testing.assert_array_equal(found, np.rint(kernel / scale[:, None]))


def test_correlated_inputs_lose_less_than_by_plain_rounding() -> None:
    kernel = weights()
    scale = scales(kernel) * 8
    mixing = np.random.default_rng(1).normal(size=(24, 24)) * np.geomspace(1, 0.01, 24)[:, None]
    inputs = np.random.default_rng(2).normal(size=(4000, 24)) @ mixing
    covariance = inputs.T @ inputs / len(inputs)
    found = round_channels(kernel, scale, covariance, exact_pairs=True)
    plain = np.rint(kernel / scale[:, None])

    def error(rounded: np.ndarray) -> float:
        return float(np.mean((inputs @ (rounded * scale[:, None] - kernel).T) ** 2))

    assert error(found) < 0.5 * error(plain)


def test_zeros_stay_and_neighbours_do_not_saturate() -> None:
    kernel = weights(seed=3)
    kernel[np.random.default_rng(4).random(kernel.shape) < 0.5] = 0
    scale = np.abs(kernel).max(axis=1) / 127.0
    mixed = np.random.default_rng(5).normal(size=(24, 24))
    covariance = mixed @ mixed.T
    found = round_channels(kernel, scale, covariance, exact_pairs=True)
    assert np.all(found[kernel == 0] == 0)
    assert np.abs(found[:, :-1] + found[:, 1:]).max() <= 128
    assert np.abs(found).max() <= 127
    free = round_channels(np.full((1, 4), 1.0), np.array([1 / 127]), np.eye(4), exact_pairs=False)
    np.testing.assert_array_equal(free, np.full((1, 4), 127))


def test_a_covariance_without_inverse_is_no_obstacle() -> None:
    kernel = weights()
    found = round_channels(kernel, scales(kernel), np.zeros((24, 24)), exact_pairs=True)
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize(
    ("pads", "strides", "size"), [((1, 1, 1, 1), (1, 1), 3), ((0, 0, 1, 1), (2, 2), 3), ((0, 0, 0, 0), (2, 1), 1)]
)
def test_patches_times_kernel_is_the_convolution(pads: tuple[int, ...], strides: tuple[int, ...], size: int) -> None:
    import onnxruntime

    random = np.random.default_rng(0)
    x = random.normal(size=(2, 3, 6, 6)).astype(np.float32)
    kernel = random.normal(size=(4, 3, size, size)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=list(pads), strides=list(strides))
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", 1, x.shape)],
        [helper.make_tensor_value_info("y", 1, [None] * 4)], [onnx.numpy_helper.from_array(kernel, "w")],
    )  # fmt: skip
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    rows = patches_of(x, node, kernel.shape) @ kernel.transpose(0, 2, 3, 1).reshape(4, -1).T
    np.testing.assert_allclose(rows, expected.transpose(0, 2, 3, 1).reshape(-1, 4), rtol=1e-4, atol=1e-4)
