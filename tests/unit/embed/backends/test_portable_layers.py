"""What a bundle says of its portable layers: which, how many multiplications, why."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.backends.portable_layers import kernel_choice, num_macs
from edgetool.embed.program import Fields, Program, Step

WINDOW: Fields = {
    "in_h": 5,
    "in_w": 5,
    "in_c": 2,
    "out_h": 4,
    "out_w": 3,
    "out_c": 6,
    "kernel_h": 2,
    "kernel_w": 3,
    "dilation_h": 1,
    "dilation_w": 1,
}


@pytest.mark.parametrize(
    ("kernel", "fields", "macs"),
    [
        ("conv_s8_mve", WINDOW, 4 * 3 * 6 * 2 * 3 * 2),
        ("conv_f32", {"window": WINDOW}, 4 * 3 * 6 * 2 * 3 * 2),
        ("conv_packed_add_s8_dsp", {"conv": {"conv": WINDOW}, "scales": {"zero_0": 1}}, 4 * 3 * 6 * 2 * 3 * 2),
        ("pointwise_conv_s8", {"num_pixels": 7, "in_c": 2, "out_c": 3}, 42),
        ("depthwise_rows_s8", WINDOW, 4 * 3 * 6 * 2 * 3),
        ("exact_depthwise_s8", {"layer": WINDOW, "num_apart": 2}, 4 * 3 * 2 * 2 * 3),
        ("exact_conv_add_s8", {"layer": {**WINDOW, "out_c": 1}, "num_apart": 1}, 4 * 3 * 2 * 3 * 2),
        ("transpose_conv_s8", {"shape": WINDOW}, 5 * 5 * 2 * 6 * 2 * 3),
        ("fully_connected_palette_s8", {"layer": {"num_rows": 2, "num_inputs": 3, "num_outputs": 5}}, 30),
        ("batch_matmul_s8", {"shape": {"num_batches": 2, "rows": 3, "depth": 4, "columns": 5}}, 120),
        ("lstm_s8", {"num_steps": 2, "num_inputs": 3, "num_cells": 5}, 4 * 2 * 5 * 8),
        ("softmax_s8", {"num_rows": 2}, 0),
    ],
)
def test_multiplications(kernel: str, fields: Fields, macs: int) -> None:
    assert num_macs(Step("a", kernel, ("x",), "y", fields)) == macs


def _program(*steps: Step) -> Program:
    return Program({}, steps, ("x",), ("y",), {}, "d")


def test_portable_layers_have_a_share_and_a_reason() -> None:
    fast = Step("fast", "conv_s8_dsp", ("x",), "a", WINDOW, backend="dsp")
    slow = Step("slow", "transpose_conv_s8", ("a",), "b", {"shape": {**WINDOW, "in_h": 2, "in_w": 3}})
    last = Step("last", "softmax_s8", ("b",), "y")
    moved = Step("moved", "copy_s8", ("b",), "y")
    found = kernel_choice(_program(fast, slow, last, moved), "armv7e-m")
    assert (found.family, found.num_layers, found.macs) == ("dsp", 2, 864 + 432)
    assert [layer.layer for layer in found.portable] == ["slow", "last"]
    assert found.portable[0].reason == "edgetool has no faster kernel for it" and found.portable[1].macs == 0
    assert found.portable[0].share == pytest.approx(1 / 3) and found.portable_share == pytest.approx(1 / 3)


def test_channels_apart_are_named_with_their_reason() -> None:
    fields: Fields = {
        **WINDOW,
        "out_c": 1,
        "weights": np.ones((1, 12), np.int8),
        "biases": np.zeros(1, np.int32),
        "shifts": np.array([3], np.int8),
    }
    exact = Step("a, channels apart", "exact_conv_s8", ("x",), "y", fields)
    (layer,) = kernel_choice(_program(exact), "native").portable
    assert layer.reason == "these channels shift left" and layer.share == 1.0
    joined = Step("a", "exact_conv_s8", ("x",), "y", {**fields, "shifts": np.array([-3], np.int8)})
    assert "-128" in kernel_choice(_program(joined), "armv7e-m").portable[0].reason


def test_a_target_without_kernels_has_portable_layers_alone() -> None:
    found = kernel_choice(_program(Step("a", "conv_s8", ("x",), "y", WINDOW)), "armv7-m")
    assert found.family == "portable" and found.portable_share == 1.0 and "alone" in found.portable[0].reason


def test_a_model_without_multiplications() -> None:
    found = kernel_choice(_program(Step("a", "softmax_s8", ("x",), "y")), "native")
    assert found.macs == 0 and found.portable_share == 0.0
