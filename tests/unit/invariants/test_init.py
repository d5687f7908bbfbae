"""A record gives back the invariant that it is about."""

from __future__ import annotations

import pytest

from edgetool.invariants import Invariant, Measured, NOfM, Nonzero, NumClusters, Sparsity, from_record


@pytest.mark.parametrize(
    "invariant", [Sparsity("a", 0.8, ()), NumClusters("a", 32, ()), NOfM("a", 2, 4, ()), Nonzero("a", ())]
)
def test_every_kind_comes_back(invariant: Invariant) -> None:
    assert from_record(invariant.record(Measured(1.0, holds=True))) == invariant
