"""Kernels for cores with the DSP extension: when they are taken, and how weights lie for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.backends.cortex_m import DSP, MVE, join_pairs, patch_bytes, split_pairs
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Graph, Quantization


@pytest.fixture
def program(conv_graph: Callable[..., Graph]) -> Program:
    return lower_graph(conv_graph(), Context(digest="d"))


def test_other_cores_keep_portable_kernels(program: Program) -> None:
    assert specialise(program, Context(isa="")) is program and specialise(program, Context(isa="x86_64")) is program


def test_filters_lie_in_pairs_column_by_column(program: Program) -> None:
    (before,), (step,) = program.steps, specialise(program, Context(isa="armv7e-m")).steps
    rows, words, biases = before.fields["weights"], step.fields["weights"], step.fields["biases"]
    assert isinstance(rows, np.ndarray) and isinstance(words, np.ndarray) and isinstance(biases, np.ndarray)
    # Three columns of 6 values of a patch, moving on by one.
    assert step.kernel == "conv_s8_dsp" and step.scratch_bytes == 2 * (6 + 20) and step.has_scratch
    assert words.dtype == np.uint32 and words.shape == (2, 5, 2)  # 3 filters of 18 weights, filled up to 4 of 20
    pairs = split_pairs(words).reshape(2, 20, 2).transpose(0, 2, 1).reshape(4, 20)
    by_column = rows.reshape(3, 3, 3, 2).transpose(0, 2, 1, 3).reshape(3, 18)
    np.testing.assert_array_equal(pairs[:3, :18], by_column)
    assert not pairs[3].any() and not pairs[:, 18:].any()
    np.testing.assert_array_equal(biases[:3], 2 * np.asarray(before.fields["biases"]))
    rights = step.fields["shifts"]
    assert isinstance(rights, np.ndarray) and (rights >= 1).all() and len(rights) == len(biases) == 4


def test_pixels_of_four_channels_are_widened_by_sxtb16() -> None:
    step = _conv(in_c=4, weights=np.arange(4, dtype=np.int8).reshape(1, 4))
    (made,) = specialise(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(isa="armv7e-m")).steps
    weights = made.fields["weights"]
    assert isinstance(weights, np.ndarray) and split_pairs(weights).reshape(4, 2)[:, 0].tolist() == [0, 2, 1, 3]


def test_columns_of_an_odd_size_are_filled_up_for_words() -> None:
    rows = np.arange(1, 10, dtype=np.int8).reshape(1, 9)
    step = _conv(in_c=1, weights=rows, kernel_h=3, kernel_w=3, pad_top=1, pad_left=1)
    (made,) = specialise(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(isa="armv7e-m")).steps
    weights = made.fields["weights"]
    assert isinstance(weights, np.ndarray)
    assert split_pairs(weights).reshape(12, 2)[:, 0].tolist() == [1, 4, 7, 0, 2, 5, 8, 0, 3, 6, 9, 0]


def test_pairs_are_joined_and_split_again() -> None:
    values = np.array([-127, -1, 0, 1, 127], np.int8)
    pairs = np.stack(np.meshgrid(values, values), axis=-1).reshape(-1, 2)
    joined = join_pairs(pairs)
    assert joined.dtype == np.int16 and joined[0] == -127 * 257
    np.testing.assert_array_equal(split_pairs(joined).reshape(-1, 2), pairs)
    np.testing.assert_array_equal(joined.view(np.int8)[::2], pairs[:, 0])  # what SXTB16 takes out
    lowest = np.array([[1, -128]], np.int8)
    np.testing.assert_array_equal(split_pairs(join_pairs(lowest)).reshape(-1, 2), lowest)
    least, most = (joined.min(), joined.max())
    assert 512 * 128 * max(abs(int(least)), int(most)) < 1 << 31  # no sum overflows


def test_patches_share_columns() -> None:
    fields = _conv(in_c=16, weights=np.ones((1, 144), np.int8), kernel_h=3, kernel_w=3).fields
    dsp, mve = DSP.core, MVE.core
    assert patch_bytes(fields, dsp) == 2 * (48 + 144) and patch_bytes(fields, mve) == 48 + 144
    assert patch_bytes({**fields, "stride_w": 2}, mve) == 96 + 144
    assert patch_bytes({**fields, "dilation_w": 2}, mve) == 144 + 144  # nothing is shared
    assert patch_bytes({**fields, "in_c": 3}, mve, is_apart=True) == 2 * 32


def test_single_pixels_become_an_image_of_one_row_and_work_in_place(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph(1)
    (step,) = specialise(lower_graph(graph, Context(digest="d")), Context(isa="armv7e-m")).steps
    assert step.kernel == "conv_s8_dsp" and step.fields["out_w"] == 16 and step.fields["out_h"] == 1
    assert step.overwrites == ()  # a pixel grows from two channels to three
    pixels = {**step.fields}
    assert "num_pixels" not in pixels


@pytest.mark.parametrize(("isa", "kernel"), [("armv7e-m", "conv_add_s8_dsp"), ("armv8.1-m.main", "conv_add_s8_mve")])
def test_an_addition_stays_with_its_convolution(residual_graph: Graph, isa: str, kernel: str) -> None:
    wide = dataclasses.replace(residual_graph.tensors["b"], quantization=Quantization((8.0,), (0,)))
    program = lower_graph(
        dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "b": wide}), Context(digest="d")
    )
    assert program.steps[1].kernel == "pointwise_add_s8"
    step = specialise(program, Context(isa=isa)).steps[1]
    conv = step.fields["conv"]
    assert step.kernel == kernel and isinstance(conv, dict) and conv["out_w"] == 16 and step.overwrites == (1,)


@pytest.mark.parametrize(
    ("changes", "kernel"),
    [
        ({}, "add_s8_mve"),
        ({"shift_0": 0, "multiplier_0": 1 << 30}, "add_s8_mve"),
        ({"shift_0": 0}, "add_s8"),  # no half
        ({"shift_1": 1}, "add_s8"),
        ({"out_shift": 0}, "add_s8"),
    ],
)
def test_an_addition_shifts_right(changes: dict[str, int], kernel: str) -> None:
    scales = {"multiplier_0": 1 << 30, "shift_0": -1, "multiplier_1": 1 << 30, "shift_1": -1, "out_shift": -1}
    scales = {**scales, "multiplier_0": (1 << 30) + 5, **changes}
    step = Step("a", "add_s8", ("x", "y"), "z", {"scales": {**scales}})
    (made,) = specialise(Program({}, (step,), ("x", "y"), ("z",), {}, "d"), Context(isa="armv8.1-m.main")).steps
    assert made.kernel == kernel


def test_helium_reads_four_channels_and_sixteen_weights(program: Program) -> None:
    (step,) = specialise(program, Context(isa="armv8.1-m.main")).steps
    weights, biases, rights = (step.fields[name] for name in ("weights", "biases", "shifts"))
    assert isinstance(weights, np.ndarray) and isinstance(biases, np.ndarray) and isinstance(rights, np.ndarray)
    assert step.kernel == "conv_s8_mve" and weights.shape == (1, 2, 4, 16) and weights.dtype == np.int8
    assert len(biases) == len(rights) == 4 and biases[3] == biases[2] and step.scratch_bytes == 6 + 32


def _conv(*, in_c: int, weights: Array, **changes: int) -> Step:
    sizes = {
        "in_h": 4,
        "in_w": 4,
        "in_c": in_c,
        "out_h": 4,
        "out_w": 4,
        "out_c": len(weights),
        "kernel_h": 1,
        "kernel_w": 1,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": 0,
        "pad_left": 0,
    }
    scales = {"biases": np.zeros(len(weights), np.int32), "multipliers": np.full(len(weights), 1 << 30, np.int32)}
    arrays = {"weights": weights, "shifts": np.full(len(weights), -3, np.int8), **scales}
    return Step("c", "conv_s8", ("x",), "y", {**sizes, **changes, **arrays}, has_scratch=True)


def _depthwise(**changes: int) -> Step:
    sizes = {
        "in_h": 5,
        "in_w": 6,
        "in_c": 4,
        "out_h": 5,
        "out_w": 6,
        "out_c": 4,
        "kernel_h": 3,
        "kernel_w": 3,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": 1,
        "pad_left": 1,
    }
    arrays = {
        "weights": np.ones((9, 4), np.int8),
        "biases": np.zeros(4, np.int32),
        "multipliers": np.ones(4, np.int32),
        "shifts": np.full(4, -3, np.int8),
    }
    return Step("d", "depthwise_conv_s8", ("x",), "y", {**sizes, **changes, **arrays}, has_scratch=True)


@pytest.mark.parametrize(
    ("changes", "kernel", "overwrites"),
    [
        ({}, "depthwise_rows_s8", (0,)),
        ({"stride_h": 2, "stride_w": 2, "out_h": 3, "out_w": 3}, "depthwise_rows_s8", ()),
        ({"dilation_h": 2}, "depthwise_spread_s8", (0,)),
        ({"out_c": 8}, "depthwise_spread_s8", ()),
    ],
)
def test_depthwise_rows(changes: dict[str, int], kernel: str, overwrites: tuple[int, ...]) -> None:
    program = Program({}, (_depthwise(**changes),), ("x",), ("y",), {}, "d")
    (step,) = specialise(program, Context(isa="armv7e-m")).steps
    assert (step.kernel, step.overwrites) == (kernel, overwrites)
    (helium,) = specialise(program, Context(isa="armv8.1-m.main")).steps
    assert helium.kernel == f"{kernel}_mve" and helium.overwrites == overwrites
    if kernel == "depthwise_rows_s8":
        width = 8 if overwrites else 7  # of the padded rows
        assert step.scratch_bytes == 3 * (width * 4 + 8)


def test_channels_that_are_no_fours_are_filled_up() -> None:
    fields = {"weights": np.arange(54, dtype=np.int8).reshape(9, 6), "shifts": np.full(6, -3, np.int8)}
    step = _depthwise(in_c=6, out_c=6)
    scales = {name: np.arange(6, dtype=np.int32) for name in ("biases", "multipliers")}
    step = dataclasses.replace(step, fields={**step.fields, **fields, **scales})
    (made,) = specialise(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(isa="armv7e-m")).steps
    weights, biases = np.asarray(made.fields["weights"]), np.asarray(made.fields["biases"])
    assert made.kernel == "depthwise_spread_s8" and weights.shape == (2, 9, 4) and made.fields["out_c"] == 6
    assert weights[1, 0].tolist() == [4, 5, 0, 0] and biases.tolist() == [0, 1, 2, 3, 4, 5, 5, 5]
    assert made.scratch_bytes == 3 * (8 * 8 + 8) + 8, "a ring of eight channels, and a pixel"


@pytest.mark.parametrize(("shift", "kernel"), [(-2, "fully_connected_s8_dsp"), (-1, "fully_connected_s8")])
def test_rows_of_fully_connected_layers_lie_in_fours(shift: int, kernel: str) -> None:
    weights = np.arange(15, dtype=np.int8).reshape(3, 5)
    fields = {"num_inputs": 5, "weights": weights, "shifts": np.array([shift], np.int8)}
    program = Program({}, (Step("f", "fully_connected_s8", ("x",), "y", {**fields}),), ("x",), ("y",), {}, "d")
    (step,) = specialise(program, Context(isa="armv7e-m")).steps
    assert step.kernel == kernel
    if kernel.endswith("dsp"):
        words, rights = step.fields["weights"], step.fields["shifts"]
        assert isinstance(words, np.ndarray) and isinstance(rights, np.ndarray)
        assert words.shape == (1, 2, 4) and rights[0] == 1 and step.scratch_bytes == 8
        pairs = split_pairs(words).reshape(2, 2, 4, 2)  # fours of inputs, pairs of outputs
        assert pairs[0, 0, :, 1].tolist() == [5, 7, 6, 8] and pairs[1, 1, :, 0].tolist() == [14, 0, 0, 0]


def test_helium_takes_sixteen_channels_of_a_depthwise_convolution_in_the_order_of_widening() -> None:
    step = _depthwise(in_c=18, out_c=18)
    weights = np.tile(np.arange(18, dtype=np.int8), (9, 1))
    scales = {name: np.arange(18, dtype=np.int32) for name in ("biases", "multipliers")}
    step = dataclasses.replace(step, fields={**step.fields, **scales, "weights": weights, "shifts": -1 - np.arange(18)})
    program = Program({}, (step,), ("x",), ("y",), {}, "d")
    (made,) = specialise(program, Context(isa="armv8.1-m.main")).steps
    found, rights = made.fields["weights"], made.fields["shifts"]
    assert isinstance(found, np.ndarray) and isinstance(rights, np.ndarray)
    assert made.kernel == "depthwise_rows_s8_mve" and found.shape == (2, 9, 16)
    assert found[0, 3].tolist() == list(range(16)) and found[1, 0].tolist() == [16, 17] + [0] * 14
    assert rights[:16].tolist() == [1, 5, 9, 13, 3, 7, 11, 15, 2, 6, 10, 14, 4, 8, 12, 16]
    assert np.asarray(made.fields["biases"])[16:].tolist() == [16, 17, 17, 17] + [17] * 12
    assert made.scratch_bytes == 3 * (8 * 18 + 8) + 14


@pytest.mark.parametrize("isa", ["armv7e-m", "armv8.1-m.main"])
def test_rows_of_an_lstm_lie_in_fours(isa: str) -> None:
    weights = np.arange(-128, -108, dtype=np.int8).reshape(4, 5)
    weights[1, 2] = -128
    fields = {"input_weights": weights, "recurrent_weights": np.ones((4, 1), np.int8), "num_cells": 1}
    step = Step("l", "lstm_s8", ("x",), "y", {**fields}, has_scratch=True)
    (made,) = specialise(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(isa=isa)).steps
    layer = made.fields["layer"] if isa == "armv7e-m" else made.fields
    assert isinstance(layer, dict)
    rows = np.asarray(layer["input_weights"])
    chunk = (DSP if isa in DSP.isas else MVE).core.chunk
    assert rows.nbytes == (4 * 8 if chunk == 4 else 4 * 16)
    assert made.scratch_bytes == 16 + 10 + (8 if chunk == 4 else 16)
    if isa == "armv7e-m":
        assert np.asarray(made.fields["input_rests"]).tolist() == [[1, 2]] and made.fields["num_input_rests"] == 1
        assert made.fields["num_recurrent_rests"] == 0
        pairs = split_pairs(rows).reshape(2, 2, 4, 2)  # fours of inputs, pairs of rows
        assert pairs[0, 0, :, 1].tolist() == [-123, -127, -122, -120], "the second and the third change places"
