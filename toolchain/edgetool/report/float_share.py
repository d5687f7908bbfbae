"""What of a quantised file is float32 all the same: shares of its multiplications and of its weights' bytes."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.records import ArtifactRecord
from edgetool.report import wording

__all__ = ["FloatShare", "float_sentence", "float_share"]

#: Shares up to this are biases and small operators that every int8 file has.
NOTABLE = 0.05


@dataclass(frozen=True, slots=True)
class FloatShare:
    """Shares of operators whose weights are float32, 0..1, as the exported file says.

    Attributes:
        macs: of all multiply-accumulates.
        num_bytes: of all bytes of weights.
    """

    macs: float
    num_bytes: float


def float_share(artifact: ArtifactRecord) -> FloatShare | None:
    """Return what of a file with integer weights is float32; None for a file that has none."""
    if not any(layer.weights is not None and layer.weights.is_integer for layer in artifact.layers):
        return None
    floats = [layer for layer in artifact.layers if layer.dtype == "float32"]
    macs = sum(layer.macs for layer in artifact.layers)
    num_bytes = sum(layer.num_bytes for layer in artifact.layers)
    return FloatShare(
        sum(layer.macs for layer in floats) / max(1, macs),
        sum(layer.num_bytes for layer in floats) / max(1, num_bytes),
    )


def float_sentence(artifact: ArtifactRecord) -> str:
    """Return a sentence where a notable share of a quantised file is float32; else nothing."""
    share = float_share(artifact)
    if share is None or max(share.macs, share.num_bytes) <= NOTABLE:
        return ""
    return (
        f"{wording.percent(share.macs)} of its multiplications and {wording.percent(share.num_bytes)} of its weights' "
        "bytes are float32."
    )
