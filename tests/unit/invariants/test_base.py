"""What a measurement becomes as a record."""

from __future__ import annotations

from edgetool.invariants import Measured, NOfM, Sparsity
from edgetool.records import FLOAT32, InvariantRecord


def test_a_measurement_becomes_a_record_with_its_tensor() -> None:
    record = Sparsity("dense", 0.8, (4, 2)).record(Measured(0.75, holds=False), "dense/MatMul")
    assert record == InvariantRecord("dense", "sparsity", 0.8, 0.75, False, "dense/MatMul")


def test_a_kernel_that_is_gone_did_not_pass() -> None:
    record = NOfM("dense", 2, 4, (4, 2)).record(None)
    assert record == InvariantRecord("dense", "n_of_m", 2.0, -1.0, False, "", 4)


def test_most_invariants_ask_nothing_of_a_format() -> None:
    assert NOfM("dense", 2, 4, (4, 2)).ask_of(FLOAT32) == FLOAT32
