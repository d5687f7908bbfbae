"""Padding of sliding windows."""

from __future__ import annotations

from edgetool.embed.ops.window import window_of


def test_same_padding_puts_the_odd_row_behind() -> None:
    options = {"stride_h": 2, "stride_w": 2, "padding": "SAME"}
    window = window_of(options, (3, 3), (32, 31), (16, 16))
    assert (window.pad_top, window.pad_left) == (0, 1)
    assert window.fields()["kernel_h"] == 3 and window.fields()["dilation_w"] == 1


def test_valid_has_none_and_dilation_widens() -> None:
    options = {"stride_h": 1, "stride_w": 1, "padding": "VALID", "dilation_h_factor": 2, "dilation_w_factor": 2}
    assert window_of(options, (3, 3), (8, 8), (4, 4)).pad_top == 0
    assert window_of({**options, "padding": "SAME"}, (3, 3), (8, 8), (8, 8)).pad_top == 2
