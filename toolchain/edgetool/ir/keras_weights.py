"""Read the weights and the configuration of `.keras` and `.h5` files with h5py, within the file's own bounds.

Nothing outside the file is read (external links and external storage are refused), and nothing may expand to far more
than what is stored.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.bounds.archive import open_archive
from edgetool.bounds.hdf5 import require_plain_hdf5
from edgetool.bounds.memory import MODEL_BYTES
from edgetool.bounds.parsing import parse_json
from edgetool.data.dataset import Array
from edgetool.errors import FileFormatError

if TYPE_CHECKING:
    import h5py

__all__ = ["Stored", "archive_weights", "class_folder", "damaged", "h5_weights", "read_archive", "read_h5"]

#: Deflate cannot do better than 1032 to 1.
MAX_EXPANSION = 1100

#: Folders of a `.keras` archive that hold the state of training.
_NOT_THE_MODEL = {"optimizer", "metrics", "compile_metrics", "_metrics"}

Layers = list[tuple[str, str]]
Weights = dict[str, tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds.

    Attributes:
        config: the model's configuration, parsed.
        groups: variables by the folder (`.keras`) or the layer (`.h5`) they are stored under, as (name, values).
    """

    config: Any
    groups: dict[str, list[tuple[str, Array]]]
    version: str
    notes: tuple[str, ...] = ()


def damaged(path: Path, found: str) -> FileFormatError:
    """Return the error for a file whose content contradicts itself."""
    return FileFormatError(
        str(path), found=found, expected="a sound Keras model file", next_step="save the model again with model.save"
    )


def read_archive(path: Path) -> Stored:
    """Read a `.keras` archive: `config.json` and `model.weights.h5`.

    Raises:
        FileFormatError: parts of absurd size.
        KeyError, ValueError, OSError: damaged in other ways.
    """
    import h5py

    with open_archive(path, free=MODEL_BYTES, expected="a sound Keras model file") as archive:
        config = _json(archive.read("config.json"), path)
        metadata = _json(archive.read("metadata.json"), path) if "metadata.json" in archive else {}
        weights = archive.read("model.weights.h5")
    require_plain_hdf5(weights, f"{path}: model.weights.h5")
    groups: dict[str, list[tuple[str, Array]]] = {}
    skipped = 0
    with h5py.File(io.BytesIO(weights), "r") as store:
        for group in _variable_groups(store):
            folder = str(group.name).strip("/").removesuffix("vars").strip("/")
            folder = folder.replace("_layer_checkpoint_dependencies", "layers")
            values = [(key, _values(group, key, path)) for key in sorted(group, key=_in_order)]
            if folder.split("/")[0] in _NOT_THE_MODEL:
                skipped += sum(int(array.nbytes) for _, array in values)
            elif values and "seed_generator" not in folder:
                groups[folder] = values
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return Stored(config, groups, str(version or "3")[:32], _optimizer_note(skipped))


def read_h5(path: Path) -> Stored:
    """Read an `.h5` file of `model.save` (Keras 2, or Keras 3's legacy format).

    Raises:
        FileFormatError: no architecture in it.
        KeyError, ValueError, OSError, RuntimeError: damaged in other ways.
    """
    import h5py

    require_plain_hdf5(path, str(path))
    with h5py.File(path, "r") as store:
        if "model_config" not in store.attrs:
            raise damaged(path, "no model_config: a file of weights only, or no Keras model")
        config = _json(_text(store.attrs["model_config"]), path)
        version = _text(store.attrs.get("keras_version", "2"))[:32]
        root = store["model_weights"]
        groups: dict[str, list[tuple[str, Array]]] = {}
        for name in root:
            group = _member_of(root, name, path)
            if isinstance(group, h5py.Group):
                groups[name] = [(item, _values(group, item, path)) for item in _weight_names(group)]
        skipped = 0
        if "optimizer_weights" in store:
            found: list[int] = []
            store["optimizer_weights"].visititems(
                lambda _, item: found.append(int(item.nbytes)) if isinstance(item, h5py.Dataset) else None
            )
            skipped = sum(found)
    return Stored(config, groups, version, _optimizer_note(skipped))


def class_folder(parent: str, kind: str, counts: Counter[str]) -> str:
    """Return the folder of a layer's weights in a `.keras` archive: its class in snake case, numbered in order.

    Source: keras/src/saving/saving_lib.py, `_save_container_state`.

    Args:
        parent: the folder of the model that the layer is in; empty for the outermost.
        kind: the layer's class.
        counts: how many layers of each class came before in this model; one is added.
    """
    snake = re.sub(r"\W+", "", kind)
    snake = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", snake)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", snake).lower()
    number = counts[snake]
    counts[snake] += 1
    folder = snake if number == 0 else f"{snake}_{number}"
    return f"{parent}/layers/{folder}" if parent else f"layers/{folder}"


def archive_weights(stored: Stored, layers: Layers) -> tuple[Weights, Weights]:
    """Return weights by layer name, and those that belong to no layer by folder.

    Args:
        stored: the file.
        layers: (name, folder) of every layer.
    """
    by_folder = {folder: name for name, folder in layers}
    found: dict[str, list[Array]] = {}
    strays: dict[str, list[Array]] = {}
    for folder, values in stored.groups.items():
        owner = next((by_folder[parent] for parent in _parents(folder) if parent in by_folder), None)
        arrays = [array for _, array in values]
        if owner is None:
            strays.setdefault(folder or "model", []).extend(arrays)
        else:
            found.setdefault(owner, []).extend(arrays)
    return _frozen(found), _frozen(strays)


def h5_weights(stored: Stored, layers: Layers) -> tuple[Weights, Weights]:
    """Return weights by layer name, and those that belong to no layer by group.

    A nested model has one group; its weights' names say the layer: `inner/kernel:0`, `outer/inner/kernel`.
    """
    names = {name for name, _ in layers}
    inner: dict[str, list[str]] = {}
    for name in names:
        if "/" in name:
            inner.setdefault(name.split("/")[0], []).append(name)
    found: dict[str, list[Array]] = {}
    strays: dict[str, list[Array]] = {}
    for group, values in stored.groups.items():
        for variable, array in values:
            if group in names:
                found.setdefault(group, []).append(array)
                continue
            parts = variable.split("/")[:-1]
            owners = [name for name in inner.get(group, ()) if name.rsplit("/", 1)[-1] in parts]
            if owners:
                found.setdefault(max(owners, key=lambda name: (name.count("/"), name)), []).append(array)
            else:
                strays.setdefault(group, []).append(array)
    return _frozen(found), _frozen(strays)


def _frozen(weights: dict[str, list[Array]]) -> Weights:
    return {name: tuple(arrays) for name, arrays in weights.items()}


def _parents(folder: str) -> Iterator[str]:
    """Yield a folder and those above it, the nearest first."""
    parts = folder.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def _json(text: str | bytes, path: Path) -> Any:
    return parse_json(text, str(path), expected="a sound Keras model file", next_step="save the model again")


def _variable_groups(store: h5py.Group) -> Iterable[h5py.Group]:
    """Return every group named `vars`; links are not followed."""
    import h5py

    found: list[Any] = []

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Group) and (name == "vars" or name.endswith("/vars")):
            found.append(item)

    store.visititems(visit)
    return found


def _member_of(group: h5py.Group, name: str, path: Path) -> Any:
    """Return what lies at `name` below `group`, refusing links that lead out of the file."""
    import h5py

    item = group
    for part in name.strip("/").split("/"):
        if isinstance(item.get(part, getlink=True), h5py.ExternalLink):
            raise damaged(path, f"a link to another file at {name!r}")
        item = item[part]
    return item


def _values(group: h5py.Group, name: str, path: Path) -> Array:
    """Return a variable's values, if the file stores about as many bytes as they take."""
    import h5py

    dataset = _member_of(group, name, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiubcV":
        raise damaged(path, f"no array of numbers at {name!r}")
    if dataset.external or dataset.is_virtual:
        raise damaged(path, f"values kept in another file at {name!r}")
    stored = int(dataset.id.get_storage_size())
    if int(dataset.nbytes) > MAX_EXPANSION * stored:
        raise damaged(path, f"{dataset.nbytes:,} bytes of values in {stored:,} stored bytes at {name!r}")
    values = np.asarray(dataset[()])
    if values.dtype.kind == "V":  # bfloat16: h5py knows it as opaque bytes
        if values.dtype.itemsize != 2:
            raise damaged(path, f"values of an unknown type at {name!r}")
        return np.asarray((values.view(np.uint16).astype(np.uint32) << 16).view(np.float32))
    return values


def _weight_names(group: h5py.Group) -> list[str]:
    """Return the names of a group's variables; Keras splits a long list into `weight_names0`, `weight_names1`, ..."""
    if "weight_names" in group.attrs:
        return [_text(item) for item in group.attrs["weight_names"]]
    names: list[str] = []
    for part in range(len(group.attrs)):
        names += [_text(item) for item in group.attrs.get(f"weight_names{part}", ())]
    return names


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _in_order(name: str) -> tuple[int, str]:
    return (int(name), name) if name.isdigit() and len(name) < 10 else (1 << 30, name)


def _optimizer_note(num_bytes: int) -> tuple[str, ...]:
    return (f"{num_bytes:,} bytes of the file are the state of training (optimizer, metrics)",) if num_bytes else ()
