"""Channels without readers leave a program, layer by layer."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from edgetool.embed.compiler.passes.dead_channels import drop_dead_channels
from edgetool.embed.program import Fields, Program, Step
from edgetool.ir.graph import Tensor

#: Channels of 8 that a layer behind reads.
READ = [0, 2, 3, 7]


def _scales(size: int) -> Fields:
    return {
        "biases": np.arange(size, dtype=np.int32),
        "multipliers": np.full(size, 1 << 30, np.int32),
        "shifts": -1 - np.arange(size, dtype=np.int8),
        "out_zero": 0,
        "low": -128,
        "high": 127,
    }


WINDOW: Fields = {
    "in_h": 4,
    "in_w": 4,
    "out_h": 4,
    "out_w": 4,
    "kernel_h": 3,
    "kernel_w": 3,
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h": 1,
    "dilation_w": 1,
    "pad_top": 1,
    "pad_left": 1,
    "in_zero": 0,
}


def _chain() -> Program:
    """A convolution, a depthwise one, a pooling and two layers that read half of the channels."""
    random = np.random.default_rng(0)
    first = random.integers(1, 100, (8, 18)).astype(np.int8)
    taps = random.integers(1, 100, (9, 8)).astype(np.int8)
    last = np.zeros((3, 4, 8), np.int8)
    last[:, :, READ] = random.integers(1, 100, (3, 4, 4))
    steps = (
        Step("a", "conv_s8", ("x",), "a", {**WINDOW, **_scales(8), "in_c": 2, "out_c": 8, "weights": first}, 18, True),
        Step("b", "depthwise_conv_s8", ("a",), "b", {**WINDOW, **_scales(8), "in_c": 8, "out_c": 8, "weights": taps}),
        Step("c", "max_pool_s8", ("b",), "c", {"channels": 8, "low": -128, "high": 127}),
        Step(
            "d",
            "fully_connected_s8",
            ("flat",),
            "d",
            {**_scales(3), "num_rows": 1, "num_inputs": 32, "num_outputs": 3, "weights": last.reshape(3, 32)},
        ),
    )
    shapes: dict[str, tuple[int, ...]] = {
        "x": (1, 4, 4, 2),
        "a": (1, 4, 4, 8),
        "b": (1, 4, 4, 8),
        "c": (1, 2, 2, 8),
        "flat": (1, 32),
        "d": (1, 3),
    }
    tensors = {name: Tensor(name, shape, "int8") for name, shape in shapes.items()}
    return Program(tensors, steps, ("x",), ("d",), {"flat": "c"}, "d")


def _field(step: Step, name: str) -> Any:
    return step.fields[name]


def test_a_chain_loses_the_channels_that_nobody_reads() -> None:
    before = _chain()
    after = drop_dead_channels(before)
    conv, depthwise, pool, dense = after.steps
    assert [conv.fields["out_c"], depthwise.fields["in_c"], depthwise.fields["out_c"], pool.fields["channels"]] == [
        4
    ] * 4
    np.testing.assert_array_equal(_field(conv, "weights"), _field(before.steps[0], "weights")[READ])
    np.testing.assert_array_equal(_field(depthwise, "weights"), _field(before.steps[1], "weights")[:, READ])
    assert _field(conv, "biases").tolist() == READ and _field(depthwise, "shifts").tolist() == [-1, -3, -4, -8]
    rows = _field(before.steps[3], "weights").reshape(3, 4, 8)[:, :, READ]
    np.testing.assert_array_equal(_field(dense, "weights"), rows.reshape(3, 16))
    assert dense.fields["num_inputs"] == 16 and depthwise.scratch_bytes == 16
    assert [after.tensors[name].shape[-1] for name in ("a", "b", "c", "flat", "d")] == [4, 4, 4, 16, 3]


def test_a_program_in_which_all_are_read_stays() -> None:
    program = _chain()
    weights = np.ones((3, 32), np.int8)
    dense = dataclasses.replace(program.steps[3], fields={**program.steps[3].fields, "weights": weights})
    program = dataclasses.replace(program, steps=(*program.steps[:3], dense))
    assert drop_dead_channels(program) is program


def test_channels_of_an_output_stay() -> None:
    program = _chain()
    assert drop_dead_channels(dataclasses.replace(program, outputs=("d", "b"))).steps == program.steps


def test_channels_that_an_addition_reads_stay() -> None:
    program = _chain()
    sums = Step("s", "add_s8", ("a", "a"), "s", {})
    tensors = {**program.tensors, "s": program.tensors["a"]}
    program = dataclasses.replace(program, steps=(*program.steps, sums), tensors=tensors, outputs=("d", "s"))
    assert drop_dead_channels(program).steps == program.steps


def test_channels_are_filled_up_to_fours() -> None:
    program = _chain()
    weights = _field(program.steps[3], "weights").reshape(3, 4, 8).copy()
    weights[:, :, 2:] = 0
    dense = dataclasses.replace(program.steps[3], fields={**program.steps[3].fields, "weights": weights.reshape(3, 32)})
    after = drop_dead_channels(dataclasses.replace(program, steps=(*program.steps[:3], dense)))
    assert _field(after.steps[0], "biases").tolist() == [0, 1, 2, 3]


def test_filters_of_dropped_channels_need_no_inputs() -> None:
    """What only a dropped channel reads is dropped too."""
    random = np.random.default_rng(1)
    first = random.integers(1, 100, (8, 2)).astype(np.int8)
    second = np.zeros((8, 8), np.int8)
    second[:4, :4] = second[4:, 4:] = 5
    third = np.zeros((4, 8), np.int8)
    third[:, :4] = 5
    steps = []
    for name, source, weights in (("a", "x", first), ("b", "a", second), ("c", "b", third)):
        out_c, in_c = weights.shape
        fields: Fields = {**_scales(out_c), "num_pixels": 4, "in_c": in_c, "out_c": out_c, "weights": weights}
        steps.append(Step(name, "pointwise_conv_s8", (source,), name, fields))
    tensors = {name: Tensor(name, (1, 2, 2, size), "int8") for name, size in (("x", 2), ("a", 8), ("b", 8), ("c", 4))}
    after = drop_dead_channels(Program(tensors, tuple(steps), ("x",), ("c",), {}, "d"))
    assert [(step.fields["in_c"], step.fields["out_c"]) for step in after.steps] == [(2, 4), (4, 4), (4, 4)]
