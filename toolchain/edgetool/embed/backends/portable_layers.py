"""Which layers of a bundle are computed by portable C, what share of the products that is, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.embed.backends.base import Backend
from edgetool.embed.backends.choice import backend_for, unfit_channels, why_portable
from edgetool.embed.backends.portable import PORTABLE
from edgetool.embed.compiler.passes.unfit_channels import EXACT
from edgetool.embed.program import Fields, Program, Step

__all__ = ["KernelChoice", "PortableLayer", "kernel_choice", "num_macs"]

#: Kernels that compute nothing: they put values in their places.
MOVES = ("insert_channels_s8", "copy_", "fill_")

#: Sizes whose product is the number of multiplications, by the beginning of a kernel's name.
FACTORS = {
    "exact_depthwise": ("num_apart", "out_h", "out_w", "kernel_h", "kernel_w"),
    "depthwise": ("out_c", "out_h", "out_w", "kernel_h", "kernel_w"),
    "transpose_conv": ("in_c", "in_h", "in_w", "out_c", "kernel_h", "kernel_w"),
    "pointwise": ("in_c", "out_c", "num_pixels"),
    "conv": ("in_c", "out_c", "out_h", "out_w", "kernel_h", "kernel_w"),
    "exact_conv": ("in_c", "out_c", "out_h", "out_w", "kernel_h", "kernel_w"),
    "fully_connected": ("num_rows", "num_inputs", "num_outputs"),
    "exact_fully_connected": ("num_rows", "num_inputs", "num_outputs"),
    "batch_matmul": ("num_batches", "rows", "depth", "columns"),
}


@dataclass(frozen=True, slots=True)
class PortableLayer:
    """A layer, or channels of one, that portable C computes.

    Attributes:
        macs: multiplications of one inference.
        share: of all of the model's.
        reason: completes the sentence `it is portable C because ...`.
    """

    layer: str
    kernel: str
    macs: int
    share: float
    reason: str


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """What computes a model's layers.

    Attributes:
        family: of the kernels for the target: `dsp`, `mve`, `simd`, or `portable` where there are none.
        num_layers: with multiplications.
        macs: of one inference.
        portable_share: of the multiplications, what portable C does.
        portable: layers that portable C computes, those with most multiplications first.
    """

    family: str
    num_layers: int
    macs: int
    portable_share: float
    portable: tuple[PortableLayer, ...]


def kernel_choice(program: Program, isa: str) -> KernelChoice:
    """Return which layers are portable C.

    Args:
        program: with the kernels that it is written with.
        isa: of the target.
    """
    backend = backend_for(isa)
    macs = [num_macs(step) for step in program.steps]
    total = sum(macs)
    found = []
    for step, count in zip(program.steps, macs, strict=True):
        if step.backend != PORTABLE.name or step.kernel.startswith(MOVES):
            continue
        reason = _reason(step, backend)
        found.append(PortableLayer(step.layer, step.kernel, count, count / total if total else 0.0, reason))
    found.sort(key=lambda layer: -layer.macs)
    share = sum(layer.share for layer in found)
    return KernelChoice(backend.name, sum(count > 0 for count in macs), total, share, tuple(found))


def num_macs(step: Step) -> int:
    """Return the multiplications of values with weights, or with other values, of one inference; 0 where unknown."""
    sizes = _sizes(step.fields)
    if step.kernel.startswith("lstm"):
        cells, inputs, steps = (sizes.get(name, 0) for name in ("num_cells", "num_inputs", "num_steps"))
        return 4 * steps * cells * (inputs + cells)
    if step.kernel.startswith("svdf"):
        return _num_weights(step.fields)
    for beginning, names in FACTORS.items():
        if not step.kernel.startswith(beginning):
            continue
        if beginning == "pointwise" and "num_pixels" not in sizes:
            names = FACTORS["conv"]
        return math.prod(sizes[name] for name in names) if set(names) <= {*sizes} else 0
    return 0


def _sizes(fields: Fields) -> dict[str, int]:
    """Return all integers of a structure and of those inside of it; the outer ones count."""
    found: dict[str, int] = {}
    for value in fields.values():
        if isinstance(value, dict):
            found = {**_sizes(value), **found}
    return {**found, **{name: value for name, value in fields.items() if isinstance(value, int)}}


def _num_weights(fields: Fields) -> int:
    return sum(value.size for value in fields.values() if isinstance(value, np.ndarray) and value.dtype == np.int8)


def _reason(step: Step, backend: Backend) -> str:
    if step.kernel in EXACT.values():
        return _reason_of_channels(step, backend)
    if "packed" in step.kernel or "palette" in step.kernel or "sparse" in step.kernel:
        return "its packed weights are read one by one"
    return why_portable(step, backend)


def _reason_of_channels(step: Step, backend: Backend) -> str:
    """Return why channels stand apart; what depends on their neighbours in the layer is no longer to be seen."""
    kernel = next(kernel for kernel, exact in EXACT.items() if exact == step.kernel)
    fields = step.fields.get("layer", step.fields)
    assert isinstance(fields, dict)
    if step.kernel == "exact_depthwise_s8":
        fields = {**fields, "weights": np.asarray(fields["weights"]).T}
    if "num_inputs" not in fields:
        kernel = "conv_s8" if step.kernel != "exact_depthwise_s8" else kernel
    reasons = list(unfit_channels(kernel, fields, backend)) or ["have weights of -128 that the kernel cannot take"]
    return f"these channels {' or '.join(reasons)}"
