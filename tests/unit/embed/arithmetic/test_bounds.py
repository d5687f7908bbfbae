"""Bounds of channels, against all sums of small layers and gemmlowp's rounding in plain integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgetool.embed.arithmetic.bounds import (
    DEPTHWISE,
    Bounds,
    is_padded,
    output_bounds,
    rescale,
    stored_weights,
    sum_bounds,
    weights_by_channel,
)


def _wrap(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def _gemmlowp(x: int, multiplier: int, shift: int) -> int:
    """`RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(x << left, multiplier), right)`, as gemmlowp has it."""
    product = _wrap(x << max(shift, 0)) * multiplier
    nudge = 1 << 30 if product >= 0 else 1 - (1 << 30)
    high = abs(product + nudge) // (1 << 31) * (1 if product + nudge >= 0 else -1)
    right = max(-shift, 0)
    mask = (1 << right) - 1
    return (high >> right) + int((high & mask) > (mask >> 1) + int(high < 0))


@pytest.mark.parametrize("shift", [-31, -30, -7, -1, 0, 1, 5])
def test_rescaling_twice_is_that_of_gemmlowp(shift: int) -> None:
    random = np.random.default_rng(shift + 40)
    sums = np.concatenate([random.integers(-(1 << 31), 1 << 31, 300), random.integers(-300, 300, 300)])
    sums = np.concatenate([sums, [0, 1, -1, 1 << 30, -(1 << 30), (1 << 31) - 1, -(1 << 31)]])
    multipliers = random.integers(1 << 30, 1 << 31, len(sums))
    multipliers[::5] = 1 << 30
    found = rescale(sums, multipliers, np.full(len(sums), shift), rounds_once=False)
    expected = [_gemmlowp(int(x), int(m), shift) for x, m in zip(sums, multipliers, strict=True)]
    assert found.tolist() == expected


def test_rescaling_once_rounds_halves_up() -> None:
    sums, ones = np.array([-3, -1, 1, 3, 8]), np.full(5, 1 << 30)
    assert rescale(sums, ones, np.zeros(5, np.int8), rounds_once=True).tolist() == [-1, 0, 1, 2, 4]


def test_bounds_of_sums_are_reached() -> None:
    random = np.random.default_rng(3)
    weights = random.integers(-128, 128, (4, 2, 2)).astype(np.int8)
    biases = np.array([0, 7, -9, 1 << 30], np.int32)
    values = Bounds(np.array([-128, 3]), np.array([127, 3]))
    found = sum_bounds(weights, biases, values)
    ends = [np.array(taps) for taps in itertools.product([-128, 127], repeat=2)]
    sums = [(weights[:, :, 0] * end).sum(axis=1) + 3 * weights[:, :, 1].sum(axis=1) + biases for end in ends]
    assert found.low.tolist() == np.min(sums, axis=0).tolist() and found.high.tolist() == np.max(sums, axis=0).tolist()


@pytest.mark.parametrize(
    ("kernel", "shape", "fields", "view"),
    [
        ("conv_s8", (3, 18), {"in_c": 2}, (3, 9, 2)),
        ("pointwise_conv_s8", (3, 2), {"in_c": 2}, (3, 1, 2)),
        ("fully_connected_s8", (3, 6), {"num_inputs": 6}, (3, 1, 6)),
        (DEPTHWISE, (9, 4), {"in_c": 4}, (4, 9, 1)),
        (DEPTHWISE, (4, 4), {"in_c": 4}, (4, 4, 1)),
    ],
)
def test_weights_are_seen_by_channel(
    kernel: str, shape: tuple[int, ...], fields: dict[str, int], view: tuple[int, ...]
) -> None:
    weights = np.arange(np.prod(shape), dtype=np.int8).reshape(shape)
    found = weights_by_channel(kernel, {**fields, "weights": weights})
    assert found.shape == view
    np.testing.assert_array_equal(stored_weights(kernel, found), weights)


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, False), ({"pad_top": 1}, True), ({"out_h": 3}, True), ({"dilation_w": 2}, True)]
)
def test_a_window_that_reaches_outside_is_padded(changes: dict[str, int], expected: bool) -> None:
    sizes = {
        "in_h": 4,
        "in_w": 4,
        "out_h": 2,
        "out_w": 2,
        "kernel_h": 3,
        "kernel_w": 3,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": 0,
        "pad_left": 0,
    }
    assert is_padded({**sizes, **changes}) is expected
    assert not is_padded({"num_pixels": 4})


def test_outputs_are_bounded_where_nothing_wraps() -> None:
    fields = {
        "multipliers": np.full(4, 1 << 30, np.int32),
        "shifts": np.array([-1, -1, 9, 9], np.int8),
        "out_zero": -128,
        "low": -128,
        "high": 127,
    }
    sums = Bounds(np.array([-4000, 40, 1 << 29, 1 << 30]), np.array([-8, 48, (1 << 29) + 1, 1 << 30]))
    found = output_bounds({**fields}, sums)
    assert found.low.tolist()[:3] == [-128, -118, -128] and found.high.tolist()[:3] == [-128, -116, 127]
    assert found.is_constant.tolist() == [True, False, False, True]  # a single sum wraps to a single value
