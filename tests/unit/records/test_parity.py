"""Limits are figures, and words are made of them."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.records import ParityRecord, Tolerance

TOLERANCE = Tolerance(min_sqnr_db=10.0, min_agreement=0.9, min_sqnr_db_without_classes=12.0)
RECORD = ParityRecord("a", "b", "quantized", "val", 9, 0.1, 0.2, (20.0,), 0.95, TOLERANCE, True)


@pytest.mark.parametrize(
    ("agreement", "words"), [(0.95, "SQNR >= 10 dB, top-1 agreement >= 0.9"), (None, "SQNR >= 12 dB")]
)
def test_the_words_are_of_the_limits_that_held(agreement: float | None, words: str) -> None:
    assert dataclasses.replace(RECORD, top1_agreement=agreement).limits == words


def test_without_limits_it_says_so() -> None:
    assert dataclasses.replace(RECORD, tolerance=Tolerance()).limits == "none"
