"""Read `.keras` and `.h5` without any framework: configuration and weights, as a table of layers."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.keras_shapes import Shape, layer_macs, output_shape
from edgetool.ir.keras_weights import archive_weights, class_folder, damaged, h5_weights, read_archive, read_h5

__all__ = ["KerasLayer", "KerasModel", "config_macs", "read_keras"]

MAX_LAYERS = 100_000
MAX_NESTING = 100
#: Numbers beyond these come from damaged files; they would not fit into 64 bits further on.
MAX_SIZE, MAX_MACS = 1 << 40, 1 << 62

#: What a configuration that makes no sense raises.
_NONSENSE = (KeyError, ValueError, TypeError, IndexError, ArithmeticError, AttributeError)


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """One layer.

    Attributes:
        output_shape: without the batch, of the first call; None where it cannot be told without running the model.
        weights: every variable of the layer, in file order.
        macs: of one sample, over all calls of the layer; None where unknown.
    """

    name: str
    kind: str
    output_shape: Shape | None
    weights: tuple[Array, ...]
    macs: int | None


@dataclass(frozen=True, slots=True)
class KerasModel:
    """A model as its file describes it; a nested model's layers are listed under `outer/inner`."""

    layers: tuple[KerasLayer, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    keras_version: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node:
    """A layer of the configuration: where its weights lie, and what its calls cost."""

    name: str
    folder: str
    kind: str
    config: dict[str, Any]
    output: Shape | None = None
    macs: int | None = 0


@dataclass(frozen=True, slots=True)
class _Call:
    """Call `number` of a layer on what `sources` (layer, call) give; `reverse`: of an embedding, to logits."""

    node: _Node
    name: str
    number: int
    sources: list[tuple[str, int]]
    reverse: bool


@dataclass(slots=True)
class _Outline:
    """What a (nested) configuration says: layers in order, and the endpoints of the outermost model."""

    nodes: list[_Node] = field(default_factory=list)
    inputs: list[_Node] = field(default_factory=list)
    outputs: list[tuple[str, Shape | None, str]] = field(default_factory=list)


def read_keras(path: Path, kind: str) -> KerasModel:
    """Read configuration and weights; nothing of the model is executed.

    Args:
        path: the file.
        kind: `keras` or `h5`.

    Raises:
        FileFormatError: damaged, or without an architecture (weights only).
        UnsupportedModelError: a configuration without a list of layers (a subclassed model in `.h5`).
    """
    try:
        stored = read_archive(path) if kind == "keras" else read_h5(path)
        config = stored.config
        outline = _outline(config)
        weights, strays = (archive_weights if kind == "keras" else h5_weights)(
            stored, [(node.name, node.folder) for node in outline.nodes]
        )
    except (FileFormatError, UnsupportedModelError):
        raise
    except RecursionError:
        raise damaged(path, "a configuration nested too deep") from None
    except (*_NONSENSE, zipfile.BadZipFile, zipfile.LargeZipFile, OSError, RuntimeError, EOFError) as exc:
        raise damaged(path, f"{type(exc).__name__}: {' '.join(str(exc).split())[:200]}") from None
    if not outline.nodes and not strays:
        raise UnsupportedModelError(
            str(path),
            found="a configuration without layers (a subclassed model)",
            expected="a Sequential or functional model",
            next_step="edgetool export the model, then inspect the exported file",
        )
    layers = [
        KerasLayer(node.name, node.kind, node.output, weights.get(node.name, ()), node.macs) for node in outline.nodes
    ]
    layers += [KerasLayer(name, "?", None, arrays, None) for name, arrays in strays.items()]
    return KerasModel(
        layers=tuple(layers),
        inputs=tuple(_spec(node.name, node.output, _dtype(node.config)) for node in outline.inputs),
        outputs=tuple(_spec(*output) for output in outline.outputs),
        keras_version=stored.version,
        notes=stored.notes,
    )


def config_macs(config: Any) -> int | None:
    """Return the multiply-accumulates of a model's configuration; None where a layer's are not known.

    Args:
        config: `{"class_name": ..., "config": model.get_config()}`, as Keras writes it into files.
    """
    macs = [node.macs for node in _outline(config).nodes]
    return None if any(found is None for found in macs) else sum(found for found in macs if found is not None)


def _spec(name: str, shape: Shape | None, dtype: str) -> TensorSpec:
    return TensorSpec(name, (-1, *(shape or ())), dtype)


def _dtype(config: dict[str, Any]) -> str:
    """Return the type that a layer computes in; Keras writes a name, or a policy as a nested object."""
    found = config.get("dtype")
    if isinstance(found, dict):
        inner = found.get("config")
        found = inner.get("name") if isinstance(inner, dict) else None
    return found if isinstance(found, str) and len(found) < 32 else "float32"


def _outline(config: Any) -> _Outline:
    outline = _Outline()
    inner = config["config"]
    if isinstance(inner, list) or (isinstance(inner, dict) and isinstance(inner.get("layers"), list)):
        _walk(inner, outline, "", "", [], 0)
    return outline


def _walk(
    config: Any, outline: _Outline, prefix: str, folder: str, given: list[Shape], depth: int
) -> list[tuple[str, Shape | None, str]]:
    """Add the layers of one model to `outline` and return its outputs as (name, shape, dtype)."""
    layers = config["layers"] if isinstance(config, dict) else config
    if depth > MAX_NESTING:
        raise ValueError(f"models nested more than {MAX_NESTING} deep")
    if len(outline.nodes) + len(layers) > MAX_LAYERS:
        raise ValueError(f"a model of more than {MAX_LAYERS:,} layers")
    counts: Counter[str] = Counter()
    found: dict[tuple[str, int], Shape] = {}
    dtypes: dict[str, str] = {}
    later = _all_calls(layers)
    waiting_calls: list[_Call] = []
    waiting = list(given)
    previous: Shape | None = given[0] if given else None
    for layer in layers:
        kind, own = str(layer["class_name"]), layer["config"]
        own = own if isinstance(own, dict) else {"layers": own}
        short = _name(own.get("name") or layer.get("name") or kind)
        node = _Node(prefix + short, class_folder(folder, kind, counts), kind, own)
        dtypes[short] = _dtype(own)
        declared = _declared_shape(layer)
        calls, reverse = _calls(layer.get("inbound_nodes")), _reversed_calls(layer.get("inbound_nodes"))
        nested = isinstance(own.get("layers"), list)
        if not nested:
            outline.nodes.append(node)
        if kind == "InputLayer":
            node.output = waiting.pop(0) if waiting else declared
            if depth == 0:
                outline.inputs.append(node)
            later.discard((short, 0))
            _remember(found, short, 0, node.output)
            previous = node.output if node.output is not None else previous
            continue
        if previous is None and not calls and depth == 0 and not outline.inputs and declared is not None:
            outline.inputs.append(_Node(f"{short}_input", "", "InputLayer", own, declared))
        start = len(outline.nodes)
        for number, sources in enumerate(calls or [None]):
            inputs = _inputs(sources, found, previous if sources is None else None, declared)
            call = _Call(node, short, number, sources or [], number in reverse)
            if not nested and any(source in later for source in call.sources):
                waiting_calls.append(call)
                continue
            if nested and number == 0:
                ends = _walk(own, outline, f"{node.name}/", node.folder, inputs, depth + 1)
                output = ends[0][1] if len(ends) == 1 else None
            elif nested:
                output = None if len(ends) != 1 else ends[0][1]
                _repeat(outline.nodes[start:], number)
            else:
                output = _call(call, inputs)
            _remember(found, short, number, output)
            later.discard((short, number))
            previous = output
    _catch_up(waiting_calls, found, later)
    names = _endpoints(config.get("output_layers") if isinstance(config, dict) else None)
    ends = [(prefix + name, found.get((name, number), found.get((name, 0))), name) for name, number in names]
    if not names and layers:
        ends = [(prefix + short, previous, short)]
    outputs = [(name, shape, dtypes.get(key, "float32")) for name, shape, key in ends]
    if depth == 0:
        outline.outputs = outputs
    return outputs


def _all_calls(layers: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """Return (layer, call) of all calls in a configuration."""
    return {
        (_name(own.get("name") or layer.get("name") or layer["class_name"]), number)
        for layer in layers
        for own in [layer["config"] if isinstance(layer["config"], dict) else {}]
        for number in range(max(1, len(_calls(layer.get("inbound_nodes")))))
    }


def _catch_up(waiting: list[_Call], found: dict[tuple[str, int], Shape], later: set[tuple[str, int]]) -> None:
    """Work out the calls that had to wait for layers that are listed later: a shared layer is listed where it is first.

    What waits for itself, in a damaged file, costs an unknown number of multiply-accumulates.
    """
    missing = [{source for source in call.sources if source in later} for call in waiting]
    readers: dict[tuple[str, int], list[int]] = {}
    for index, sources in enumerate(missing):
        for source in sources:
            readers.setdefault(source, []).append(index)
    ready = [index for index, sources in enumerate(missing) if not sources]
    done = 0
    while ready:
        call = waiting[ready.pop()]
        done += 1
        _remember(found, call.name, call.number, _call(call, _inputs(call.sources, found, None, None)))
        for index in readers.get((call.name, call.number), []):
            missing[index].discard((call.name, call.number))
            if not missing[index]:
                ready.append(index)
    if done < len(waiting):
        for call, sources in zip(waiting, missing, strict=True):
            call.node.macs = None if sources else call.node.macs


def _call(call: _Call, inputs: list[Shape]) -> Shape | None:
    """Work out one call of a layer: its output shape, and its MACs, which add up over calls."""
    node, first = call.node, call.number == 0
    config = {**node.config, "reverse": True} if call.reverse else node.config
    try:
        output = output_shape(node.kind, config, inputs)
        macs = layer_macs(node.kind, config, inputs, output)
    except _NONSENSE:
        output, macs = None, None
    if output is not None and any(abs(size) > MAX_SIZE for size in output):
        output = None
    if macs is None or node.macs is None or not 0 <= node.macs + macs <= MAX_MACS:
        node.macs = None
    else:
        node.macs += macs
    if first:
        node.output = output
    return output


def _repeat(nodes: list[_Node], number: int) -> None:
    """Count the layers of a nested model once more: it is called again on inputs of the same shapes."""
    for node in nodes:
        if node.macs is not None:
            node.macs += node.macs // number


def _inputs(
    sources: list[tuple[str, int]] | None,
    found: dict[tuple[str, int], Shape],
    previous: Shape | None,
    declared: Shape | None,
) -> list[Shape]:
    """Return the shapes that a call is given, from the layers it names, the layer before, or its own build record."""
    if sources:
        known = [found.get((name, number), found.get((name, 0))) for name, number in sources]
        if all(shape is not None for shape in known):
            return [shape for shape in known if shape is not None]
    if previous is not None:
        return [previous]
    return [] if declared is None else [declared]


def _remember(found: dict[tuple[str, int], Shape], name: str, number: int, shape: Shape | None) -> None:
    if shape is not None:
        found[name, number] = shape


def _declared_shape(layer: dict[str, Any]) -> Shape | None:
    """Return the shape that a layer's record states, without the batch; None if it states none."""
    config = layer["config"] if isinstance(layer["config"], dict) else {}
    build = layer.get("build_config")
    stated = config.get("batch_shape") or config.get("batch_input_shape")
    stated = stated or (build.get("input_shape") if isinstance(build, dict) else None)
    if not isinstance(stated, list | tuple) or not stated:
        return None
    if not all(size is None or isinstance(size, int) for size in stated):
        return None
    return tuple(-1 if size is None or not 0 <= size <= MAX_SIZE else size for size in stated[1:])


def _calls(nodes: Any) -> list[list[tuple[str, int]]]:
    """Return, for each call of a layer, the layers (and which call of each) that feed it."""
    return [list(_sources(node)) for node in nodes] if isinstance(nodes, list | tuple) else []


def _reversed_calls(nodes: Any) -> set[int]:
    """Return the numbers of the calls of an embedding that ask for its reverse, from vectors to logits."""
    return {number for number, node in enumerate(nodes) if _asks_reverse(node)} if isinstance(nodes, list) else set()


def _asks_reverse(item: Any) -> bool:
    """Tell whether a node, of Keras 2 or 3, has it among the call's arguments."""
    if isinstance(item, dict):
        return item.get("reverse") is True or _asks_reverse(item.get("kwargs"))
    return isinstance(item, list | tuple) and any(_asks_reverse(value) for value in item)


def _sources(item: Any) -> Iterator[tuple[str, int]]:
    """Yield the references in a node: Keras 2's `[name, node, tensor, ...]`, Keras 3's `keras_history`."""
    if isinstance(item, dict):
        history = item.get("keras_history")
        if isinstance(history, list | tuple) and len(history) >= 2:
            yield _name(history[0]), int(history[1])
            return
        for key, value in item.items():
            if not str(key).endswith("mask"):  # what masks a layer's inputs is none of them
                yield from _sources(value)
    elif isinstance(item, list | tuple):
        if len(item) >= 3 and isinstance(item[0], str) and all(isinstance(part, int) for part in item[1:3]):
            yield _name(item[0]), int(item[1])
            item = [part for part in item[3:] if isinstance(part, dict)]  # Keras 2: tensors among keyword arguments
        for value in item:
            yield from _sources(value)


def _endpoints(stated: Any) -> list[tuple[str, int]]:
    """Return (layer, call) of a model's outputs: one reference, or a list or dictionary of them."""
    return list(_sources(stated)) if stated else []


def _name(name: Any) -> str:
    """Return a name as text that every encoding can write."""
    return str(name).encode("utf-8", "replace").decode()[:512]
