"""Read `.keras` and `.h5` without any framework: configuration and weights, as a table of layers."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError

__all__ = ["KerasLayer", "KerasModel", "read_keras"]

MAX_CONFIG_BYTES = 64 << 20
MAX_LAYERS = 100_000

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """One layer.

    Attributes:
        output_shape: without the batch; None where it cannot be told without running the model.
        weights: every variable of the layer, in file order.
        macs: of one sample; None where unknown.
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
    input_shapes: tuple[Shape, ...]
    keras_version: str


def read_keras(path: Path, kind: str) -> KerasModel:
    """Read configuration and weights; nothing of the model is executed.

    Args:
        path: the file.
        kind: `keras` or `h5`.

    Raises:
        FileFormatError: damaged, or without an architecture (weights only).
    """
    try:
        return _read_archive(path) if kind == "keras" else _read_h5(path)
    except (
        zipfile.BadZipFile,
        OSError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        EOFError,
    ) as exc:
        raise _damaged(path.name, f"{type(exc).__name__}: {' '.join(str(exc).split())[:200]}") from None
    except (RecursionError, zipfile.LargeZipFile, NotImplementedError) as exc:
        raise _damaged(path.name, f"{type(exc).__name__}") from None


def _read_archive(path: Path) -> KerasModel:
    import h5py

    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
            raise _damaged(path.name, "a configuration of absurd size")
        config = json.loads(archive.read("config.json"))
        metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in archive.namelist() else {}
        limit = 1000 * max(path.stat().st_size, 1 << 20)
        if archive.getinfo("model.weights.h5").file_size > limit:
            raise _damaged(path.name, "weights that expand to an absurd size")
        weights = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(weights), "r") as store:
        by_folder = {
            group.name.rsplit("/vars", 1)[0].strip("/"): [np.asarray(group[key]) for key in sorted(group, key=_number)]
            for group in _groups(store)
            if group.name.endswith("/vars") and len(group)
        }
    layers = list(_flatten(config["config"]))
    weights_of = _match_archive(layers, by_folder)
    return _assemble(layers, weights_of, str(metadata.get("keras_version", "3")))


def _read_h5(path: Path) -> KerasModel:
    import h5py

    with h5py.File(path, "r") as store:
        if "model_config" not in store.attrs:
            raise _damaged(path.name, "no model_config: a file of weights only, or no Keras model")
        raw = store.attrs["model_config"]
        config = json.loads(raw if isinstance(raw, str) else raw.decode("utf-8"))
        version = str(store.attrs.get("keras_version", "2"))
        root = store["model_weights"]
        weights_of: dict[str, tuple[Array, ...]] = {}
        for name in root:
            group = root[name]
            names = [item if isinstance(item, str) else item.decode("utf-8") for item in group.attrs["weight_names"]]
            weights_of[name] = tuple(np.asarray(group[item]) for item in names)
    return _assemble(list(_flatten(config["config"])), weights_of, version)


def _groups(store: Any) -> Iterator[Any]:
    import h5py

    found: list[Any] = []
    store.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Group) else None)
    yield from found


def _number(name: str) -> tuple[int, str]:
    return (int(name), name) if name.isdigit() else (1 << 30, name)


def _flatten(config: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, layer configuration) of every layer, nested models included."""
    if depth > 20:
        raise ValueError("models nested too deep")
    layers = config["layers"] if isinstance(config, dict) else config
    if len(layers) > MAX_LAYERS:
        raise ValueError("too many layers")
    for layer in layers:
        inner = layer["config"]
        name = prefix + str(inner.get("name", layer.get("name", layer["class_name"])))
        if isinstance(inner, dict) and "layers" in inner:
            yield from _flatten(inner, f"{name}/", depth + 1)
        else:
            yield name, layer


def _match_archive(
    layers: list[tuple[str, dict[str, Any]]], by_folder: dict[str, list[Array]]
) -> dict[str, tuple[Array, ...]]:
    """Match weight folders with layers: Keras names a folder after the layer's class, numbered in order, or its name.

    Source: keras/src/saving/saving_lib.py, `_save_container_state`.
    """
    from itertools import count

    found: dict[str, tuple[Array, ...]] = {}
    counters: dict[str, Any] = {}
    for name, layer in layers:
        snake = _snake_case(str(layer["class_name"]))
        parent = "/".join(name.split("/")[:-1])
        number = next(counters.setdefault(f"{parent}:{snake}", count()))
        own = name.rsplit("/", 1)[-1]
        candidates = [own, snake if number == 0 else f"{snake}_{number}"]
        for folder, arrays in by_folder.items():
            parts = folder.split("/")
            if any(
                part in candidates for part in parts[:3] if part not in ("layers", "_layer_checkpoint_dependencies")
            ):
                in_order = parts[1] if parts[0] in ("layers", "_layer_checkpoint_dependencies") else parts[0]
                if in_order in candidates:
                    found[name] = (*found.get(name, ()), *arrays)
    return found


def _snake_case(name: str) -> str:
    """Turn `Conv2D` into `conv2d` and `BatchNormalization` into `batch_normalization`, as Keras does."""
    import re

    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _assemble(
    layers: list[tuple[str, dict[str, Any]]],
    weights_of: dict[str, tuple[Array, ...]],
    version: str,
) -> KerasModel:
    shapes = _propagate(layers)
    inputs = tuple(_without_batch(_input_shape_of(layer)) for _, layer in layers if layer["class_name"] == "InputLayer")
    if not inputs and layers:
        first = _without_batch(_input_shape_of(layers[0][1]))
        inputs = (first,) if first else ()
    assembled = []
    for name, layer in layers:
        short = name.rsplit("/", 1)[-1]
        weights = weights_of.get(name, weights_of.get(short, ()))
        output = shapes.get(name)
        kind = str(layer["class_name"])
        assembled.append(KerasLayer(name, kind, output, weights, _macs(kind, weights, output)))
    return KerasModel(tuple(assembled), inputs, version)


def _input_shape_of(layer: dict[str, Any]) -> Any:
    config = layer["config"]
    return (
        config.get("batch_shape") or config.get("batch_input_shape") or layer.get("build_config", {}).get("input_shape")
    )


def _without_batch(shape: Any) -> Shape:
    if not isinstance(shape, list | tuple) or not shape:
        return ()
    return tuple(-1 if size is None else int(size) for size in shape[1:])


def _propagate(layers: list[tuple[str, dict[str, Any]]]) -> dict[str, Shape]:
    """Return output shapes (without batch) as far as configurations tell them."""
    found: dict[str, Shape] = {}
    previous: Shape | None = None
    for name, layer in layers:
        prefix = name.rsplit("/", 1)[0] + "/" if "/" in name else ""
        sources = [prefix + source for source in _inbound(layer.get("inbound_nodes"))]
        known = [found[source] for source in sources if source in found]
        own = _without_batch(_input_shape_of(layer))
        if known:
            given: Shape | None = known[0]
        elif own:
            given = own
        else:
            given = previous if not sources else None
        output = _output_shape(str(layer["class_name"]), layer["config"], given, known)
        if output is not None:
            found[name] = output
        previous = output
    return found


def _inbound(nodes: Any) -> list[str]:
    """Return the names of the layers that feed this one, from Keras 2's lists or Keras 3's `keras_history`."""
    names: list[str] = []

    def walk(item: Any, depth: int) -> None:
        if depth > 12:
            return
        if isinstance(item, dict):
            history = item.get("keras_history")
            if isinstance(history, list) and history:
                names.append(str(history[0]))
                return
            for value in item.values():
                walk(value, depth + 1)
        elif isinstance(item, list | tuple):
            if len(item) >= 3 and isinstance(item[0], str) and all(isinstance(x, int) for x in item[1:3]):
                names.append(item[0])
                return
            for value in item:
                walk(value, depth + 1)

    walk(nodes, 0)
    return names


_SAME_SHAPE = {
    "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "Softmax", "Dropout", "LayerNormalization",
    "Add", "Multiply", "Subtract", "Average", "Maximum", "Rescaling", "Normalization", "GaussianNoise", "ELU",
    "SpatialDropout2D", "SpatialDropout1D",
}  # fmt: skip


def _output_shape(kind: str, config: dict[str, Any], given: Shape | None, known: list[Shape]) -> Shape | None:
    if kind == "InputLayer":
        return given
    if given is None:
        return None
    if kind in _SAME_SHAPE:
        return given
    if kind in ("Conv2D", "Conv1D", "SeparableConv2D", "SeparableConv1D"):
        return (*_window(config, given, "kernel_size"), int(config["filters"]))
    if kind == "DepthwiseConv2D":
        return (*_window(config, given, "kernel_size"), given[-1] * int(config.get("depth_multiplier", 1)))
    if kind in ("MaxPooling2D", "AveragePooling2D", "MaxPooling1D", "AveragePooling1D"):
        return (*_window(config, given, "pool_size"), given[-1])
    if kind == "Dense":
        return (*given[:-1], int(config["units"]))
    if kind == "Flatten":
        return (math.prod(given),)
    if kind.startswith("Global"):
        return (given[-1],)
    if kind == "Reshape":
        target = tuple(int(size) for size in config["target_shape"])
        missing = math.prod(given) // max(1, -math.prod(target)) if -1 in target else 0
        return tuple(missing if size == -1 else size for size in target)
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = config["padding"]
        return (given[0] + top + bottom, given[1] + left + right, given[2])
    if kind == "Concatenate" and known:
        return (*given[:-1], sum(shape[-1] for shape in known))
    return None


def _window(config: dict[str, Any], given: Shape, size_key: str) -> Shape:
    """Return the spatial output of a convolution or pooling, per dimension."""
    sizes = _pair(config[size_key], len(given) - 1)
    strides = _pair(config.get("strides") or config[size_key], len(given) - 1)
    dilation = _pair(config.get("dilation_rate", 1), len(given) - 1)
    found = []
    for size, window, stride, spread in zip(given[:-1], sizes, strides, dilation, strict=True):
        if size < 0:
            found.append(-1)
        elif config.get("padding") == "same":
            found.append(-(-size // stride))
        else:
            found.append(max(0, (size - (window - 1) * spread - 1) // stride + 1))
    return tuple(found)


def _pair(value: Any, count: int) -> tuple[int, ...]:
    return tuple(int(item) for item in value) if isinstance(value, list | tuple) else (int(value),) * count


def _macs(kind: str, weights: tuple[Array, ...], output: Shape | None) -> int | None:
    """Return multiply-accumulates of one sample; 0 for layers without kernels; None where the shape is unknown."""
    kernels = [array for array in weights if array.ndim >= 2]
    if not kernels:
        return 0
    if output is None or any(size < 0 for size in output):
        return None
    if kind in ("Conv2D", "Conv1D"):
        return math.prod(output) * math.prod(kernels[0].shape[:-1])
    if kind == "DepthwiseConv2D":
        return math.prod(output) * math.prod(kernels[0].shape[:2])
    if kind == "Dense":
        return math.prod(output) * int(kernels[0].shape[0])
    if kind.startswith("SeparableConv") and len(kernels) == 2:
        positions = math.prod(output[:-1])
        return positions * (kernels[0].size + kernels[1].size)
    return None


def _damaged(subject: str, found: str) -> FileFormatError:
    return FileFormatError(
        subject, found=found, expected="a sound Keras model file", next_step="save the model again with model.save"
    )
