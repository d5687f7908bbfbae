"""Patterns of N in M."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.invariants import Cut, Measured, NOfM

TWO_OF_FOUR = NOfM("a", 2, 4, (1, 1, 8, 2))


@pytest.fixture
def kernel() -> Array:
    """A convolution with two weights in each four inputs."""
    values = np.zeros((1, 1, 8, 2), np.float32)
    values[0, 0, [0, 1, 4, 5], :] = 1.0
    return values


def test_groups_lie_along_the_input_axis(kernel: Array) -> None:
    assert TWO_OF_FOUR.measure(kernel) == Measured(2.0, holds=True)
    kernel[0, 0, 2, 1] = 1.0
    assert TWO_OF_FOUR.measure(kernel) == Measured(3.0, holds=False)


@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 4), (1, 10), (16, 32)])
def test_any_group_size_is_told_exactly(n: int, m: int) -> None:
    kernel = np.zeros((2 * m, 3))
    kernel[:n] = 1.0
    assert NOfM("a", n, m, kernel.shape).measure(kernel).holds
    kernel[n] = 1.0
    assert not NOfM("a", n, m, kernel.shape).measure(kernel).holds
    assert NOfM("a", n, m, ()).show_expected() == f"{n} of {m}"


def test_a_kernel_smaller_than_a_group_has_none() -> None:
    assert TWO_OF_FOUR.measure(np.ones((3, 2))) == Measured(0.0, holds=True)


def test_the_largest_weights_of_each_group_stay() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 9, 5))
    projected = NOfM("a", 2, 4, kernel.shape).project(kernel)
    assert NOfM("a", 2, 4, kernel.shape).measure(projected) == Measured(2.0, holds=True)
    np.testing.assert_array_equal(projected[:, :, 8], kernel[:, :, 8])  # no whole group
    kept = np.sort(np.abs(kernel[0, 0, :4, 0]))[2:]
    np.testing.assert_array_equal(np.sort(np.abs(projected[0, 0, :4, 0]))[2:], kept)
    assert np.count_nonzero(kernel) == kernel.size


@pytest.mark.parametrize(
    ("inputs", "outputs", "stays"),
    [(None, (0,), True), ((4, 5, 6, 7), None, True), ((0, 1, 2, 3), None, True), ((0, 1, 2, 4), None, False)],
)
def test_it_stays_where_groups_stay_whole(
    kernel: Array, inputs: tuple[int, ...] | None, outputs: tuple[int, ...] | None, stays: bool
) -> None:
    cut = kernel[:, :, list(inputs)] if inputs is not None else kernel
    cut = cut[..., list(outputs)] if outputs is not None else cut
    followed = TWO_OF_FOUR.follow(Cut(inputs, outputs, cut.shape))
    assert (followed is not None) is stays
    if followed is not None:
        assert followed.measure(cut).holds and followed.kernel_shape == cut.shape


@pytest.mark.parametrize("inputs", [(0, 1, 2), (2, 3, 4, 5), (1, 0, 2, 3)])
def test_parts_of_groups_end_it(inputs: tuple[int, ...]) -> None:
    assert TWO_OF_FOUR.follow(Cut(inputs, None, (1, 1, len(inputs), 2))) is None


def test_words() -> None:
    assert TWO_OF_FOUR.describe() == "at most 2 non-zero values in each 4"
    assert TWO_OF_FOUR.describe_found(3.0) == "3 non-zero values in one group"
