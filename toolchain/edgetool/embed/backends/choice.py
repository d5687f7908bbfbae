"""Which backend a target has, and which layers and channels its kernels cannot compute."""

from __future__ import annotations

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import weights_by_channel
from edgetool.embed.backends.base import Backend
from edgetool.embed.backends.cortex_m import DSP, MVE
from edgetool.embed.backends.portable import PORTABLE
from edgetool.embed.backends.simd import SIMD
from edgetool.embed.compiler.passes.constant_channels import LAYERS, layer_fields
from edgetool.embed.program import Fields, Step

__all__ = ["BACKENDS", "backend_for", "layer_limit", "unfit_channels", "why_portable"]

#: Every backend. A set of vector instructions is a module beside these, its kernels, and a name here.
BACKENDS: tuple[Backend, ...] = (DSP, MVE, SIMD, PORTABLE)


def backend_for(isa: str) -> Backend:
    """Return the backend for an instruction set: portable C where no other one has kernels for it."""
    return next((backend for backend in BACKENDS if isa in backend.isas), PORTABLE)


def why_portable(step: Step, backend: Backend) -> str:
    """Return why a layer has a portable kernel, in words; empty where it has a faster one.

    Args:
        step: with its portable kernel.
        backend: of the target.
    """
    reason = layer_limit(step, backend)
    if reason or step.kernel not in LAYERS:
        return reason
    unfit = unfit_channels(step.kernel, layer_fields(step), backend)
    return "; ".join(f"{mask.sum()} of its {len(mask)} channels {reason}" for reason, mask in unfit.items())


def layer_limit(step: Step, backend: Backend) -> str:
    """Return what keeps a whole layer from a backend's kernels, in words; empty where nothing does."""
    if not backend.kernels:
        isas = [isa for other in BACKENDS for isa in other.isas]
        return f"edgetool has faster kernels for {', '.join(isas)} alone"
    if step.kernel not in backend.kernels:
        return "edgetool has no faster kernel for it"
    for limit in backend.layer_limits:
        if step.kernel in limit.kernels and limit.applies(step.fields):
            return limit.reason
    return ""


def unfit_channels(kernel: str, fields: Fields, backend: Backend) -> dict[str, Array]:
    """Return which channels a kernel cannot compute: reason -> bool `[C]`, reasons that apply alone.

    Args:
        kernel: the portable one.
        fields: of the layer, without an addition.
        backend: whose kernels.
    """
    limits = [limit for limit in backend.channel_limits if kernel in limit.kernels]
    if not limits:
        return {}
    weights = weights_by_channel(kernel, fields)
    masks = {limit.reason: limit.applies(fields, weights) for limit in limits}
    return {reason: mask for reason, mask in masks.items() if mask.any()}
