"""What passes ensure, measured in a kernel."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.passes.properties import measure_invariant, num_unique, sparsity


def test_sparsity_and_unique() -> None:
    kernel = np.array([[0.0, 1.0], [0.0, 2.0]])
    assert sparsity(kernel) == 0.5
    assert num_unique(kernel) == 3


@pytest.mark.parametrize(
    ("kind", "value", "found", "passed"),
    [
        ("sparsity", 0.5, 0.5, True),
        ("sparsity", 0.8, 0.5, False),
        ("num_clusters", 3, 3.0, True),
        ("num_clusters", 2, 3.0, False),
        ("nonzero", 1, 2.0, True),
        ("n_of_m", 1.02, 1.0, True),
        ("n_of_m", 0.02, 1.0, False),
    ],
)
def test_measure_invariant(kind: str, value: float, found: float, passed: bool) -> None:
    kernel = np.array([[0.0, 1.0], [2.0, 0.0]])
    assert measure_invariant(kind, value, kernel) == (found, passed)


def test_a_kernel_of_zeros_is_not_nonzero() -> None:
    assert measure_invariant("nonzero", 1, np.zeros((3, 3))) == (0.0, False)


def test_two_of_four_along_the_input_axis() -> None:
    kernel = np.zeros((1, 1, 8, 2), np.float32)
    kernel[0, 0, [0, 1, 4, 5], :] = 1.0
    assert measure_invariant("n_of_m", 2.04, kernel) == (2.0, True)
    kernel[0, 0, 2, 1] = 1.0
    assert measure_invariant("n_of_m", 2.04, kernel) == (3.0, False)


def test_an_unknown_kind_is_a_defect() -> None:
    with pytest.raises(ValueError, match="unknown invariant"):
        measure_invariant("colour", 1, np.ones(3))
