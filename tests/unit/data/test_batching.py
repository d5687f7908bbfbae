"""Batches follow from the size of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.batching import affordable_samples, fitting_batch
from edgetool.runners.agent import fitting_batch as batch_of_agent


@pytest.mark.parametrize(
    ("shape", "expected"), [((-1, 32, 32, 3), 64), ((-1, 224, 224, 3), 8), ((-1, 640, 640, 3), 1), ((-1, 7), 64)]
)
def test_large_inputs_make_small_batches(shape: tuple[int, ...], expected: int) -> None:
    assert fitting_batch([shape], 64) == expected
    assert batch_of_agent([np.zeros((1, *shape[1:]), np.float32)], 64) == expected


def test_all_inputs_count() -> None:
    assert fitting_batch([(-1, 224, 224, 3)] * 2, 64) == 4


@pytest.mark.parametrize(
    ("shape", "expected"), [((500, 32, 32, 3), 500), ((900, 640, 640, 3), 54), ((9, 20_000, 20_000), 1)]
)
def test_large_samples_calibrate_in_smaller_numbers(shape: tuple[int, ...], expected: int) -> None:
    assert affordable_samples([shape], 500) == expected
