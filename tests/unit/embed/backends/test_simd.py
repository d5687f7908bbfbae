"""Kernels for 64-bit processors: when they are taken, and how weights lie for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.embed.backends.layout import array, numbers
from edgetool.embed.backends.simd import SIMD, SIMD_ISAS
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Graph, Quantization
from edgetool.targets import find_target


def conv_step(graph: Graph) -> Step:
    (step,) = lower_graph(graph, Context(digest="d")).steps
    return step


def test_targets_of_64_bits_take_them(conv_graph: Callable[..., Graph]) -> None:
    program = lower_graph(conv_graph(), Context(digest="d"))
    for name in ("host", "raspberry-pi-4"):
        assert find_target(name).isa in SIMD_ISAS
        assert [step.kernel for step in specialise(program, Context(isa=find_target(name).isa)).steps] == [
            "conv_s8_simd"
        ]
    assert find_target("cortex-m3-qemu").isa not in SIMD_ISAS


def test_weights_lie_in_blocks_of_sixteen_channels(conv_graph: Callable[..., Graph]) -> None:
    before = conv_step(conv_graph())
    step = SIMD.replace(before)
    rows, blocks = array(before.fields, "weights"), array(step.fields, "weights")
    assert blocks.shape == (1, 3 * 2, 16, 4), "3 rows of 6 weights, filled up to 8"
    found = blocks[0].reshape(3, 2, 16, 4).transpose(2, 0, 1, 3).reshape(16, 3, 8)
    np.testing.assert_array_equal(found[:3, :, :6], rows.reshape(3, 3, 6))
    assert not found[3:].any() and not found[:, :, 6:].any()
    assert step.scratch_bytes == 4 * 3 + 2 * (3 * 6 * 2 + 7 * 2 + 16), "places, 3 rows of 6 pixels, and what is behind"


def test_dilated_rows_are_filled_up_for_each_pixel(conv_graph: Callable[..., Graph]) -> None:
    step = SIMD.replace(conv_step(conv_graph(dilation_w_factor=2)))
    assert array(step.fields, "weights").shape == (1, 9, 16, 4)


def test_channels_are_filled_up_and_biases_stand_twice(conv_graph: Callable[..., Graph]) -> None:
    before = conv_step(conv_graph())
    fields = SIMD.replace(before).fields
    biases, sums = array(fields, "biases"), array(before.fields, "weights").sum(axis=1, dtype=np.int64)
    assert len(biases) == 32 and len(array(fields, "multipliers")) == len(array(fields, "shifts")) == 16
    np.testing.assert_array_equal(biases[:3], array(before.fields, "biases"))
    np.testing.assert_array_equal(biases[16:19], biases[:3] - 128 * sums)
    np.testing.assert_array_equal(array(fields, "shifts")[:3], -array(before.fields, "shifts"))


def _pixels(count: int, in_c: int = 4, out_c: int = 4) -> Step:
    arrays = {
        "weights": np.ones((out_c, in_c), np.int8),
        "biases": np.zeros(out_c, np.int32),
        "multipliers": np.ones(out_c, np.int32),
        "shifts": np.full(out_c, -3, np.int8),
    }
    sizes = {"num_pixels": count, "in_c": in_c, "out_c": out_c, "out_zero": 0, "low": -128, "high": 127}
    return Step("p", "pointwise_conv_s8", ("x",), "y", {**sizes, **arrays})


@pytest.mark.parametrize(
    ("count", "shape"), [(1, [1, 1]), (125, [5, 25]), (64, [1, 64]), (1024, [16, 64]), (67, [1, 67])]
)
def test_single_pixels_lie_in_short_rows(count: int, shape: list[int]) -> None:
    fields = SIMD.replace(_pixels(count)).fields
    assert numbers(fields, "in_h", "in_w") == numbers(fields, "out_h", "out_w") == shape


@pytest.mark.parametrize(("out_c", "overwrites"), [(4, (0,)), (5, ())])
def test_single_pixels_that_do_not_grow_work_in_place(out_c: int, overwrites: tuple[int, ...]) -> None:
    assert SIMD.replace(_pixels(8, out_c=out_c)).overwrites == overwrites


def test_an_addition_stays_with_its_convolution(residual_graph: Graph) -> None:
    wide = dataclasses.replace(residual_graph.tensors["b"], quantization=Quantization((8.0,), (0,)))
    program = lower_graph(
        dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "b": wide}), Context(digest="d")
    )
    before, step = program.steps[1], SIMD.replace(program.steps[1])
    assert before.kernel == "pointwise_add_s8" and step.kernel == "conv_add_s8_simd" and step.overwrites == (1,)
    conv = step.fields["conv"]
    assert isinstance(conv, dict)
    assert step.scratch_bytes == 4 + 2 * (16 * 2 + 7 * 2 + 16) + 8 * 2, "a row, and eight pixels before the addition"


@pytest.mark.parametrize(("shift", "kernel"), [(0, "add_s8_simd"), (1, "add_s8")])
def test_additions(shift: int, kernel: str) -> None:
    scales = {"shift_0": 0, "shift_1": -1, "out_shift": shift}
    step = Step("a", "add_s8", ("x", "y"), "z", {"num_elements": 5, "scales": {**scales}})
    (made,) = specialise(Program({}, (step,), ("x", "y"), ("z",), {}, "d"), Context(isa="native")).steps
    assert made.kernel == kernel


def _depthwise(**changes: int) -> Step:
    sizes = {
        "in_h": 5,
        "in_w": 6,
        "in_c": 20,
        "out_h": 5,
        "out_w": 6,
        "out_c": 20,
        "kernel_h": 3,
        "kernel_w": 3,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": 1,
        "pad_left": 1,
    }
    sizes = {**sizes, **changes}
    out_c = sizes["out_c"]
    arrays = {
        "weights": np.arange(9 * out_c).astype(np.int8).reshape(9, out_c),
        "biases": np.zeros(out_c, np.int32),
        "multipliers": np.ones(out_c, np.int32),
        "shifts": np.full(out_c, -3, np.int8),
    }
    return Step("d", "depthwise_conv_s8", ("x",), "y", {**sizes, **arrays}, has_scratch=True)


@pytest.mark.parametrize(
    ("changes", "scratch", "overwrites"),
    [
        ({}, 3 * 8 * 20, (0,)),
        ({"stride_h": 2, "stride_w": 2, "out_h": 3, "out_w": 3}, 3 * 7 * 20, ()),
        ({"dilation_h": 2, "pad_top": 2}, 5 * 8 * 20, (0,)),
        ({"in_c": 10}, 3 * 8 * 20, ()),
    ],
)
def test_depthwise(changes: dict[str, int], scratch: int, overwrites: tuple[int, ...]) -> None:
    step = SIMD.replace(_depthwise(**changes))
    assert (step.kernel, step.overwrites) == ("depthwise_conv_s8_simd", overwrites)
    assert step.scratch_bytes == 2 * (scratch + 16)
    blocks = array(step.fields, "weights")
    assert blocks.shape == (2, 9, 16) and blocks[1, 2, 3] == np.int8(2 * 20 + 19) and not blocks[1, :, 4:].any()


def test_fully_connected_layers_keep_one_scale() -> None:
    fields = {
        "weights": np.arange(15, dtype=np.int8).reshape(3, 5),
        "biases": np.zeros(3, np.int32),
        "multipliers": np.array([7], np.int32),
        "shifts": np.array([-2], np.int8),
    }
    step = SIMD.replace(Step("f", "fully_connected_s8", ("x",), "y", {**fields}))
    assert step.kernel == "fully_connected_s8_simd"
    assert array(step.fields, "weights").shape == (1, 2, 16, 4) and step.scratch_bytes == 2 * 8
    assert array(step.fields, "multipliers").tolist() == [7] * 16
    assert array(step.fields, "shifts").tolist() == [1] * 16, "beyond 32"


def test_a_step_without_such_a_kernel_stays() -> None:
    step = Step("s", "softmax_s8", ("x",), "y")
    assert specialise(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(isa="native")).steps == (step,)
