"""Recurrent layers that are written out step by step: hundreds of small operators, which int8 files leave in float."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.exporters.onnx.graph import consumers, rename_values

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["scope_of", "shorten_steps", "without_steps"]


def without_steps(
    graph: GraphProto, ranges: dict[str, tuple[float, float]], layers: list[str]
) -> dict[str, tuple[float, float]]:
    """Return the ranges without those inside recurrent layers that are written out step by step.

    Each of their hundreds of small operators would be surrounded by pairs: four times the bytes of float32, and slower.
    As in a recurrent operator, values inside stay in float.

    Args:
        graph: names of tensors begin with their layer's.
        ranges: tensor name -> (low, high).
        layers: names of the recurrent layers.
    """
    readers = consumers(graph)
    outputs = {value.name for value in graph.output}
    kept = {}
    for name, limits in ranges.items():
        layer = scope_of(name, layers)
        is_inside = layer is not None and name not in outputs
        if not (is_inside and all(scope_of(node.output[0], layers) == layer for node in readers.get(name, []))):
            kept[name] = limits
    return kept


def scope_of(name: str, layers: list[str]) -> str | None:
    """Return the layer of `layers` that a tensor was named after."""
    return next((layer for layer in layers if name == layer or name.startswith(f"{layer}/")), None)


def shorten_steps(graph: GraphProto, layers: list[str]) -> None:
    """Number the tensors of the layers by a letter: a name of twenty bytes, five times a node, is most of the file."""
    short = {layer: f"{layer[:1]}{index}" for index, layer in enumerate(layers)}

    def rename(name: str) -> str:
        layer = scope_of(name, layers)
        rest = name.removeprefix(f"{layer}/")
        return f"{short[layer]}/{rest}" if layer is not None and rest.isdecimal() else name

    if not layers:
        return
    rename_values(graph, rename)
    for node in graph.node:
        node.name = node.output[0]
