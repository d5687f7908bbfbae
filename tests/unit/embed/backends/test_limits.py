"""Conditions of kernels, against the arithmetic that they come from."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.backends.cortex_m import join_pairs
from edgetool.embed.backends.limits import adds_to_the_left, adds_without_shift, has_one_small_shift, is_joinable


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


@pytest.mark.parametrize(
    ("changes", "to_the_left", "without_shift"),
    [
        ({}, False, False),
        ({"shift_0": 1}, True, True),
        ({"out_shift": 0}, False, True),
        ({"multiplier_0": 3}, False, True),
    ],
)
def test_additions(changes: dict[str, int], to_the_left: bool, without_shift: bool) -> None:
    scales = {"multiplier_0": 1 << 30, "shift_0": 0, "multiplier_1": 5, "shift_1": -1, "out_shift": -1, **changes}
    assert adds_to_the_left({"scales": {**scales}}) == to_the_left
    assert adds_without_shift({"scales": {**scales}}) == without_shift


def test_one_scale_of_all_outputs() -> None:
    assert has_one_small_shift({"shifts": np.array([-1], np.int8)})
    assert not has_one_small_shift({"shifts": np.array([-2], np.int8)})
    assert not has_one_small_shift({"shifts": np.array([-1, -1], np.int8)})
