"""Read `.keras` and `.h5` without any framework: configuration and weights, as a table of layers."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.keras_calls import calls_of, endpoints, layer_name, reversed_calls
from edgetool.ir.keras_shapes import Config, Shape, layer_macs, output_shape
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


def config_macs(config: Config) -> int | None:
    """Return the multiply-accumulates of a model's configuration; None where a layer's are not known.

    Args:
        config: `{"class_name": ..., "config": model.get_config()}`, as Keras writes it into files.
    """
    macs = [node.macs for node in _outline(config).nodes]
    return None if any(found is None for found in macs) else sum(found for found in macs if found is not None)


def _spec(name: str, shape: Shape | None, dtype: str) -> TensorSpec:
    return TensorSpec(name, (-1, *(shape or ())), dtype)


def _dtype(config: Config) -> str:
    """Return the type that a layer computes in; Keras writes a name, or a policy as a nested object."""
    found = config.get("dtype")
    if isinstance(found, dict):
        inner = found.get("config")
        found = inner.get("name") if isinstance(inner, dict) else None
    return found if isinstance(found, str) and len(found) < 32 else "float32"


def _outline(config: Config) -> _Outline:
    outline = _Outline()
    inner = config["config"]
    if isinstance(inner, list) or (isinstance(inner, dict) and isinstance(inner.get("layers"), list)):
        _Level(outline, "", "", [], 0).walk(inner)
    return outline


class _Level:
    """One model of a configuration, which may be nested in another: its layers are worked out in order.

    Args:
        outline: what layers are added to.
        prefix: of the names of its layers.
        folder: of their weights.
        given: shapes that the model is called on.
        depth: how deep it is nested; 0 is the outermost model.
    """

    def __init__(self, outline: _Outline, prefix: str, folder: str, given: list[Shape], depth: int) -> None:
        self._outline = outline
        self._prefix = prefix
        self._folder = folder
        self._depth = depth
        self._given = list(given)
        self._previous: Shape | None = given[0] if given else None
        self._last = ""
        self._counts: Counter[str] = Counter()
        self._shapes: dict[tuple[str, int], Shape] = {}
        self._dtypes: dict[str, str] = {}
        self._later: set[tuple[str, int]] = set()
        self._waiting: list[_Call] = []

    def walk(self, config: Config | list[Config]) -> list[tuple[str, Shape | None, str]]:
        """Add the layers of the model to the outline and return its outputs as (name, shape, dtype)."""
        layers = config["layers"] if isinstance(config, dict) else config
        if self._depth > MAX_NESTING:
            raise ValueError(f"models nested more than {MAX_NESTING} deep")
        if len(self._outline.nodes) + len(layers) > MAX_LAYERS:
            raise ValueError(f"a model of more than {MAX_LAYERS:,} layers")
        self._later = _all_calls(layers)
        for layer in layers:
            self._add(layer)
        _catch_up(self._waiting, self._shapes, self._later)
        outputs = self._outputs(config)
        if self._depth == 0:
            self._outline.outputs = outputs
        return outputs

    def _add(self, layer: Config) -> None:
        kind, own = str(layer["class_name"]), layer["config"]
        own = own if isinstance(own, dict) else {"layers": own}
        short = layer_name(own.get("name") or layer.get("name") or kind)
        node = _Node(self._prefix + short, class_folder(self._folder, kind, self._counts), kind, own)
        self._dtypes[short] = _dtype(own)
        self._last = short
        declared = _declared_shape(layer)
        calls, reverse = calls_of(layer.get("inbound_nodes")), reversed_calls(layer.get("inbound_nodes"))
        is_nested = isinstance(own.get("layers"), list)
        if not is_nested:
            self._outline.nodes.append(node)
        if kind == "InputLayer":
            self._add_input(node, short, declared)
            return
        is_at_the_start = self._previous is None and not calls and self._depth == 0 and not self._outline.inputs
        if is_at_the_start and declared is not None:
            self._outline.inputs.append(_Node(f"{short}_input", "", "InputLayer", own, declared))
        if is_nested:
            self._call_model(node, short, calls, declared)
            return
        for number, sources in enumerate(calls or [None]):
            self._call_layer(_Call(node, short, number, sources or [], number in reverse), sources, declared)

    def _add_input(self, node: _Node, short: str, declared: Shape | None) -> None:
        node.output = self._given.pop(0) if self._given else declared
        if self._depth == 0:
            self._outline.inputs.append(node)
        self._later.discard((short, 0))
        _remember(self._shapes, short, 0, node.output)
        self._previous = node.output if node.output is not None else self._previous

    def _call_layer(self, call: _Call, sources: list[tuple[str, int]] | None, declared: Shape | None) -> None:
        inputs = self._inputs(sources, declared)
        if any(source in self._later for source in call.sources):
            self._waiting.append(call)
            return
        self._keep(call.name, call.number, _call(call, inputs))

    def _call_model(self, node: _Node, short: str, calls: list[list[tuple[str, int]]], declared: Shape | None) -> None:
        """Walk a nested model for its first call; further ones are on inputs of the same shapes."""
        start = len(self._outline.nodes)
        inputs = self._inputs(calls[0] if calls else None, declared)
        inner = _Level(self._outline, f"{node.name}/", node.folder, inputs, self._depth + 1)
        ends = inner.walk(node.config)
        output = ends[0][1] if len(ends) == 1 else None
        self._keep(short, 0, output)
        for number in range(1, len(calls)):
            _repeat(self._outline.nodes[start:], number)
            self._keep(short, number, output)

    def _inputs(self, sources: list[tuple[str, int]] | None, declared: Shape | None) -> list[Shape]:
        return _inputs(sources, self._shapes, self._previous if sources is None else None, declared)

    def _keep(self, short: str, number: int, output: Shape | None) -> None:
        """Remember what a call gives, and that nothing waits for it."""
        _remember(self._shapes, short, number, output)
        self._later.discard((short, number))
        self._previous = output

    def _outputs(self, config: Config | list[Config]) -> list[tuple[str, Shape | None, str]]:
        names = endpoints(config.get("output_layers") if isinstance(config, dict) else None)
        ends = [(name, self._shapes.get((name, number), self._shapes.get((name, 0)))) for name, number in names]
        if not names and self._last:
            ends = [(self._last, self._previous)]
        return [(self._prefix + name, shape, self._dtypes.get(name, "float32")) for name, shape in ends]


def _all_calls(layers: list[Config]) -> set[tuple[str, int]]:
    """Return (layer, call) of all calls in a configuration."""
    return {
        (layer_name(own.get("name") or layer.get("name") or layer["class_name"]), number)
        for layer in layers
        for own in [layer["config"] if isinstance(layer["config"], dict) else {}]
        for number in range(max(1, len(calls_of(layer.get("inbound_nodes")))))
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


def _declared_shape(layer: Config) -> Shape | None:
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
