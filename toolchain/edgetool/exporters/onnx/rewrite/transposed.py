"""Transposed convolutions as the specification of ONNX wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["pad_outputs"]


def pad_outputs(graph: GraphProto) -> None:
    """Write what a ConvTranspose adds behind its last rows as `output_padding`.

    tf2onnx 1.17 writes negative `pads`, which the specification excludes, where the result has more rows than windows
    reach: with an output padding of Keras, and where a stride is longer than the kernel.
    """
    from onnx import helper

    for node in graph.node:
        if node.op_type != "ConvTranspose":
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        pads = list(attributes.get("pads", ()))
        behind = pads[len(pads) // 2 :]
        if not any(pad < 0 for pad in behind):
            continue
        padding = list(attributes.get("output_padding", [0] * len(behind)))
        attributes["output_padding"] = [more - min(pad, 0) for more, pad in zip(padding, behind, strict=True)]
        attributes["pads"] = [*pads[: len(pads) // 2], *(max(pad, 0) for pad in behind)]
        del node.attribute[:]
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
