"""Options of custom operators: numbers of a map, and nothing of other bytes."""

from __future__ import annotations

import numpy as np
import pytest
from flatbuffers import flexbuffers

from edgetool.ir.tflite_custom import custom_options

OPTIONS = {"max_detections": 10, "y_scale": 2.5, "use_regular_nms": False, "name": "text", "more": {"a": 1}}


def test_numbers_are_taken_and_all_else_is_left() -> None:
    content = bytes(flexbuffers.Dumps(OPTIONS))
    assert custom_options(content) == {"max_detections": 10, "y_scale": 2.5, "use_regular_nms": 0}


@pytest.mark.parametrize("content", [b"", b"\x01", b"\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", b"\xff" * 99])
def test_other_bytes_have_no_options(content: bytes) -> None:
    assert custom_options(content) == {}


def test_damaged_maps_raise_nothing() -> None:
    content = bytes(flexbuffers.Dumps(OPTIONS))
    random = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(content)
        for place in random.integers(len(damaged), size=3):
            damaged[place] = random.integers(256)
        assert isinstance(custom_options(bytes(damaged)), dict)
