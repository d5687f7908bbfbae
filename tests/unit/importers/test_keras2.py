"""Configurations of layers that were trained in another precision."""

from __future__ import annotations

from edgetool.importers.keras2 import in_float32


def test_other_floats_become_float32_at_any_depth() -> None:
    policy = {"module": "keras.mixed_precision", "class_name": "Policy", "config": {"name": "mixed_float16"}}
    config = {"dtype": policy, "units": 3, "layer": {"config": {"dtype": "float64", "name": "inner"}}, "axes": [1, 2]}
    assert in_float32(config) == {
        "dtype": "float32",
        "units": 3,
        "layer": {"config": {"dtype": "float32", "name": "inner"}},
        "axes": [1, 2],
    }


def test_integers_and_float32_stay() -> None:
    for dtype in ("int32", "float32", None):
        assert in_float32({"dtype": dtype}) == {"dtype": dtype}
