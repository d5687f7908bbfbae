"""Channels apart: what stays in the layer, what the exact kernel gets, and where its values go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.embed.backends.packing.pack import packed_layers
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.unfit_channels import split_unfit_channels
from edgetool.embed.compiler.pipeline import for_target
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Fields, Program, Step
from edgetool.ir.graph import Tensor


def _program(kernel: str = "pointwise_conv_s8", **changes: Any) -> Program:
    layer: Fields = {
        "num_pixels": 6,
        "in_c": 4,
        "out_c": 3,
        "out_zero": 0,
        "low": -128,
        "high": 127,
        "weights": np.arange(12, dtype=np.int8).reshape(3, 4),
        "biases": np.array([4, 5, 6], np.int32),
        "multipliers": np.full(3, 1 << 30, np.int32),
        "shifts": np.array([-3, 2, -4], np.int8),
        **changes,
    }
    scales = {"multiplier_0": 1 << 30, "shift_0": 0, "multiplier_1": 5, "shift_1": -1, "out_shift": -1}
    fields: Fields = {"conv": layer, "scales": {**scales}} if "add" in kernel else layer
    inputs, overwrites = (("x", "other"), (1,)) if "add" in kernel else (("x",), ())
    step = Step("a", kernel, inputs, "y", fields, overwrites=overwrites)
    shapes = {"x": (1, 2, 3, 4), "other": (1, 2, 3, 3), "y": (1, 2, 3, 3)}
    tensors = {name: Tensor(name, shape, "int8") for name, shape in shapes.items()}
    return Program(tensors, (step,), ("x", "other"), ("y",), {}, "d")


@pytest.mark.parametrize("isa", ["armv7e-m", "armv8.1-m.main", "native"])
def test_a_channel_that_shifts_left_stands_apart(isa: str) -> None:
    program = split_unfit_channels(_program(), Context(isa=isa))
    exact, layer, insertion = program.steps
    assert [step.kernel for step in program.steps] == ["exact_conv_s8", "pointwise_conv_s8", "insert_channels_s8"]
    assert np.asarray(exact.fields["weights"]).tolist() == [[4, 5, 6, 7]] and exact.fields["out_c"] == 1
    assert np.asarray(exact.fields["shifts"]).tolist() == [2] and exact.scratch_bytes == 4
    assert np.asarray(layer.fields["weights"]).tolist() == [[0, 1, 2, 3], [0] * 4, [8, 9, 10, 11]]
    assert np.asarray(layer.fields["multipliers"])[1] == 0 and np.asarray(layer.fields["shifts"]).max() < 0
    assert np.asarray(insertion.fields["channels"]).tolist() == [1] and insertion.output == "y"
    assert insertion.inputs == (layer.output, exact.output) and program.tensors[exact.output].num_bytes == 6
    assert specialise(program, Context(isa=isa)).steps[1].kernel.startswith("conv_s8_")
    offsets = plan_arena(program).offsets
    assert offsets["y"] == offsets[layer.output], "values of other channels are not copied"


def test_an_addition_is_part_of_the_exact_step() -> None:
    exact, layer, _ = split_unfit_channels(_program("pointwise_add_s8"), Context(isa="armv8.1-m.main")).steps
    assert exact.kernel == "exact_conv_add_s8" and exact.inputs == ("x", "other") and layer.overwrites == (1,)
    assert exact.fields["num_channels"] == 3 and "scales" in exact.fields


def test_what_no_channel_needs_stays() -> None:
    program = _program(shifts=np.full(3, -3, np.int8))
    assert split_unfit_channels(program, Context(isa="armv7e-m")) is program


def test_a_layer_of_unfit_channels_stays_whole() -> None:
    program = _program(shifts=np.array([-3, 2, 2], np.int8))
    assert split_unfit_channels(program, Context(isa="native")) is program
    assert specialise(program, Context(isa="native")).steps[0].kernel == "pointwise_conv_s8"


def test_portable_c_is_given_no_sums_that_overflow() -> None:
    program = split_unfit_channels(_program(biases=np.array([0, 0, 1 << 30], np.int32)), Context(isa=""))
    assert [step.kernel for step in program.steps] == ["exact_conv_s8", "pointwise_conv_s8", "insert_channels_s8"]


def test_one_scale_of_all_outputs_is_repeated_for_the_exact_kernel() -> None:
    weights = np.full((3, 4), -1, np.int8)
    weights[1] = -128
    fields: Fields = {
        "num_rows": 6,
        "num_inputs": 4,
        "num_outputs": 3,
        "scale_step": 0,
        "weights": weights,
        "biases": np.zeros(3, np.int32),
        "multipliers": np.array([7], np.int32),
        "shifts": np.array([-9], np.int8),
    }
    step = Step("f", "fully_connected_s8", ("x",), "y", fields)
    tensors = {"x": Tensor("x", (1, 6, 4), "int8"), "y": Tensor("y", (1, 6, 3), "int8")}
    exact, layer, _ = split_unfit_channels(
        Program(tensors, (step,), ("x",), ("y",), {}, "d"), Context(isa="armv7e-m")
    ).steps
    assert exact.fields["scale_step"] == exact.fields["num_outputs"] == 1
    assert np.asarray(exact.fields["shifts"]).tolist() == [-9] and np.asarray(layer.fields["shifts"]).tolist() == [-9]


def test_packed_layers_keep_their_form() -> None:
    """A palette of 16 values, none of them 0, has a channel that no kernel can compute."""
    random = np.random.default_rng(0)
    weights = random.choice(np.arange(1, 17), (32, 64)).astype(np.int8)
    shifts = np.full(32, -5, np.int8)
    shifts[3] = 1
    arrays = {"biases": np.zeros(32, np.int32), "multipliers": np.full(32, 1 << 30, np.int32), "shifts": shifts}
    program = _program(in_c=64, out_c=32, weights=weights, **arrays)
    tensors = {"x": Tensor("x", (1, 2, 3, 64), "int8"), "y": Tensor("y", (1, 2, 3, 32), "int8")}
    program = Program(tensors, program.steps, ("x",), ("y",), {}, "d")
    for isa, suffix in (("armv7e-m", "_dsp"), ("armv8.1-m.main", "_mve")):
        packing = for_target(program, Context(isa=isa, pack="always"))
        assert packing.steps[1].kernel == f"conv_packed_s8{suffix}"
        assert packed_layers(packing)[0].form == "palette of 4 bits", isa
