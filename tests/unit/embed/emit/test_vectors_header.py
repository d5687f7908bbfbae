from __future__ import annotations

import numpy as np

from edgetool.embed.emit.vectors_header import vectors_header
from edgetool.embed.oracle.vectors import Vectors


def test_integers_are_compared_bit_for_bit() -> None:
    vectors = Vectors((np.array([[1, -2], [3, 4]], np.int8),), (np.array([[5], [-6]], np.int8),))
    header = vectors_header(vectors, "LiteRT")
    assert "#define TEST_NUM_VECTORS 2" in header
    assert '#define TEST_RULE "bit for bit"' in header
    assert "test_input0[TEST_NUM_VECTORS][2]" in header and "test_output0[TEST_NUM_VECTORS][1]" in header
    assert "test_is_close" not in header


def test_floats_have_a_tolerance_of_their_largest_output() -> None:
    outputs = np.array([[2.0], [-8.0]], np.float32)
    header = vectors_header(Vectors((outputs,), (outputs,), limits=(0.25,)), "LiteRT")
    assert "#define TEST_OUTPUT0_TOLERANCE 2.0" in header
    assert "within 0.2 of the largest output" in header
    assert "test_is_close" in header


def test_infinite_outputs_do_not_widen_the_tolerance() -> None:
    outputs = np.array([[np.inf], [4.0]], np.float32)
    header = vectors_header(Vectors((outputs,), (outputs,), limits=(0.5,)), "LiteRT")
    assert "#define TEST_OUTPUT0_TOLERANCE 2.0" in header
