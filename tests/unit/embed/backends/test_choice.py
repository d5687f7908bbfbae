"""Which kernels a layer can have, and which of its channels cannot: the table of limits, limit by limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.backends.base import Backend
from edgetool.embed.backends.choice import BACKENDS, backend_for, layer_limit, unfit_channels, why_portable
from edgetool.embed.backends.cortex_m import DSP, MVE
from edgetool.embed.backends.portable import PORTABLE
from edgetool.embed.backends.simd import SIMD
from edgetool.embed.program import Fields, Step


def _conv(weights: Array, **changes: Any) -> Fields:
    size = len(weights)
    return {
        "num_pixels": 4,
        "in_c": weights.shape[1],
        "out_c": size,
        "weights": weights.astype(np.int8),
        "biases": np.zeros(size, np.int32),
        "shifts": np.full(size, -5, np.int8),
        **changes,
    }


def _depthwise(**changes: Any) -> Fields:
    return {
        "in_c": 4,
        "out_c": 4,
        "kernel_h": 3,
        "kernel_w": 3,
        "dilation_h": 1,
        "dilation_w": 1,
        "weights": np.ones((9, 4), np.int8),
        "biases": np.zeros(4, np.int32),
        "shifts": np.full(4, -5, np.int8),
        **changes,
    }


def _sum(**changes: int) -> Fields:
    scales = {"multiplier_0": 1 << 30, "shift_0": 0, "multiplier_1": 5, "shift_1": -1, "out_shift": -1}
    return {"scales": {**scales, **changes}}


def test_every_instruction_set_has_one_backend() -> None:
    isas = [isa for backend in BACKENDS for isa in backend.isas]
    assert len(isas) == len(set(isas)) and all(isas)
    assert backend_for("armv7e-m") is DSP and backend_for("aarch64") is SIMD
    assert backend_for("armv7-m") is backend_for("") is PORTABLE


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_limits_complete_a_sentence_and_are_of_kernels_that_the_backend_has(backend: Backend) -> None:
    limits = [*backend.layer_limits, *backend.channel_limits]
    assert all(limit.reason and limit.reason[-1] not in ".!" for limit in limits)
    if backend is not PORTABLE:
        channels = {kernel for limit in backend.channel_limits for kernel in limit.kernels}
        assert channels <= {*backend.kernels}


@pytest.mark.parametrize(
    ("kernel", "fields", "families"),
    [
        ("depthwise_conv_s8", _depthwise(), []),
        ("depthwise_conv_s8", _depthwise(dilation_h=2), []),
        ("fully_connected_s8", {"shifts": np.array([-1], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"shifts": np.array([-1, -5], np.int8)}, []),
        ("conv_add_s8", _sum(), []),
        ("conv_add_s8", _sum(out_shift=1), ["dsp", "mve", "simd"]),
        ("conv_add_s8", _sum(shift_1=0), ["dsp", "mve"]),
        ("softmax_s8", {}, ["dsp", "mve", "simd"]),
    ],
)
def test_limits_of_layers(kernel: str, fields: Fields, families: list[str]) -> None:
    step = Step("a", kernel, ("x",), "y", fields)
    assert [backend.name for backend in (DSP, MVE, SIMD) if layer_limit(step, backend)] == families
    assert "alone" in layer_limit(step, PORTABLE)


@pytest.mark.parametrize(
    ("kernel", "changes", "families"),
    [
        ("pointwise_conv_s8", {}, []),
        ("pointwise_conv_s8", {"biases": np.array([0, 0, 1 << 30], np.int32)}, ["dsp", "mve", "simd", "portable"]),
        ("pointwise_conv_s8", {"shifts": np.array([-1, -1, 0], np.int8)}, ["dsp", "mve"]),
        ("pointwise_conv_s8", {"shifts": np.array([-1, -1, 2], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"num_inputs": 4, "shifts": np.array([-2, -2, -1], np.int8)}, ["dsp", "mve", "simd"]),
        ("fully_connected_s8", {"num_inputs": 4, "biases": np.array([0, 0, 1 << 30], np.int32)}, ["simd"]),
    ],
)
def test_limits_of_channels(kernel: str, changes: dict[str, Any], families: list[str]) -> None:
    fields = _conv(np.ones((3, 4)), **changes)
    for backend in BACKENDS:
        masks = unfit_channels(kernel, fields, backend)
        assert [mask.tolist() for mask in masks.values()] == [[False, False, True]] * (backend.name in families)


def test_channels_that_wrap_around_are_not_for_portable_c() -> None:
    fields = _conv(np.ones((2, 4)), shifts=np.array([9, 24], np.int8))
    (mask,) = unfit_channels("pointwise_conv_s8", fields, PORTABLE).values()
    assert mask.tolist() == [False, True]


def test_second_weights_of_minus_128_beside_negative_ones() -> None:
    weights = np.array([[-1, 5], [-128, 5], [1, 5], [-128, 5], [-128, 5]])
    (mask,) = unfit_channels("pointwise_conv_s8", _conv(weights), DSP).values()
    assert mask.tolist() == [False, True, False, False, False]
    assert not unfit_channels("pointwise_conv_s8", _conv(weights), MVE)


def test_neighbouring_taps_of_minus_128() -> None:
    weights = np.ones((3, 3, 4), np.int8)
    weights[0, 0, 1] = weights[0, 1, 1] = -128
    weights[0, 1, 2] = weights[0, 2, 2] = -128  # of two pairs
    weights[0, 2, 3] = weights[1, 0, 3] = -128  # of two rows
    (mask,) = unfit_channels("depthwise_conv_s8", _depthwise(weights=weights.reshape(9, 4)), MVE).values()
    assert mask.tolist() == [False, True, False, False]


def test_a_reason_counts_channels() -> None:
    step = Step("a", "pointwise_conv_s8", ("x",), "y", _conv(np.ones((3, 4)), shifts=np.array([-1, 1, 1], np.int8)))
    assert why_portable(step, SIMD) == "2 of its 3 channels shift left"
    assert why_portable(step, DSP) == "2 of its 3 channels do not shift right"
