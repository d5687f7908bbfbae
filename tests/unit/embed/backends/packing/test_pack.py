"""Which layers are packed, into what, and how much memory their convolutions may take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.backends.packing.pack import CODE_BYTES, packed_layers, without_packing
from edgetool.embed.backends.specialise import specialise
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import for_target, lower_graph
from edgetool.embed.emit.codegen import num_constant_bytes
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Program, Step
from edgetool.errors import UsageError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

ISAS = ("", "armv7e-m", "armv8.1-m.main")
CONV = {
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "fused_activation_function": "NONE",
}


def pack(program: Program, isa: str) -> Program:
    return for_target(program, Context(isa=isa, pack="always"))


def program_of(weights: Array, *, image: int = 6, pool: int = 1) -> Program:
    """A pool of so many pixels a side, a convolution of filters `[O, H, W, I]`, then a fully connected layer."""
    out_c, size, _, in_c = weights.shape
    out = image - size + 1
    flat = np.tile(weights.reshape(-1), 1 + 20 * out * out * out_c // weights.size)[: 20 * out * out * out_c]
    shapes = {"x": (-1, image, image, in_c), "y": (-1, out, out, out_c), "flat": (-1, out * out * out_c), "z": (-1, 20)}
    shapes["larger"] = (-1, pool * image, pool * image, in_c)
    tensors = {name: Tensor(name, shape, "int8", Quantization((8.0,), (3,))) for name, shape in shapes.items()}
    for name, values in (("w", weights), ("v", flat.reshape(20, -1))):
        tensors[name] = Tensor(name, values.shape, "int8", Quantization((0.25,), (0,)), values)
    window = {"filter_height": pool, "filter_width": pool, "stride_h": pool, "stride_w": pool}
    ops = (
        Op("MAX_POOL_2D", "pool", ("larger",), ("x",), {**CONV, **window, "padding": "VALID"}),
        Op("CONV_2D", "conv", ("x", "w"), ("y",), {**CONV, "padding": "VALID"}),
        Op("RESHAPE", "flat", ("y",), ("flat",)),
        Op("FULLY_CONNECTED", "dense", ("flat", "v"), ("z",), {"fused_activation_function": "NONE"}),
    )
    given = "larger" if pool > 1 else "x"
    return lower_graph(Graph("tflite", tensors, ops[pool == 1 :], (given,), ("z",)), Context(digest="d"))


def draw(values: Array, shape: tuple[int, ...], zeros: float = 0.0) -> Array:
    random = np.random.default_rng(0)
    return (random.choice(values, shape) * (random.random(shape) >= zeros)).astype(np.int8)


SIXTEEN = np.array([value for value in range(-80, 81, 10) if value], np.int8)
SHAPE = (32, 3, 3, 24)


@pytest.mark.parametrize(
    ("isa", "kernels"),
    [
        ("", ["conv_packed_s8", "fully_connected_palette_s8"]),
        ("armv7e-m", ["conv_packed_s8_dsp", "fully_connected_pairs_s8_dsp"]),
        ("armv8.1-m.main", ["conv_packed_s8_mve", "fully_connected_planes_s8_mve"]),
    ],
)
def test_sixteen_values_become_half_a_byte_each(isa: str, kernels: list[str]) -> None:
    packing = pack(program_of(draw(SIXTEEN, SHAPE)), isa)
    assert [step.kernel for step in packing.steps] == kernels
    for layer in packed_layers(packing):
        assert layer.form == "palette of 4 bits" and 0.5 <= layer.packed_bytes / layer.unpacked_bytes < 0.51


@pytest.mark.parametrize(
    ("num_values", "on_m4", "on_m55"),
    [(8, "palette_s8", "palette_s8"), (32, "pairs_s8_dsp", "planes_s8_mve"), (64, "palette_s8", "planes_s8_mve")],
)
def test_kernels_follow_the_bits_of_an_index(num_values: int, on_m4: str, on_m55: str) -> None:
    program = program_of(draw(np.array([value for value in range(-32, 33) if value][:num_values]), SHAPE))
    for isa, kernel in (("armv7e-m", on_m4), ("armv8.1-m.main", on_m55)):
        assert pack(program, isa).steps[1].kernel == f"fully_connected_{kernel}"


@pytest.mark.parametrize("isa", ISAS)
def test_many_zeros_become_sparse(isa: str) -> None:
    packing = pack(program_of(draw(SIXTEEN, SHAPE, zeros=0.9)), isa)
    assert [layer.form for layer in packed_layers(packing)] == ["sparse", "sparse"]
    assert packing.steps[1].kernel == "fully_connected_sparse_s8"
    saved = sum(layer.unpacked_bytes - layer.packed_bytes for layer in packed_layers(packing))
    assert saved > 0.8 * 32 * 9 * 24 and packed_layers(packing)[0].layer == "conv"
    constants = num_constant_bytes(packing)
    # Where the dense kernel fills scales up, the packed one need not.
    assert 0 <= num_constant_bytes(without_packing(packing)) - saved - constants < 64


@pytest.mark.parametrize("isa", ISAS)
def test_weights_of_all_values_stay(isa: str) -> None:
    program = program_of(draw(np.arange(-127, 128), SHAPE))
    packing = pack(program, isa)
    assert packed_layers(packing) == () and [s.kernel for s in packing.steps] == [
        step.kernel for step in specialise(program, Context(isa=isa)).steps
    ]


def test_a_layer_that_saves_less_than_its_kernel_takes_stays() -> None:
    packing = pack(program_of(draw(SIXTEEN, (5, 3, 3, 2))), "armv7e-m")
    assert [layer.layer for layer in packed_layers(packing)] == ["dense"]


@pytest.mark.parametrize("isa", ISAS)
def test_filters_are_unpacked_in_parts_where_memory_is_short(isa: str) -> None:
    weights = draw(SIXTEEN, (64, 3, 3, 64))
    alone, behind = program_of(weights, image=12), program_of(weights, image=12, pool=4)
    limits = [plan_arena(specialise(program, Context(isa=isa))).num_bytes for program in (alone, behind)]
    packed = [pack(program, isa) for program in (alone, behind)]
    steps = [next(step for step in program.steps if "filters" in step.fields) for program in packed]
    assert [step.fields["filters"] for step in steps] == [16, 64], "all at once where memory is there for another layer"
    assert steps[0].scratch_bytes < 64 * 576 < steps[1].scratch_bytes
    sizes = [plan_arena(program).num_bytes for program in packed]
    assert sizes[0] < limits[0] + 17 * 576 and sizes[1] == limits[1]


def test_a_convolution_of_the_whole_image_is_fully_connected_and_rounds_twice() -> None:
    weights = draw(SIXTEEN, (40, 6, 6, 24), zeros=0.9)
    (step, _) = pack(program_of(weights), "armv7e-m").steps
    assert step.kernel == "fully_connected_sparse_s8" and step.fields["rounds"] == 2
    layer = step.fields["layer"]
    assert isinstance(layer, dict) and layer["num_inputs"] == 864 and layer["scale_step"] == 1


def test_zeros_that_fill_rows_up_take_no_value_of_a_palette() -> None:
    """17 inputs a pixel: rows of 153 weights are filled up to 156 for the DSP kernel."""
    packing = pack(program_of(draw(SIXTEEN, (33, 3, 3, 17))), "armv7e-m")
    assert packed_layers(packing)[0].form == "palette of 4 bits"


def test_auto_packs_where_it_would_not_fit_otherwise() -> None:
    program = program_of(draw(SIXTEEN, SHAPE))
    enough = num_constant_bytes(specialise(program, Context(isa="armv7e-m"))) + CODE_BYTES

    def num_packed(flash_bytes: int | None, when: str) -> int:
        context = Context(isa="armv7e-m", flash_bytes=flash_bytes, pack=when)
        return len(packed_layers(for_target(program, context)))

    assert num_packed(enough, "auto") == 0 and num_packed(enough - 1, "auto") == 2
    assert num_packed(enough, "always") == 2 and num_packed(enough - 1, "never") == 0
    assert num_packed(None, "auto") == 0, "no limit, no need"


def test_another_word_is_refused() -> None:
    with pytest.raises(UsageError, match="alway") as caught:
        for_target(program_of(draw(SIXTEEN, SHAPE)), Context(pack="alway"))
    assert "always" in caught.value.next_step


def test_additions_are_packed_with_their_convolution(residual_graph: Graph, conv_graph: Callable[..., Graph]) -> None:
    names = {"w": draw(SIXTEEN, (32, 1, 1, 32)), "v": draw(SIXTEEN, (32, 1, 1, 32))}
    tensors = {
        name: dataclasses.replace(tensor, shape=(*tensor.shape[:3], 32))
        if tensor.constant is None
        else dataclasses.replace(tensor, shape=names[name].shape, constant=names[name])
        for name, tensor in residual_graph.tensors.items()
    }
    wide = {"b": dataclasses.replace(tensors["b"], quantization=Quantization((8.0,), (0,)))}
    program = lower_graph(dataclasses.replace(residual_graph, tensors={**tensors, **wide}), Context(digest="d"))
    kernels = [step.kernel for step in pack(program, "armv7e-m").steps]
    assert "conv_packed_add_s8_dsp" in kernels
    assert not packed_layers(pack(lower_graph(conv_graph(), Context(digest="d")), "armv7e-m"))


def test_a_step_with_scales_of_its_own_is_no_packed_layer(residual_graph: Graph) -> None:
    program = lower_graph(residual_graph, Context(digest="d"))
    alone = Step("sum", "add_s8", ("a", "b"), "sum", {"num_elements": 32, "scales": {}})
    dense = dataclasses.replace(alone, kernel="add_s8_mve", replaces=alone)
    assert packed_layers(dataclasses.replace(program, steps=(dense,))) == ()
