"""SPECTRUM."""

from __future__ import annotations

from edgetool.embed.ops.spectrum import lower_spectrum
from edgetool.ir.graph import Graph, Op, Tensor


def test_rows_and_the_memory_that_they_take() -> None:
    tensors = {"x": Tensor("x", (2, 3, 1, 16), "float32"), "y": Tensor("y", (2, 3, 9), "float32")}
    op = Op("SPECTRUM", "y", ("x",), ("y",))
    step = lower_spectrum(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))
    assert step.kernel == "spectrum_f32" and step.fields == {"num_rows": 6, "size": 16}
    assert step.scratch_bytes == 3 * 16 * 8
