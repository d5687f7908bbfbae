"""Weights that stay packed in flash: kernels that read codes take the place of those that read int8."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.backends.choice import backend_for
from edgetool.embed.backends.cortex_m import Core, CortexM, patch_bytes, split_pairs
from edgetool.embed.backends.layout import image_fields
from edgetool.embed.backends.packing.codes import PLANE_UNIT, UNIT, Codes, encode_palette, encode_planes, encode_sparse
from edgetool.embed.compiler.context import PACK, Context
from edgetool.embed.emit.codegen import num_constant_bytes
from edgetool.embed.memory.arena import plan_arena
from edgetool.embed.program import Fields, Program, Step
from edgetool.errors import UsageError, nearest

__all__ = ["PackedLayer", "pack_weights", "packed_layers", "without_packing"]

#: Flash that code may take beside constants, when `auto` asks whether they fit.
CODE_BYTES = 32768

#: A layer is packed if that saves this share of its weights' bytes, and as many bytes as its kernel's code takes.
MIN_SHARE = 0.1
MIN_BYTES = 256

#: Of a convolution, filters that are unpacked together at least: fewer would gather each patch too often.
MIN_FILTERS = 16

TABLE_BYTES = 1024

#: Of the search for an arena, for each way to pack a layer: a plan is compared, not kept.
TRIAL_EFFORT = 50_000

#: Where there are no kernels for the core.
PLAIN_CORE = Core("", filters=1, chunk=1, value_bytes=1, in_pairs=False, channels=1)

WITHOUT_ADDITION = ("conv_s8", "pointwise_conv_s8")
CONVOLUTIONS = (*WITHOUT_ADDITION, "conv_add_s8", "pointwise_add_s8")


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """A layer's weights in flash.

    Attributes:
        form: `sparse`, or `palette` with the bits of an index.
        unpacked_bytes: of the weights as the dense kernel for the core has them.
        packed_bytes: of codes and tables.
    """

    layer: str
    form: str
    unpacked_bytes: int
    packed_bytes: int


def pack_weights(program: Program, context: Context) -> Program:
    """Return the program with packed weights wherever they are smaller by a tenth, if the context wants them packed.

    Convolutions unpack some filters at a time, as many as need no more RAM than the dense program (16 at least), and
    use the core's dense kernel for them. Fully connected layers, and convolutions whose one patch is the image, read
    each code once. Depthwise convolutions stay as they are.

    Args:
        program: with kernels for the target, nothing packed.
        context: the target's instruction set and flash, and when to pack.

    Raises:
        UsageError: another word than those of `PACK`.
    """
    if not _is_wanted(program, context):
        return program
    backend = backend_for(context.isa)
    core = backend.core if isinstance(backend, CortexM) else PLAIN_CORE
    limit = plan_arena(program).num_bytes
    packed = program
    for index, dense in enumerate(program.steps):
        plain = dense.replaces or dense
        best: tuple[int, Program] | None = None
        for candidate in _candidates(plain, plain if core is PLAIN_CORE else dense, core):
            step = dataclasses.replace(candidate, replaces=dense)
            tried = _with_step(packed, index, step)
            num_bytes = plan_arena(tried, effort=TRIAL_EFFORT).num_bytes
            if best is None or num_bytes < best[0]:
                best = num_bytes, tried
            if num_bytes <= limit:
                break
        if best is not None:
            packed = best[1]
    return packed


def packed_layers(program: Program) -> tuple[PackedLayer, ...]:
    """Return what the packed layers of a program take in flash, and what they would take unpacked."""
    return tuple(_layer(step.replaces, step) for step in program.steps if step.replaces and _is_packed(step))


def without_packing(program: Program) -> Program:
    """Return the program with the dense step in the place of each packed one."""
    steps = tuple(step.replaces if step.replaces and _is_packed(step) else step for step in program.steps)
    return dataclasses.replace(program, steps=steps)


def _is_wanted(program: Program, context: Context) -> bool:
    when = context.pack
    if when not in PACK:
        raise UsageError(
            f"--pack {when}", found="no such choice", expected=", ".join(PACK), next_step=nearest(when, [*PACK])
        )
    if when != "auto":
        return when == "always"
    return context.flash_bytes is not None and num_constant_bytes(program) + CODE_BYTES > context.flash_bytes


def _with_step(program: Program, index: int, step: Step) -> Program:
    steps = (*program.steps[:index], step, *program.steps[index + 1 :])
    return dataclasses.replace(program, steps=steps)


def _is_packed(step: Step) -> bool:
    """Tell whether a step's kernel reads codes."""
    return "packed" in _outer_fields(step)


def _outer_fields(step: Step) -> Fields:
    """Return the fields that hold a packed layer's codes; an addition stands beside them."""
    inner = step.fields.get("conv")
    if "packed" in step.fields or not isinstance(inner, dict):
        return step.fields
    return inner


def _candidates(plain: Step, dense: Step, core: Core) -> Iterator[Step]:
    """Yield the steps that a layer can be packed as, those with the fewest instructions first; none: it stays."""
    if plain.kernel == "fully_connected_s8":
        yield from _fully_connected(plain, plain.fields, dense, core, rounds=1)
    elif plain.kernel in WITHOUT_ADDITION and _is_one_patch(image_fields(plain.fields)):
        yield from _fully_connected(plain, _as_fully_connected(image_fields(plain.fields)), dense, core, rounds=2)
    elif plain.kernel in CONVOLUTIONS:
        yield from _convolution(plain, dense, PLAIN_CORE if dense.kernel == plain.kernel else core)


def _convolution(plain: Step, dense: Step, core: Core) -> Iterator[Step]:
    conv = image_fields(_convolution_fields(dense))
    weights = split_pairs(_weights(conv)) if core.in_pairs else _weights(conv).reshape(-1)
    out_c = conv["out_c"]
    assert isinstance(out_c, int)
    num_filters = -(-out_c // core.filters) * core.filters
    depth = weights.size // num_filters
    rows = _weights(_convolution_fields(plain))
    is_filled = bool(rows.all())  # where no weight is 0, zeros are padding
    is_apart = is_filled and rows.shape[1] != depth
    patches = patch_bytes(conv, core, is_apart=is_apart) if core.suffix else depth
    chosen = _smallest(weights.reshape(1, -1), weights.nbytes, is_filled=is_filled)
    for filters in _filters_at_once(num_filters, core.filters) if chosen else ():
        assert chosen is not None
        parts = weights.reshape(num_filters // filters, -1)
        codes = _smallest(parts, weights.nbytes, is_filled=is_filled, form=chosen.form)
        assert codes is not None
        fields: Fields = {"conv": {**conv, "weights": codes.codes}, "packed": codes.fields, "filters": filters}
        fields["apart"] = int(is_apart)
        table, buffer = TABLE_BYTES if codes.form == "sparse" else 0, -(-parts.shape[1] // 8) * 8
        is_alone = plain.kernel in WITHOUT_ADDITION
        yield dataclasses.replace(
            dense,
            kernel=f"conv_packed{'' if is_alone else '_add'}_s8{core.suffix}",
            fields=fields if is_alone else {"conv": fields, "scales": dense.fields["scales"]},
            has_scratch=True,
            scratch_bytes=table + buffer + patches + 2 * filters,
            overwrites=() if is_alone and filters < num_filters else dense.overwrites,
        )


def _filters_at_once(num_filters: int, multiple: int) -> Iterator[int]:
    """Yield how many filters can be unpacked together, all first; every part has as many."""
    for parts in range(1, num_filters // multiple + 1):
        filters = num_filters // parts
        if parts == 1 or (num_filters % parts == 0 and filters % multiple == 0 and filters >= MIN_FILTERS):
            yield filters


def _fully_connected(plain: Step, fields: Fields, dense: Step, core: Core, *, rounds: int) -> Iterator[Step]:
    rows = padded = _weights(fields)
    codes = _smallest(rows, _weights(dense.fields).nbytes)
    if codes is None:
        return
    backend = "portable"
    kernel, scratch, bits = "fully_connected_palette_s8", 0, codes.fields["bits"]
    assert isinstance(bits, int)
    if codes.form == "sparse":
        kernel, scratch = "fully_connected_sparse_s8", TABLE_BYTES
    elif core.in_pairs and bits in (4, 5):
        padded = _padded(rows, UNIT)
        backend = core.name
        kernel, codes = "fully_connected_pairs_s8_dsp", encode_palette(list(_in_halves(padded)))
        scratch = 4 << 2 * bits
    elif core.suffix and not core.in_pairs and bits >= 4:
        padded = _padded(rows, PLANE_UNIT)
        backend = core.name
        kernel, codes = "fully_connected_planes_s8_mve", encode_planes(padded)
    assert codes is not None
    yield Step(
        layer=plain.layer,
        kernel=kernel,
        inputs=plain.inputs,
        output=plain.output,
        fields={"layer": {**fields, "weights": codes.codes}, "packed": codes.fields, "rounds": rounds},
        has_scratch=kernel != "fully_connected_palette_s8",
        scratch_bytes=scratch + (padded.shape[1] if padded.shape != rows.shape else 0),
        backend=backend,
    )


def _smallest(parts: Array, num_bytes: int, *, is_filled: bool = False, form: str = "") -> Codes | None:
    """Return the smallest codes; None where they do not save enough.

    Args:
        parts: int8 `[P, N]`.
        num_bytes: of the weights unpacked.
        is_filled: zeros are no weights; they are multiplied with 0 and may be any value.
        form: that is wanted in any case.
    """
    found: list[Codes | None] = []
    if form != "sparse":
        found.append(encode_palette(list(np.where(parts == 0, parts[parts != 0][0], parts) if is_filled else parts)))
    if form != "palette":
        found.append(encode_sparse(list(parts)))
    best = min((codes for codes in found if codes is not None), key=lambda codes: codes.num_bytes)
    limit = min((1 - MIN_SHARE) * num_bytes, num_bytes - MIN_BYTES)
    return best if form or best.num_bytes <= limit else None


def _convolution_fields(step: Step) -> Fields:
    found = step.fields.get("conv", step.fields)
    assert isinstance(found, dict)
    return found


def _is_one_patch(conv: Fields) -> bool:
    """Tell whether a convolution has one output pixel, whose patch is the image as it lies in memory."""
    same = conv["in_h"] == conv["kernel_h"] and conv["in_w"] == conv["kernel_w"]
    return same and [conv[name] for name in ("out_h", "out_w", "pad_top", "pad_left", "dilation_h", "dilation_w")] == [
        1,
        1,
        0,
        0,
        1,
        1,
    ]


def _as_fully_connected(conv: Fields) -> Fields:
    kept = ("out_zero", "low", "high", "weights", "biases", "multipliers", "shifts")
    num_outputs, num_inputs = _weights(conv).shape
    sizes: Fields = {"num_rows": 1, "num_inputs": num_inputs, "num_outputs": num_outputs, "scale_step": 1}
    return {**sizes, **{name: conv[name] for name in kept}}


def _padded(rows: Array, multiple: int) -> Array:
    """Return rows filled up to a multiple, with a value that they have: it is multiplied with 0."""
    missing = -rows.shape[1] % multiple
    return np.pad(rows, ((0, 0), (0, missing)), constant_values=rows.flat[0])


def _in_halves(rows: Array) -> Array:
    """Return int8 `[R, K]` with the second and third of every four in each other's place, as SXTB16 widens inputs."""
    fours = rows.reshape(len(rows), -1, 4)
    return np.ascontiguousarray(fours[:, :, [0, 2, 1, 3]]).reshape(rows.shape)


def _layer(dense: Step, packed: Step) -> PackedLayer:
    outer = _outer_fields(packed)
    inner, tables = outer.get("conv", outer.get("layer")), outer["packed"]
    assert isinstance(inner, dict) and isinstance(tables, dict)
    codes = Codes(_weights(inner), tables)
    form = "sparse" if codes.form == "sparse" else f"palette of {tables['bits']} bits"
    return PackedLayer(dense.layer, form, _weights(_convolution_fields(dense)).nbytes, codes.num_bytes)


def _weights(fields: Fields) -> Array:
    found = fields["weights"]
    assert isinstance(found, np.ndarray)
    return found
