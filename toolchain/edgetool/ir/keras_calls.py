"""How a Keras configuration writes the calls of layers: by name and number, in the ways of Keras 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["calls_of", "endpoints", "layer_name", "reversed_calls"]


def calls_of(nodes: object) -> list[list[tuple[str, int]]]:
    """Return, for each call of a layer, the layers (and which call of each) that feed it."""
    return [list(_sources(node)) for node in nodes] if isinstance(nodes, list | tuple) else []


def reversed_calls(nodes: object) -> set[int]:
    """Return the numbers of the calls of an embedding that ask for its reverse, from vectors to logits."""
    return {number for number, node in enumerate(nodes) if _asks_reverse(node)} if isinstance(nodes, list) else set()


def _asks_reverse(item: object) -> bool:
    """Tell whether a node, of Keras 2 or 3, has it among the call's arguments."""
    if isinstance(item, dict):
        return item.get("reverse") is True or _asks_reverse(item.get("kwargs"))
    return isinstance(item, list | tuple) and any(_asks_reverse(value) for value in item)


def _sources(item: object) -> Iterator[tuple[str, int]]:
    """Yield the references in a node: Keras 2's `[name, node, tensor, ...]`, Keras 3's `keras_history`."""
    if isinstance(item, dict):
        history = item.get("keras_history")
        if isinstance(history, list | tuple) and len(history) >= 2:
            yield layer_name(history[0]), int(history[1])
            return
        for key, value in item.items():
            if not str(key).endswith("mask"):  # what masks a layer's inputs is none of them
                yield from _sources(value)
    elif isinstance(item, list | tuple):
        if len(item) >= 3 and isinstance(item[0], str) and all(isinstance(part, int) for part in item[1:3]):
            yield layer_name(item[0]), int(item[1])
            item = [part for part in item[3:] if isinstance(part, dict)]  # Keras 2: tensors among keyword arguments
        for value in item:
            yield from _sources(value)


def endpoints(stated: object) -> list[tuple[str, int]]:
    """Return (layer, call) of a model's outputs: one reference, or a list or dictionary of them."""
    return list(_sources(stated)) if stated else []


def layer_name(name: object) -> str:
    """Return a name as text that every encoding can write."""
    return str(name).encode("utf-8", "replace").decode()[:512]
