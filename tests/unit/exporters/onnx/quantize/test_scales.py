from __future__ import annotations

import numpy as np
import pytest

from edgetool.exporters.onnx.quantize.scales import channel_scales, largest_pair, stack_scale


def test_scale_of_a_lone_large_weight_uses_all_steps() -> None:
    kernel = np.zeros((1, 4, 3, 3), np.float32)
    kernel[0, 1, 1, 1] = 2.54
    assert channel_scales(kernel, 0, per_channel=True, exact_pairs=True) == pytest.approx([0.02])


def test_scale_of_two_large_neighbours_leaves_room_for_their_sum() -> None:
    kernel = np.zeros((1, 4, 1, 1), np.float32)
    kernel[0, 1:3] = 1.27
    assert channel_scales(kernel, 0, per_channel=True, exact_pairs=False) == pytest.approx([0.01])
    assert channel_scales(kernel, 0, per_channel=True, exact_pairs=True) == pytest.approx([0.02])


def test_neighbours_of_opposite_sign_cancel() -> None:
    assert largest_pair(np.array([1.0, -1.0, 1.0], np.float32)) == 0.0
    assert largest_pair(np.array([5.0], np.float32)) == 0.0


def test_neighbours_are_input_channels_of_one_position() -> None:
    channel = np.zeros((2, 2), np.float32)  # [I, W]
    channel[:, 1] = 3.0
    assert largest_pair(channel) == 6.0
    assert largest_pair(channel.T) == 3.0


@pytest.mark.parametrize("seed", range(5))
def test_rounded_pairs_never_saturate(seed: int) -> None:
    kernel = np.random.default_rng(seed).standard_t(3, (8, 5, 3, 3)).astype(np.float32)
    scales = channel_scales(kernel, 0, per_channel=True, exact_pairs=True)
    stored = np.rint(kernel / scales[:, None, None, None])
    assert np.abs(stored).max() <= 127
    assert max(largest_pair(channel) for channel in stored) * 255 <= 32767


def test_one_scale_covers_all_channels_and_zeros_have_a_scale() -> None:
    kernel = np.array([[1.27, 0.0], [0.0, 0.0]], np.float32)
    assert channel_scales(kernel, 0, per_channel=False, exact_pairs=False) == pytest.approx([0.01])
    assert channel_scales(kernel, 0, per_channel=True, exact_pairs=True) == pytest.approx([0.01, 1.0])


def test_a_stack_pairs_the_rows_of_each_matrix() -> None:
    kernel = np.zeros((2, 4, 3), np.float32)
    kernel[1, :2, 0] = 1.0  # neighbours along the reduction axis of one column
    kernel[:, 3, 2] = 1.0  # the same place of two matrices: no neighbours
    assert stack_scale(kernel, exact_pairs=False).tolist() == pytest.approx([1 / 127])
    assert stack_scale(kernel, exact_pairs=True).tolist() == pytest.approx([2 / 127])
