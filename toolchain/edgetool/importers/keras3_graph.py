"""The graph of a Keras 3 model, its nested models written out.

A nested model is called layer by layer on symbolic tensors. Keras makes the nodes, so that masks reach the inner layers
as they do when the model runs, and a model that is called twice keeps one set of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgetool.errors import UnsupportedModelError
from edgetool.importers.alike import flat_outputs

if TYPE_CHECKING:
    import keras
    from keras.src.ops.node import Node

__all__ = ["FlatGraph", "flat_graph", "is_transparent", "unique_names"]


@dataclass(frozen=True, slots=True)
class FlatGraph:
    """A Keras 3 model without nested ones.

    Attributes:
        inputs: Symbolic tensors, in the model's order.
        outputs: Symbolic tensors, in the model's order, or in that of a dictionary of outputs.
        output_names: The keys of a dictionary of outputs; empty otherwise.
        nodes: Keras' own nodes, each behind those that it reads; inputs have none.
        names: The unique name of each layer and operator, by its id.
    """

    inputs: list[keras.KerasTensor]
    outputs: list[keras.KerasTensor]
    output_names: list[str]
    nodes: list[Node]
    names: dict[int, str]


def flat_graph(model: keras.Model) -> FlatGraph:
    """Write out a functional or sequential Keras 3 model.

    Args:
        model: its layers get further nodes; else it is as before.

    Raises:
        UnsupportedModelError: a subclassed model, or inputs that are not defined.
    """
    import keras

    if not is_transparent(model):
        raise UnsupportedModelError(
            model.name,
            found=f"a subclassed model ({type(model).__name__}) or one whose inputs are not defined",
            expected="a functional or built sequential model",
            next_step="rebuild it from keras.Input and layers, then copy the weights with set_weights",
        )
    whole = _functional(model)
    parents: dict[int, str] = {}
    inputs = [_input(tensor) for tensor in whole.inputs]
    given = keras.tree.pack_sequence_as(whole._inputs_struct, inputs)
    outputs = _written_out(model, parents)(given)
    names = list(outputs) if isinstance(outputs, dict) else []
    if names:
        outputs = list(outputs.values())
    listed = flat_outputs(outputs)
    nodes = list(_in_order(inputs, listed))
    pairs = [(id(node.operation), str(node.operation.name), parents.get(id(node.operation), "")) for node in nodes]
    pairs.sort(key=lambda pair: bool(pair[2]))  # the outer model's layers choose first
    taken = {str(tensor.name) for tensor in inputs}
    named = [str(name) for name in names] if len(names) == len(listed) else []
    return FlatGraph(inputs, listed, named, nodes, unique_names(pairs, taken))


def is_transparent(operation: keras.Operation) -> bool:
    """Tell whether an operation is a model that is no more than its graph of layers."""
    from keras.src.models.functional import Functional

    inner = _functional(operation)
    return isinstance(inner, Functional) and type(inner).call is Functional.call


def unique_names(pairs: list[tuple[int, str, str]], taken: set[str]) -> dict[int, str]:
    """Give each key a name of its own: its first choice, with the parent's name in front, or with a number behind.

    Args:
        pairs: key, name and name of the parent, in the order in which they choose; a key may come more than once.
        taken: names that are gone already.
    """
    names: dict[int, str] = {}
    taken = set(taken)
    for key, name, parent in pairs:
        if key in names:
            continue
        choice = name if name not in taken or not parent else f"{parent}_{name}"
        base, number = choice, 1
        while choice in taken:
            choice, number = f"{base}_{number}", number + 1
        names[key] = choice
        taken.add(choice)
    return names


def _functional(model: keras.Operation) -> Any:
    """Return the functional model that a sequential one holds; any other operation is returned as it is."""
    import keras

    if isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call:
        return model._functional
    return model


def _input(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Return a fresh input like `tensor`, its batch open, and float32 if it is of any float type."""
    import keras

    dtype = "float32" if "float" in tensor.dtype else tensor.dtype
    return keras.Input(tuple(tensor.shape[1:]), dtype=dtype, name=tensor.name)


def _written_out(operation: keras.Operation, parents: dict[int, str], name: str = "") -> Callable[..., Any]:
    """Return what calls the inner operations of a model; any other operation is returned as it is.

    Args:
        operation: a layer, an operator or a model.
        parents: gets the id of each inner operation -> `name`.
        name: The name of a nested model.
    """
    if not is_transparent(operation):
        return operation if ".ops." in type(operation).__module__ else _told(operation)
    whole = _functional(operation)

    def inner(other: keras.Operation) -> Callable[..., Any]:
        parents.setdefault(id(other), name)
        return _written_out(other, parents, str(other.name))

    def run(inputs: object, mask: object = None, **_: object) -> Any:
        import keras
        from keras.src import backend

        tensors = keras.tree.flatten(inputs)
        masks = [None] * len(tensors) if mask is None else keras.tree.flatten(mask)
        for tensor, own in zip(tensors, masks, strict=False):
            if own is not None:
                backend.set_keras_mask(tensor, own)
        outputs = whole._run_through_graph(tensors, operation_fn=inner)
        return outputs[0] if isinstance(outputs, list | tuple) and len(outputs) == 1 else outputs

    return run


def _told(layer: keras.Layer) -> Callable[..., Any]:
    """Return what leaves out arguments of None: told of no mask, a layer would not look for that of its inputs."""

    def call(*args: object, **kwargs: object) -> Any:
        told = {key: value for key, value in kwargs.items() if value is not None}
        return layer(*args, **(_attention_masks(layer, args, told) | told))

    return call


def _attention_masks(layer: keras.Layer, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    """Return the masks of what an attention layer reads, as arguments: its node would not name them (Keras 3.15)."""
    import inspect

    import keras
    from keras.src import backend

    parameters = inspect.signature(layer.call).parameters
    if "query_mask" not in parameters:
        return {}
    tensors = dict(zip(parameters, args, strict=False)) | kwargs
    masks = {
        f"{name}_mask": backend.get_keras_mask(tensors[name])
        for name in ("query", "value", "key")
        if isinstance(tensors.get(name), keras.KerasTensor)
    }
    return {name: mask for name, mask in masks.items() if mask is not None and name in parameters}


def _in_order(inputs: list[keras.KerasTensor], outputs: list[keras.KerasTensor]) -> Iterator[Node]:
    """Yield the nodes that make `outputs`, each behind those that it reads."""
    ready = {id(_node(tensor)) for tensor in inputs}
    waiting = [_node(tensor) for tensor in reversed(outputs)]
    while waiting:
        node = waiting[-1]
        missing = [other for other in map(_node, node.input_tensors) if id(other) not in ready]
        if id(node) in ready:
            waiting.pop()
        elif missing:
            waiting += reversed(missing)
        else:
            ready.add(id(waiting.pop()))
            yield node


def _node(tensor: keras.KerasTensor) -> Node:
    """Return the node that makes a symbolic tensor."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]
