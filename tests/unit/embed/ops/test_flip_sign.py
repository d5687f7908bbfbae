"""FLIP_SIGN."""

from __future__ import annotations

from edgetool.embed.ops.flip_sign import lower_flip_sign
from edgetool.ir.graph import Graph, Op, Tensor


def test_every_byte_is_flipped_in_place() -> None:
    tensors = {"x": Tensor("x", (1, 6), "uint8"), "y": Tensor("y", (1, 6), "int8")}
    op = Op("FLIP_SIGN", "y", ("x",), ("y",))
    step = lower_flip_sign(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))
    assert (step.kernel, step.fields, step.overwrites) == ("flip_sign_u8", {"num_elements": 6}, (0,))
