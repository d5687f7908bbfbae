"""Channels that never vary become biases, and constants of layers behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import rescale
from edgetool.embed.compiler.passes.constant_channels import fold_constant_channels, idle_weight, layer_fields
from edgetool.embed.program import Fields, Program, Step
from edgetool.ir.graph import Tensor


def pointwise(weights: Array, source: str = "x", output: str = "y", **changes: Any) -> Step:
    size = len(weights)
    fields: Fields = {
        "num_pixels": 4,
        "in_c": weights.shape[1],
        "out_c": size,
        "out_zero": -5,
        "low": -128,
        "high": 127,
        "weights": weights.astype(np.int8),
        "biases": np.arange(size, dtype=np.int32),
        "multipliers": np.full(size, 1_500_000_000, np.int32),
        "shifts": np.full(size, -6, np.int8),
        **changes,
    }
    return Step("p", "pointwise_conv_s8", (source,), output, fields)


def program_of(*steps: Step) -> Program:
    names = {name for step in steps for name in (*step.inputs, step.output)}
    tensors = {name: Tensor(name, (1, 2, 2, 4), "int8") for name in names}
    return Program(tensors, steps, ("x",), (steps[-1].output,), {}, "d")


def run_pointwise(step: Step, values: Array) -> Array:
    """Return int8 outputs `[pixels, out_c]`, of 64-bit integers."""
    fields = {name: np.asarray(value).astype(np.int64) for name, value in layer_fields(step).items()}
    sums = values.astype(np.int64) @ fields["weights"].T + fields["biases"]
    scales = (np.broadcast_to(fields[name], sums.shape) for name in ("multipliers", "shifts"))
    return np.clip(rescale(sums, *scales, rounds_once=False) + fields["out_zero"], fields["low"], fields["high"])


@pytest.fixture
def values() -> Array:
    return np.random.default_rng(1).integers(-128, 128, (50, 4))


def _weights(rows: int) -> Array:
    return np.random.default_rng(rows).integers(-127, 128, (rows, 4))


#: What the converter and others write for a channel that never varies: bias, multiplier, shift.
DEAD = [(1 << 30, 1_500_000_000, -9), (-(1 << 30), 1_500_000_000, -9), (7, 0, 0), (-(1 << 30), 1 << 30, -31)]


@pytest.mark.parametrize(("bias", "multiplier", "shift"), DEAD)
def test_a_channel_that_never_varies_has_no_weights(bias: int, multiplier: int, shift: int, values: Array) -> None:
    step = pointwise(_weights(4))
    for name, value in (("biases", bias), ("multipliers", multiplier), ("shifts", shift)):
        np.asarray(step.fields[name])[1] = value
    (made,) = fold_constant_channels(program_of(step)).steps
    weights, shifts = np.asarray(made.fields["weights"]), np.asarray(made.fields["shifts"])
    assert not weights[1].any() and weights[[0, 2, 3]].any(axis=1).all() and (shifts <= -1).all()
    assert np.abs(np.asarray(made.fields["biases"])).max() <= 1024
    np.testing.assert_array_equal(run_pointwise(made, values), run_pointwise(step, values))


def test_every_constant_can_be_had() -> None:
    step = pointwise(np.zeros((256, 4)), biases=np.arange(-128, 128, dtype=np.int32) * 2, low=-100, high=90)
    step.fields["multipliers"], step.fields["shifts"] = np.full(256, 1 << 30, np.int32), np.zeros(256, np.int8)
    (made,) = fold_constant_channels(program_of(step)).steps
    found = run_pointwise(made, np.zeros((1, 4)))
    assert found[0].tolist() == np.clip(np.arange(-128, 128) - 5, -100, 90).tolist()


def test_a_channel_that_varies_by_one_step_stays() -> None:
    half = (1 << 30) + (1 << 24)  # 32.5 steps
    step = pointwise(_weights(2), biases=np.array([0, half], np.int32), shifts=np.array([-6, -24], np.int8))
    np.asarray(step.fields["multipliers"])[1] = 1 << 30
    (made,) = fold_constant_channels(program_of(step)).steps
    assert np.asarray(made.fields["weights"])[1].any() and np.asarray(made.fields["biases"])[1] == half


def test_a_layer_behind_takes_the_constant_in(values: Array) -> None:
    first = pointwise(_weights(3), output="m", biases=np.array([5, 1 << 30, -9], np.int32))
    second = pointwise(np.random.default_rng(9).integers(-127, 128, (2, 3)), "m", "y")
    made = fold_constant_channels(program_of(first, second)).steps
    weights = np.asarray(made[1].fields["weights"])
    assert not weights[:, 1].any() and weights[:, [0, 2]].all()
    middle = run_pointwise(first, values)
    np.testing.assert_array_equal(run_pointwise(made[1], middle), run_pointwise(second, middle))


def _depthwise(**changes: int) -> Step:
    fields: Fields = {
        "in_h": 2,
        "in_w": 2,
        "in_c": 3,
        "out_h": 2,
        "out_w": 2,
        "out_c": 3,
        "kernel_h": 3,
        "kernel_w": 3,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": 1,
        "pad_left": 1,
        "in_zero": 127,
        "out_zero": 0,
        "low": -128,
        "high": 127,
        "weights": np.full((9, 3), 3, np.int8),
        "biases": np.zeros(3, np.int32),
        "multipliers": np.full(3, 1 << 30, np.int32),
        "shifts": np.full(3, -6, np.int8),
        **changes,
    }
    return Step("d", "depthwise_conv_s8", ("m",), "y", fields, has_scratch=True)


@pytest.mark.parametrize(("changes", "is_folded"), [({}, True), ({"in_zero": 4}, False)])
def test_padding_with_another_value_keeps_the_channel(changes: dict[str, int], is_folded: bool) -> None:
    first = pointwise(_weights(3), output="m", biases=np.array([5, 1 << 30, -9], np.int32))
    made = fold_constant_channels(program_of(first, _depthwise(**changes))).steps[1]
    weights, biases = np.asarray(made.fields["weights"]), np.asarray(made.fields["biases"])
    assert bool(weights[:, 1].any()) is not is_folded
    assert biases[0] == 0 and (biases[1] != 0) is np.bool_(is_folded)


def test_one_scale_for_all_outputs_stays_one() -> None:
    fields: Fields = {
        "num_rows": 1,
        "num_inputs": 2,
        "num_outputs": 2,
        "scale_step": 0,
        "out_zero": 3,
        "low": -128,
        "high": 127,
        "weights": np.array([[1, 2], [3, 4]], np.int8),
        "biases": np.array([0, 1 << 30], np.int32),
        "multipliers": np.array([1 << 30], np.int32),
        "shifts": np.array([-4], np.int8),
    }
    (made,) = fold_constant_channels(program_of(Step("f", "fully_connected_s8", ("x",), "y", fields))).steps
    assert np.asarray(made.fields["weights"]).tolist() == [[1, 2], [0, 0]]
    assert np.asarray(made.fields["biases"])[1] == 124 * 32 and len(np.asarray(made.fields["multipliers"])) == 1


def test_a_palette_gets_no_new_value() -> None:
    weights = np.array([[1, 2, 2], [0, 0, 0]], np.int8).reshape(2, 1, 3)  # a palette of one bit
    is_idle = np.array([False, True])
    assert idle_weight(weights, is_idle) == 2
    assert idle_weight(np.where(weights == 1, 0, weights), is_idle) == 0
    rows = np.arange(1, 128, dtype=np.int8).reshape(1, 1, 127).repeat(2, axis=0)
    assert idle_weight(rows[:, :, :3], is_idle) == 0, "there is room for a fourth value"
    assert idle_weight(rows, is_idle) == 0, "no palette has so many values"


@pytest.mark.parametrize(("bias", "constant"), [(1 << 30, 127), (-(1 << 30), -128), (1 << 30, 60)])
def test_weights_of_a_palette_stay_where_a_limit_gives_the_constant(bias: int, constant: int, values: Array) -> None:
    step = pointwise(np.where(_weights(3) > 0, 7, -9), biases=np.array([5, bias, -9], np.int32), high=max(constant, 60))
    (made,) = fold_constant_channels(program_of(step)).steps
    assert set(np.unique(np.asarray(made.fields["weights"]))) == {7, -9}
    np.testing.assert_array_equal(run_pointwise(made, values), run_pointwise(step, values))
