"""What is asked of weights is compared with what a file has."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgetool.records import FLOAT16, FLOAT32, INT8, KernelFormat, WeightFormat, WeightsRecord

STORED = dataclasses.replace(INT8, palette=200, zeros=0.1)


@pytest.mark.parametrize(
    ("asked", "unmet"),
    [
        ({}, ()),
        ({"bits": 4}, ("bits",)),
        ({"is_integer": False, "granularity": "none"}, ("bits",)),
        ({"granularity": "tensor"}, ("granularity",)),
        ({"palette": 200}, ()),
        ({"palette": 32}, ("palette",)),
        ({"zeros": 0.1001}, ()),
        ({"zeros": 0.8}, ("zeros",)),
        ({"bits": 4, "palette": 16, "zeros": 0.5}, ("bits", "palette", "zeros")),
    ],
)
def test_every_aspect_is_compared(asked: dict[str, Any], unmet: tuple[str, ...]) -> None:
    assert dataclasses.replace(INT8, **asked).unmet_by(STORED, 1000) == unmet


def test_a_zero_point_breaks_symmetry() -> None:
    assert INT8.unmet_by(dataclasses.replace(STORED, symmetric=False), 9) == ("symmetric",)
    assert dataclasses.replace(INT8, symmetric=False).unmet_by(STORED, 9) == ()


def test_the_share_as_asked_counts_weights() -> None:
    kernels = (KernelFormat("a", "a/k", 300, STORED), KernelFormat("b", "b/k", 100, FLOAT32, ("bits",)))
    assert WeightsRecord(INT8, kernels).share_as_asked == 0.75
    assert WeightsRecord(INT8).share_as_asked == 1.0


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (FLOAT32, "float32"),
        (FLOAT16, "float16"),
        (INT8, "8-bit integers, a scale a channel"),
        (INT8.per_tensor(), "8-bit integers, one scale"),
        (dataclasses.replace(INT8, bits=4, symmetric=False), "4-bit integers, a scale a channel, asymmetric"),
    ],
)
def test_words(weights: WeightFormat, words: str) -> None:
    assert weights.describe() == words
