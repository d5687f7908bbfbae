"""Small decisions of the carry-over; whole models are carried over in tests/integration."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.importers.keras3 import _copied, _is_nothing, _single


@pytest.mark.parametrize(
    ("value", "expected"), [(None, True), ([None, None], True), ([None, "mask"], False), (False, False), ([], True)]
)
def test_arguments_that_say_nothing_are_left_out(value: object, expected: bool) -> None:
    assert _is_nothing(value) is expected


def test_one_tensor_stands_by_itself() -> None:
    assert _single(["x"]) == "x"
    assert _single(["x", "y"]) == ["x", "y"]


class Layer:
    mean = None

    def __init__(self, *shapes: tuple[int, ...]) -> None:
        self.weights = [np.ones(shape) for shape in shapes]

    def get_weights(self) -> list[np.ndarray]:
        return self.weights

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = [weight * 2 for weight in weights]


def test_weights_are_copied_where_they_are_laid_out_alike() -> None:
    target = Layer((2, 2), (3,))
    assert _copied(Layer((2, 2), (3,)), target)
    assert [float(weight.max()) for weight in target.weights] == [2.0, 2.0]
    assert not _copied(Layer((2, 2)), Layer((4,)))
