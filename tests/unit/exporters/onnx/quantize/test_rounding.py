"""Rounding that makes up for itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.data.dataset import Split
from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.quantize import rounding as onnx_rounding
from edgetool.exporters.onnx.quantize.rounding import round_channels, round_weights
from edgetool.exporters.onnx.quantize.scales import channel_scales


def weights(num: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (8, num))


def scales(kernel: np.ndarray) -> np.ndarray:
    return np.abs(kernel).max(axis=1) / 60.0  # far from every limit


def correlated(num: int, samples: int = 4000) -> np.ndarray:
    mixing = np.random.default_rng(1).normal(size=(num, num)) * np.geomspace(1, 0.01, num)[:, None]
    return np.random.default_rng(2).normal(size=(samples, num)) @ mixing


def test_independent_inputs_get_plain_rounding() -> None:
    kernel = weights()
    scale = scales(kernel)
    found = round_channels(kernel, scale, np.eye(24), exact_pairs=True)
    np.testing.assert_array_equal(found, np.rint(kernel / scale[:, None]))


@pytest.mark.parametrize("num", [24, 150])  # one block of columns, and several
def test_correlated_inputs_lose_less_than_by_plain_rounding(num: int) -> None:
    kernel = weights(num)
    scale = scales(kernel) * 8
    inputs = correlated(num)
    found = round_channels(kernel, scale, inputs.T @ inputs / len(inputs), exact_pairs=True)
    plain = np.rint(kernel / scale[:, None])

    def error(rounded: np.ndarray) -> float:
        return float(np.mean((inputs @ (rounded * scale[:, None] - kernel).T) ** 2))

    assert error(found) < 0.5 * error(plain)


def test_blocks_of_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, inputs = weights(50), correlated(50)
    covariance = inputs.T @ inputs / len(inputs)
    found = []
    for block in (1, 16, 64):
        monkeypatch.setattr(onnx_rounding, "BLOCK", block)
        found.append(round_channels(kernel, scales(kernel), covariance, exact_pairs=True))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_zeros_stay_and_neighbours_do_not_saturate() -> None:
    kernel = weights(seed=3)
    kernel[np.random.default_rng(4).random(kernel.shape) < 0.5] = 0
    scale = np.abs(kernel).max(axis=1) / 127.0
    mixed = np.random.default_rng(5).normal(size=(24, 24))
    found = round_channels(kernel, scale, mixed @ mixed.T, exact_pairs=True)
    assert np.all(found[kernel == 0] == 0)
    assert np.abs(found[:, :-1] + found[:, 1:]).max() <= 128
    assert np.abs(found).max() <= 127
    free = round_channels(np.full((1, 4), 1.0), np.array([1 / 127]), np.eye(4), exact_pairs=False)
    np.testing.assert_array_equal(free, np.full((1, 4), 127))


@pytest.mark.parametrize(
    "covariance",
    [
        np.zeros((24, 24)),
        np.full((24, 24), np.inf),
        np.full((24, 24), np.nan),
        -np.eye(24),
        np.diag([3.0, *[1.0] * 22, -2.0]),
    ],
    ids=["zeros", "infinite", "nan", "negative", "indefinite"],
)
def test_a_covariance_that_says_nothing_means_plain_rounding(covariance: np.ndarray) -> None:
    kernel = weights()
    found = round_channels(kernel, scales(kernel), covariance, exact_pairs=True)
    np.testing.assert_array_equal(found, np.rint(kernel / scales(kernel)[:, None]))


@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
def test_the_covariances_size_does_not_matter(factor: float) -> None:
    kernel, inputs = weights(), correlated(24)
    covariance = inputs.T @ inputs
    expected = round_channels(kernel, scales(kernel), covariance, exact_pairs=True)
    found = round_channels(kernel, scales(kernel), covariance * factor, exact_pairs=True)
    np.testing.assert_array_equal(found, expected)


def test_inputs_that_are_copies_of_each_other() -> None:
    kernel = weights()
    found = round_channels(kernel, scales(kernel), np.ones((24, 24)), exact_pairs=True)
    assert np.isfinite(found).all()
    sums = (found * scales(kernel)[:, None]).sum(axis=1)  # all that such inputs see
    assert np.all(np.abs(sums - kernel.sum(axis=1)) <= 0.51 * scales(kernel))


TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 6, 8, 8] x) => (float[N, 5] y) {
  a = Conv <pads = [1, 1, 1, 1], group = 6> (x, depthwise_kernel, zeros)
  b = Conv (a, point_kernel, zeros)
  p = GlobalAveragePool (b)
  f = Flatten (p)
  h = Gemm (f, hidden_kernel)
  r = Relu (h)
  y = MatMul (r, out_kernel)
}
"""
SHAPES = {"depthwise": (6, 1, 3, 3), "point": (6, 6, 1, 1), "hidden": (6, 7), "out": (7, 5)}
AXES = {"depthwise": 0, "point": 0, "hidden": 1, "out": 1}
IMAGES = np.random.default_rng(8).uniform(0.5, 2.0, (40, 6, 8, 8)).astype(np.float32)


def _model() -> Any:
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    for layer, shape in SHAPES.items():
        set_constant(model.graph, f"{layer}_kernel", random.normal(0, 0.3, shape).astype(np.float32))
    set_constant(model.graph, "zeros", np.zeros(6, np.float32))  # one constant, the bias of two layers
    return model


def _scales(model: Any) -> dict[str, Any]:
    """Coarse steps, so that errors are far above float noise."""
    found = {}
    for layer, axis in AXES.items():
        kernel = constant(model.graph, f"{layer}_kernel")
        assert kernel is not None
        found[f"{layer}_kernel"] = 8 * channel_scales(kernel, axis, per_channel=True, exact_pairs=True)
    return found


def _run(model: Any, *wanted: str) -> dict[str, Any]:
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in wanted)
    session = onnxruntime.InferenceSession(copy.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip(wanted, session.run(list(wanted), {"x": IMAGES}), strict=True))


def test_kernels_lie_on_their_grids_and_means_are_kept() -> None:
    model = _model()
    grid = _scales(model)
    before = _run(model, "a", "y")
    found = round_weights(model, grid, Split("train", (IMAGES,)), ["x"], exact_pairs=True)
    assert set(found.by_outputs) == set(grid) and not found.compensated and not found.plain
    for layer, axis in AXES.items():
        kernel = constant(model.graph, f"{layer}_kernel")
        assert kernel is not None and kernel.dtype == np.float32
        steps = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1) / grid[f"{layer}_kernel"][:, None]
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    after = _run(model, "a", "y")
    drift = np.abs((after["a"] - before["a"]).mean(axis=(0, 2, 3)))
    assert drift.max() < 1e-4 < np.abs(after["a"] - before["a"]).max()


def test_layers_that_share_a_bias_get_their_own() -> None:
    model = _model()
    round_weights(model, _scales(model), Split("train", (IMAGES,)), ["x"], exact_pairs=True)
    onnx.checker.check_model(model, full_check=True)
    biases = [node.input[2] for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    assert len(biases) == len(set(biases)) == 3  # the dense layer without a bias gets one, MatMul has no place for it
    values = [constant(model.graph, name) for name in biases]
    assert all(value is not None and value.any() for value in values)


def test_rounding_by_outputs_beats_compensation_which_beats_neither() -> None:
    exact = _run(_model(), "y")["y"]
    error = {}
    for name, nearest in (("outputs", ()), ("compensated", tuple(f"{layer}_kernel" for layer in SHAPES))):
        model = _model()
        found = round_weights(
            model, _scales(model), Split("train", (IMAGES,)), ["x"], exact_pairs=True, nearest=nearest
        )
        assert len(found.compensated) == len(nearest)
        error[name] = np.square(_run(model, "y")["y"] - exact).mean()
    model = _model()
    for layer, axis in AXES.items():
        kernel, step = constant(model.graph, f"{layer}_kernel"), _scales(model)[f"{layer}_kernel"]
        assert kernel is not None
        step = step.reshape([-1 if index == axis else 1 for index in range(kernel.ndim)])
        set_constant(model.graph, f"{layer}_kernel", (np.rint(kernel / step) * step).astype(np.float32))
    error["neither"] = np.square(_run(model, "y")["y"] - exact).mean()
    assert error["outputs"] < error["compensated"] < error["neither"]


def test_equal_weights_stay_equal_where_asked() -> None:
    model = _model()
    book = np.array([-0.31, -0.02, 0.0, 0.17], np.float32)
    set_constant(model.graph, "hidden_kernel", book[np.random.default_rng(3).integers(0, 4, (6, 7))])
    one = {"hidden_kernel": np.array([0.01], np.float32)}
    found = round_weights(model, one, Split("train", (IMAGES,)), ["x"], exact_pairs=True, nearest=["hidden_kernel"])
    kernel = constant(model.graph, "hidden_kernel")
    assert found.compensated == ("hidden_kernel",) and kernel is not None
    np.testing.assert_allclose(np.unique(kernel), [-0.31, -0.02, 0.0, 0.17], atol=1e-6)


def test_very_wide_layers_are_compensated_and_unknown_ones_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_rounding, "MAX_INPUTS", 6)
    model = _model()
    point = next(node for node in model.graph.node if node.output[0] == "b")
    point.attribute.append(onnx.helper.make_attribute("auto_pad", "SAME_UPPER"))
    before = constant(model.graph, "point_kernel")
    found = round_weights(model, _scales(model), Split("train", (IMAGES,)), ["x"], exact_pairs=True)
    assert set(found.compensated) == {"depthwise_kernel", "out_kernel"}
    assert found.by_outputs == ("hidden_kernel",)
    assert found.plain == ("point_kernel",)
    np.testing.assert_array_equal(constant(model.graph, "point_kernel"), before)


def test_a_kernel_that_two_layers_share_is_rounded_once() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 6] x) => (float[N, 6] y) { a = Gemm (x, w, b) y = Gemm (a, w, b) }
    """)
    random = np.random.default_rng(0)
    set_constant(model.graph, "w", random.normal(0, 0.3, (6, 6)).astype(np.float32))
    set_constant(model.graph, "b", np.zeros(6, np.float32))
    images = random.uniform(0, 1, (30, 6)).astype(np.float32)
    found = round_weights(
        model, {"w": np.full(6, 0.05, np.float32)}, Split("train", (images,)), ["x"], exact_pairs=True
    )
    assert found.by_outputs == ("w",)
    assert {name for node in model.graph.node for name in node.input[1:]} == {"w", "b"}
    bias = constant(model.graph, "b")
    assert bias is not None and bias.any()


def test_inputs_that_hardly_vary_about_a_large_mean() -> None:
    """Sums of squares in float32 would hold the mean alone."""
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 24] x) => (float[N, 8] y) { y = Gemm (x, w) }
    """)
    kernel = weights().T.astype(np.float32)
    set_constant(model.graph, "w", kernel)
    inputs = (1000.0 + 0.1 * correlated(24, 400)).astype(np.float32)
    step = (scales(weights()) * 8).astype(np.float32)
    round_weights(model, {"w": step}, Split("train", (inputs,)), ["x"], exact_pairs=True)
    found = constant(model.graph, "w")
    assert found is not None
    varying = inputs.astype(np.float64) - inputs.mean(axis=0)
    error = np.square(varying @ (found - kernel)).mean()
    assert error < 0.5 * np.square(varying @ (np.rint(kernel / step) * step - kernel)).mean()


def test_layers_that_are_looked_at_in_turn_are_rounded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for limit in (1 << 30, 1):
        monkeypatch.setattr(onnx_rounding, "COVARIANCE_BYTES", limit)
        model = _model()
        rounding = round_weights(model, _scales(model), Split("train", (IMAGES,)), ["x"], exact_pairs=True)
        found.append(
            (rounding, {tensor.name: constant(model.graph, tensor.name) for tensor in model.graph.initializer})
        )
    assert found[0][0] == found[1][0]
    for name, values in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], values, rtol=1e-6, atol=1e-7)
