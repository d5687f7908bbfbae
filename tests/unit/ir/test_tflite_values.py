"""Buffers of TFLite tensors."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.errors import FileFormatError
from edgetool.ir.tflite_values import decode_dense


def raw(values: object, dtype: str) -> np.ndarray:
    return np.frombuffer(np.asarray(values, dtype).tobytes(), np.uint8)


def test_plain_types() -> None:
    np.testing.assert_array_equal(decode_dense(raw([1.5, -2.0], "f4"), "float32", (2,), "w"), [1.5, -2.0])
    np.testing.assert_array_equal(decode_dense(raw([[1], [-1]], "i1"), "int8", (2, 1), "w"), [[1], [-1]])


def test_packed_integers_are_low_nibble_first() -> None:
    packed = np.array([0x21, 0x0F], np.uint8)
    np.testing.assert_array_equal(decode_dense(packed, "int4", (3,), "w"), [1, 2, -1])


def test_bfloat16_is_the_upper_half_of_float32() -> None:
    np.testing.assert_array_equal(decode_dense(raw([0x3F80, 0xC000], "u2"), "bfloat16", (2,), "w"), [1.0, -2.0])


@pytest.mark.parametrize(("dtype", "count"), [("float32", 7), ("int4", 3)])
def test_too_few_bytes(dtype: str, count: int) -> None:
    with pytest.raises(FileFormatError, match="w"):
        decode_dense(np.zeros(count, np.uint8), dtype, (2, 4), "w")
