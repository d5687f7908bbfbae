"""Which kernels a layer can have, and which of its channels cannot: the table of limits, limit by limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.backends.choice import (
    CHANNEL_LIMITS,
    FAMILIES,
    LAYER_LIMITS,
    PORTABLE,
    family_of,
    is_joinable,
    layer_limit,
    unfit_channels,
    why_portable,
)
from edgetool.embed.backends.specialise import CORES, join_pairs
from edgetool.embed.program import Fields, Step


def _conv(weights: Array, **changes: Any) -> Fields:
    size = len(weights)
    return {
        "num_pixels": 4,
        "in_c": weights.shape[1],
        "out_c": size,
        "weights": weights.astype(np.int8),
        "biases": np.zeros(size, np.int32),
        "shifts": np.full(size, -5, np.int8),
        **changes,
    }


def _depthwise(**changes: Any) -> Fields:
    return {
        "in_c": 4,
        "out_c": 4,
        "kernel_h": 3,
        "kernel_w": 3,
        "dilation_h": 1,
        "dilation_w": 1,
        "weights": np.ones((9, 4), np.int8),
        "biases": np.zeros(4, np.int32),
        "shifts": np.full(4, -5, np.int8),
        **changes,
    }


def _sum(**changes: int) -> Fields:
    scales = {"multiplier_0": 1 << 30, "shift_0": 0, "multiplier_1": 5, "shift_1": -1, "out_shift": -1}
    return {"scales": {**scales, **changes}}


def test_families() -> None:
    assert family_of("armv7e-m") == "dsp" and family_of("armv7-m") == family_of("") == PORTABLE
    assert {*CORES} < {*FAMILIES}
    reasons = [limit.reason for limit in LAYER_LIMITS] + [limit.reason for limit in CHANNEL_LIMITS]
    assert all(reason and reason[-1] not in ".!" for reason in reasons)


@pytest.mark.parametrize(
    ("kernel", "fields", "families"),
    [
        ("depthwise_conv_s8", _depthwise(), []),
        ("depthwise_conv_s8", _depthwise(dilation_h=2), []),
        ("fully_connected_s8", {"shifts": np.array([-1], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"shifts": np.array([-1, -5], np.int8)}, []),
        ("conv_add_s8", _sum(), []),
        ("conv_add_s8", _sum(out_shift=1), ["dsp", "mve", "simd"]),
        ("conv_add_s8", _sum(shift_1=0), ["dsp", "mve"]),
        ("softmax_s8", {}, ["dsp", "mve", "simd"]),
    ],
)
def test_limits_of_layers(kernel: str, fields: Fields, families: list[str]) -> None:
    step = Step("a", kernel, ("x",), "y", fields)
    assert [family for family in ("dsp", "mve", "simd") if layer_limit(step, family)] == families
    assert "alone" in layer_limit(step, PORTABLE)


@pytest.mark.parametrize(
    ("kernel", "changes", "families"),
    [
        ("pointwise_conv_s8", {}, []),
        ("pointwise_conv_s8", {"biases": np.array([0, 0, 1 << 30], np.int32)}, ["dsp", "mve", "simd", PORTABLE]),
        ("pointwise_conv_s8", {"shifts": np.array([-1, -1, 0], np.int8)}, ["dsp", "mve"]),
        ("pointwise_conv_s8", {"shifts": np.array([-1, -1, 2], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"num_inputs": 4, "shifts": np.array([-2, -2, -1], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"num_inputs": 4, "biases": np.array([0, 0, 1 << 30], np.int32)}, ["simd"]),
    ],
)
def test_limits_of_channels(kernel: str, changes: dict[str, Any], families: list[str]) -> None:
    fields = _conv(np.ones((3, 4)), **changes)
    for family in ("dsp", "mve", "simd", PORTABLE):
        masks = unfit_channels(kernel, fields, family)
        assert [mask.tolist() for mask in masks.values()] == [[False, False, True]] * (family in families)


def test_channels_that_wrap_around_are_not_for_portable_c() -> None:
    fields = _conv(np.ones((2, 4)), shifts=np.array([9, 24], np.int8))
    (mask,) = unfit_channels("pointwise_conv_s8", fields, PORTABLE).values()
    assert mask.tolist() == [False, True]


def test_second_weights_of_minus_128_beside_negative_ones() -> None:
    weights = np.array([[-1, 5], [-128, 5], [1, 5], [-128, 5], [-128, 5]])
    (mask,) = unfit_channels("pointwise_conv_s8", _conv(weights), "dsp").values()
    assert mask.tolist() == [False, True, False, False, False]
    assert not unfit_channels("pointwise_conv_s8", _conv(weights), "mve")


def test_what_is_joinable_fits_16_bits_and_sums_of_it_fit_32() -> None:
    values = np.array([-128, -127, -1, 0, 1, 127], np.int8)
    pairs = np.stack(np.meshgrid(values, values), axis=-1).reshape(-1, 2)
    exact = pairs[:, 0].astype(np.int64) + 256 * pairs[:, 1].astype(np.int64)
    found = is_joinable(pairs[:, :1], pairs[:, 1:])
    np.testing.assert_array_equal(found, exact >= -32768)
    np.testing.assert_array_equal(join_pairs(pairs)[found], exact[found])
    lowest = np.full((1, 512), -128, np.int8)
    zeros = np.zeros((1, 512), np.int8)
    assert not is_joinable(zeros, lowest)[0] and 512 * 128 * 32768 == 1 << 31
    lowest[0, 0] = -127
    assert is_joinable(zeros, lowest)[0]


def test_neighbouring_taps_of_minus_128() -> None:
    weights = np.ones((3, 3, 4), np.int8)
    weights[0, 0, 1] = weights[0, 1, 1] = -128
    weights[0, 1, 2] = weights[0, 2, 2] = -128  # of two pairs
    weights[0, 2, 3] = weights[1, 0, 3] = -128  # of two rows
    (mask,) = unfit_channels("depthwise_conv_s8", _depthwise(weights=weights.reshape(9, 4)), "mve").values()
    assert mask.tolist() == [False, True, False, False]


def test_a_reason_counts_channels() -> None:
    step = Step("a", "pointwise_conv_s8", ("x",), "y", _conv(np.ones((3, 4)), shifts=np.array([-1, 1, 1], np.int8)))
    assert why_portable(step, "simd") == "2 of its 3 channels shift left"
    assert why_portable(step, "dsp") == "2 of its 3 channels do not shift right"
