"""SPECTRUM: the absolute values of the Fourier transform of rows."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, suffix_of
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_spectrum"]

#: Doubles of scratch memory for each value of a row: real and imaginary parts, and half as many cosines and sines.
DOUBLES = 3


def lower_spectrum(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types than float32.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32",), source, result)
    size = source.shape[-1]
    return Step(
        layer=op.name,
        kernel=f"spectrum_{suffix}",
        inputs=(source.name,),
        output=result.name,
        fields={"num_rows": source.num_elements // size, "size": size},
        scratch_bytes=DOUBLES * 8 * size,
        has_scratch=True,
    )
