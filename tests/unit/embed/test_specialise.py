"""Kernels for cores with the DSP extension: when they are taken, and how weights lie for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.embed.lower import lower_graph
from edgetool.embed.program import Program, Step
from edgetool.embed.specialise import specialise
from edgetool.ir.graph import Graph, Quantization


@pytest.fixture
def program(conv_graph: Callable[..., Graph]) -> Program:
    return lower_graph(conv_graph(), digest="d")


def test_other_cores_keep_portable_kernels(program: Program) -> None:
    assert specialise(program, "") is program and specialise(program, "x86_64") is program


def test_filters_lie_in_pairs_of_words(program: Program) -> None:
    (before,), (step,) = program.steps, specialise(program, "armv7e-m").steps
    rows, words = before.fields["weights"], step.fields["weights"]
    assert isinstance(rows, np.ndarray) and isinstance(words, np.ndarray)
    assert step.kernel == "conv_s8_dsp" and step.scratch_bytes == 5 * 20 and step.has_scratch
    assert words.dtype == np.uint32 and words.shape == (2, 5, 2)  # 3 filters of 18 weights, filled up to 4 of 20
    unpacked = words.view(np.int8).reshape(2, 5, 2, 4).transpose(0, 2, 1, 3).reshape(4, 20)
    np.testing.assert_array_equal(unpacked[:3, :18], rows)
    assert not unpacked[3].any() and not unpacked[:, 18:].any()
    rights = step.fields["shifts"]
    assert isinstance(rights, np.ndarray) and (rights >= 1).all()


def test_single_pixels_become_an_image_of_one_row_and_work_in_place(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph(1)
    (step,) = specialise(lower_graph(graph, digest="d"), "armv7e-m").steps
    assert step.kernel == "conv_s8_dsp" and step.fields["out_w"] == 16 and step.fields["out_h"] == 1
    assert step.overwrites == ()  # a pixel grows from two channels to three
    pixels = {**step.fields}
    assert "num_pixels" not in pixels


def test_channels_that_shift_left_stay_portable(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    small = dataclasses.replace(graph.tensors["y"], quantization=Quantization((0.01,), (5,)))
    graph = dataclasses.replace(graph, tensors={**graph.tensors, "y": small})
    assert [step.kernel for step in specialise(lower_graph(graph, digest="d"), "armv7e-m").steps] == ["conv_s8"]


@pytest.mark.parametrize(("isa", "kernel"), [("armv7e-m", "conv_add_s8_dsp"), ("armv8.1-m.main", "conv_add_s8_mve")])
def test_an_addition_stays_with_its_convolution(residual_graph: Graph, isa: str, kernel: str) -> None:
    wide = dataclasses.replace(residual_graph.tensors["b"], quantization=Quantization((8.0,), (0,)))
    program = lower_graph(
        dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "b": wide}), digest="d"
    )
    assert program.steps[1].kernel == "pointwise_add_s8"
    step = specialise(program, isa).steps[1]
    conv = step.fields["conv"]
    assert step.kernel == kernel and isinstance(conv, dict) and conv["out_w"] == 16 and step.overwrites == (1,)


def test_helium_reads_four_channels_and_sixteen_weights(program: Program) -> None:
    (step,) = specialise(program, "armv8.1-m.main").steps
    weights, biases, rights = (step.fields[name] for name in ("weights", "biases", "shifts"))
    assert isinstance(weights, np.ndarray) and isinstance(biases, np.ndarray) and isinstance(rights, np.ndarray)
    assert step.kernel == "conv_s8_mve" and weights.shape == (1, 2, 4, 16) and weights.dtype == np.int8
    assert len(biases) == len(rights) == 4 and biases[3] == biases[2] and step.scratch_bytes == 2 * 32


def _depthwise(**changes: int) -> Step:
    sizes = {
        "in_h": 5, "in_w": 6, "in_c": 4, "out_h": 5, "out_w": 6, "out_c": 4, "kernel_h": 3, "kernel_w": 3,
        "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "pad_top": 1, "pad_left": 1,
    }  # fmt: skip
    arrays = {
        "weights": np.ones((9, 4), np.int8), "biases": np.zeros(4, np.int32), "multipliers": np.ones(4, np.int32),
        "shifts": np.full(4, -3, np.int8),
    }  # fmt: skip
    return Step("d", "depthwise_conv_s8", ("x",), "y", {**sizes, **changes, **arrays}, has_scratch=True)


@pytest.mark.parametrize(
    ("changes", "kernel", "overwrites"),
    [
        ({}, "depthwise_rows_s8", (0,)),
        ({"stride_h": 2, "stride_w": 2, "out_h": 3, "out_w": 3}, "depthwise_rows_s8", ()),
        ({"dilation_h": 2}, "depthwise_conv_s8", ()),
        ({"out_c": 8}, "depthwise_conv_s8", ()),
    ],
)
def test_depthwise_rows(changes: dict[str, int], kernel: str, overwrites: tuple[int, ...]) -> None:
    program = Program({}, (_depthwise(**changes),), ("x",), ("y",), {}, "d")
    (step,) = specialise(program, "armv7e-m").steps
    assert (step.kernel, step.overwrites) == (kernel, overwrites)
    if kernel == "depthwise_rows_s8":
        width = 8 if overwrites else 7  # of the padded rows
        assert step.scratch_bytes == 3 * (width * 4 + 8)


@pytest.mark.parametrize(("shift", "kernel"), [(-2, "fully_connected_s8_dsp"), (-1, "fully_connected_s8")])
def test_rows_of_fully_connected_layers_lie_in_fours(shift: int, kernel: str) -> None:
    arrays = {"weights": np.arange(15, dtype=np.int8).reshape(3, 5), "shifts": np.array([shift], np.int8)}
    program = Program({}, (Step("f", "fully_connected_s8", ("x",), "y", {**arrays}),), ("x",), ("y",), {}, "d")
    (step,) = specialise(program, "armv7e-m").steps
    assert step.kernel == kernel
    if kernel.endswith("dsp"):
        words, rights = step.fields["weights"], step.fields["shifts"]
        assert isinstance(words, np.ndarray) and isinstance(rights, np.ndarray)
        assert words.shape == (1, 2, 4) and rights.tolist() == [1] and step.scratch_bytes == 8
        assert words.view(np.int8).reshape(2, 4, 4)[0, 1].tolist() == [5, 6, 7, 8]
