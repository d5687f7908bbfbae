"""Post-training quantisation: these passes only state what the exporters are to do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from edgetool.errors import RecipeError
from edgetool.invariants import NumClusters
from edgetool.passes.base import Context, ModelState, NoParams, Pass, PassResult, QuantizationScheme

__all__ = ["QuantizeDynamic", "QuantizeFloat16", "QuantizeStatic"]


@dataclass(frozen=True, slots=True)
class QuantizeStaticParams:
    """Parameters of a recipe.

    Attributes:
        activations: their type.
        num_calibration_samples: training samples that their ranges are measured on.
        integer_only: for int8 in TFLite: compute attention and layer normalisation in integers, too. Without, they are
            float32 between int8 products, which is faster and more exact wherever there is a floating-point unit.
            Other models are the same either way; ONNX files keep normalisation in float32 always.
    """

    activations: Literal["int8", "int16"] = "int8"
    num_calibration_samples: int = 500
    integer_only: bool = False


class QuantizeFloat16(Pass):
    """Store weights in half precision."""

    name = "quantize_float16"
    Params = NoParams
    requires = frozenset({"float_weights"})

    def apply(self, state: ModelState, context: Context) -> PassResult:  # noqa: ARG002 - the contract's signature
        """State the scheme."""
        return _with(state, QuantizationScheme.of(mode="float16"))


class QuantizeDynamic(Pass):
    """Store weights as int8; activations are quantised while the model runs."""

    name = "quantize_dynamic"
    Params = NoParams
    requires = frozenset({"float_weights"})

    def apply(self, state: ModelState, context: Context) -> PassResult:  # noqa: ARG002 - the contract's signature
        """State the scheme."""
        return _with(state, QuantizationScheme.of(mode="dynamic", per_channel=not is_clustered(state)))


class QuantizeStatic(Pass):
    """Store weights as int8 and compute activations as int8 or int16, with ranges from calibration data."""

    name = "quantize_static"
    Params = QuantizeStaticParams
    requires = frozenset({"float_weights", "calibration_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:  # noqa: ARG002 - the contract's signature
        """State the scheme; clustered kernels get one scale a tensor, which keeps their number of values."""
        params: QuantizeStaticParams = self.params
        if params.num_calibration_samples < 1:
            raise RecipeError(
                "pass 'quantize_static': num_calibration_samples",
                found=str(params.num_calibration_samples),
                expected="at least 1",
                next_step="correct the recipe; 100 to 500 are usual",
            )
        scheme = QuantizationScheme.of(
            mode="static",
            activations=params.activations,
            per_channel=not is_clustered(state),
            num_calibration_samples=params.num_calibration_samples,
            integer_only=params.integer_only,
        )
        return _with(state, scheme)


def is_clustered(state: ModelState) -> bool:
    """Tell whether an earlier pass ensured a number of clusters."""
    return any(isinstance(invariant, NumClusters) for invariant in state.invariants)


def _with(state: ModelState, scheme: QuantizationScheme) -> PassResult:
    new = dataclasses.replace(state, quantization=scheme)
    facts: dict[str, float | int | str | bool] = {"mode": scheme.mode, "per_channel": scheme.per_channel}
    if scheme.mode == "static":
        facts |= {"activations": scheme.activations, "calibration_samples": scheme.num_calibration_samples}
    if scheme.integer_only:
        facts["integer_only"] = True
    return PassResult(new, modified=True, facts=facts)
