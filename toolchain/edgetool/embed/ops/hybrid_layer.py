"""Layers with int8 weights and float activations, which are quantised as the layer runs."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.ops.checks import bias_of, float_range, quantization_of, require
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op
from edgetool.ir.operators import Family, family_of

__all__ = ["hybrid_layer", "is_hybrid"]


def is_hybrid(op: Op, graph: Graph) -> bool:
    """Tell whether a layer has weights of integers beside floats; LiteRT takes integers of 8 and of 4 bits."""
    kinds = [graph.tensors[name].dtype for name in op.inputs[:2] if name]
    return kinds[:1] == ["float32"] and kinds[1:] in (["int8"], ["int4"])


def hybrid_layer(op: Op, graph: Graph, kernel: str, weights: Array, num_channels: int, sizes: Fields) -> Step:
    """Return the call of a kernel that quantises its input with a range of its own, each row or image by itself.

    LiteRT's FULLY_CONNECTED says whether zero is the middle of that range; of convolutions it is where the weights have
    one scale.

    Args:
        op: its first input is the activation, its second the weights, its third the biases.
        graph: has them.
        kernel: without the suffix.
        weights: int8, as the kernel wants them.
        num_channels: of the result.
        sizes: what the kernel takes besides.

    Raises:
        UnsupportedModelError: weights with a zero point, which LiteRT does not look at, or too few scales.
    """
    source, scales = graph.tensors[op.inputs[0]], quantization_of(op, graph.tensors[op.inputs[1]])
    num_scales = len(scales.scale)
    require(not any(scales.zero_point), op, what="weights with a zero point", expected="symmetric weights")
    require(num_scales in (1, num_channels), op, what=f"{num_scales} scales", expected=f"1 or {num_channels}")
    is_dense = family_of(op.kind) is Family.DENSE
    is_depthwise = family_of(op.kind) is Family.DEPTHWISE
    by_channel = num_scales > 1 or (num_channels == 1 and is_depthwise)
    require(
        by_channel or not is_depthwise,
        op,
        what="one scale for all channels",
        expected="a scale for each channel, which LiteRT's kernel reads",
    )
    is_symmetric = not op.attributes.get("asymmetric_quantize_inputs", False) if is_dense else not by_channel
    low, high = float_range(op)
    fields: Fields = {
        "weights": weights,
        "scales": np.array(scales.scale, np.float32),
        "biases": bias_of(op, graph, num_channels, "float32"),
        **sizes,
        "scale_step": int(num_scales > 1),
        "is_symmetric": int(is_symmetric),
        "low": low,
        "high": high,
    }
    num_values = int(weights.shape[-1]) if is_dense else source.num_elements
    return Step(
        op.name, f"{kernel}_hybrid", (source.name,), op.outputs[0], fields, scratch_bytes=num_values, has_scratch=True
    )
