"""Exponentials in fixed point."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.arithmetic.fixed_point import exponentials, multiply_high


@pytest.mark.parametrize("scale", [0.003, 0.05, 0.4])
def test_exponentials_are_near_and_far_ones_are_left_out(scale: float) -> None:
    found = exponentials(scale, 1.0)
    np.testing.assert_allclose(found / 2**31, np.exp(-scale * np.arange(256)), atol=1e-6)
    assert found[0] == 2**31 - 1 and (np.diff(found.astype(np.int64)) <= 0).all()
    assert (found[int(32 / scale) :] == 0).all()


def test_products_round_halves_up_and_saturate() -> None:
    assert multiply_high(1 << 30, 3) == 2 and multiply_high(-(1 << 30), 3) == -1 and multiply_high(1 << 30, -1) == 0
    assert multiply_high(-(1 << 31), -(1 << 31)) == 2**31 - 1
