"""ADD of two int8 tensors of one shape."""

from __future__ import annotations

from edgetool.embed.ops.checks import fused_range, output_of, quantization_of, require, require_int8
from edgetool.embed.program import Fields, Step
from edgetool.embed.rescale import quantize_multiplier
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_add"]

#: Bits that inputs are shifted up by, so that rescaling loses little.
LEFT_SHIFT = 20


def lower_add(op: Op, graph: Graph) -> Step:
    """Return the call. Source of the scaling: `Prepare` in tflite/kernels/add.cc.

    Raises:
        UnsupportedModelError: other types, shapes that differ, a constant.
    """
    first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    require_int8(op, first, second, result)
    require(
        first.shape == second.shape and first.constant is None and second.constant is None, op,
        what=f"{list(first.shape)} + {list(second.shape)}{'' if first.constant is None else ', a constant'}",
        expected="two activations of one shape", next_step="repeat the smaller one before it is added",
    )  # fmt: skip
    scales = [float(quantization_of(op, tensor).scale[0]) for tensor in (first, second)]
    twice = 2.0 * max(scales)
    made = quantization_of(op, result)
    low, high = fused_range(op, result)
    scaling: Fields = {"left_shift": LEFT_SHIFT}
    for index, (tensor, scale) in enumerate(zip((first, second), scales, strict=True)):
        multiplier, shift = quantize_multiplier(scale / twice)
        scaling |= {
            f"zero_{index}": quantization_of(op, tensor).zero_point[0],
            f"multiplier_{index}": multiplier,
            f"shift_{index}": shift,
        }
    multiplier, shift = quantize_multiplier(twice / ((1 << LEFT_SHIFT) * float(made.scale[0])))
    scaling |= {
        "out_multiplier": multiplier, "out_shift": shift, "out_zero": made.zero_point[0], "low": low, "high": high,
    }  # fmt: skip
    return Step(
        layer=op.name,
        kernel="add_s8",
        inputs=(first.name, second.name),
        output=result.name,
        fields={"num_elements": result.num_elements, "scales": scaling},
        overwrites=(0, 1),
    )
