"""Load a Keras model of any generation as a tf_keras model."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.artifact import Format, TensorSpec, require_format
from edgetool.bounds.archive import open_archive
from edgetool.bounds.memory import MODEL_BYTES, bounded_memory
from edgetool.data.batching import fitting_batch
from edgetool.data.chunks import let_go
from edgetool.data.dataset import Array
from edgetool.errors import EdgetoolError, FileFormatError, UnsupportedModelError
from edgetool.importers.alike import difference_of, listed, require_alike
from edgetool.importers.base import ImportedModel, ImportOptions
from edgetool.importers.keras2 import flat_model
from edgetool.importers.keras_precision import compute_in_float32
from edgetool.importers.trust import read_config, require_bounded_weights, require_trusted

if TYPE_CHECKING:
    import keras
    import tf_keras
    from tf_keras.src.engine.keras_tensor import KerasTensor

__all__ = ["adopt", "carry_checked", "flat_checked", "load_keras", "predict"]

#: Samples that a model runs at once, at most, and how many such batches are handed to it together.
MAX_BATCH = 64
BATCHES_AT_ONCE = 16


def load_keras(path: Path, options: ImportOptions) -> ImportedModel:
    """Load a `.keras`, `.h5` or SavedModel as a tf_keras model; see `Importer`.

    Raises:
        FileFormatError: damaged, not what its suffix says, or it claims far more than it stores.
        UntrustedModelError: it carries code and `options.trust` is not set.
        UnsupportedModelError: not a Keras model with layers, or a layer that tf_keras does not have.
        ParityError: a model carried over from Keras 3 gives other outputs.
    """
    kind = require_format(path)
    require_bounded_weights(path, kind)
    if not options.trust:
        require_trusted(path, kind)
    if kind == "saved_model":
        return _adopt_keras2(_load_saved_model(path), str(path), kind)
    if not _is_keras3(path, kind):
        return _adopt_keras2(_load_keras2(path, options.trust), str(path), kind)
    rebuilt, fact = carry_checked(_load_keras3(path, options.trust), str(path))
    return adopt(rebuilt, str(path), kind, facts={"carried over": fact})


def carry_checked(source: keras.Model, subject: str) -> tuple[tf_keras.Model, str]:
    """Carry a Keras 3 model over to tf_keras and prove it by equal outputs.

    Returns:
        the tf_keras model, and a sentence on how far the two are apart.

    Raises:
        UnsupportedModelError: a layer that tf_keras does not have, or open dimensions.
        ParityError: other outputs.
    """
    from edgetool.importers.keras3 import carry_over

    if getattr(source, "inputs", None):
        _require_static(subject, source)
    policies = compute_in_float32(source)
    rebuilt = carry_over(source)
    difference = difference_of(source, rebuilt)
    require_alike(subject, difference)
    fact = f"from Keras 3 to tf_keras, largest relative difference {difference}"
    return rebuilt, f"{fact}; trained as {policies}, compared in float32" if policies else fact


def flat_checked(model: tf_keras.Model, subject: str) -> tuple[tf_keras.Model, str]:
    """Write out the nested models of a tf_keras model in float32, and prove it by equal outputs.

    Returns:
        the model, and a sentence on what was done; empty: nothing.

    Raises:
        UnsupportedModelError: open dimensions.
        ParityError: other outputs.
    """
    _require_static(subject, model)
    flat, policies = flat_model(model)
    if flat is model:
        return model, ""
    if policies:
        return flat, f"trained as {policies}, computed in float32"
    difference = difference_of(model, flat)
    require_alike(subject, difference)
    return flat, f"nested models written out, largest relative difference {difference}"


def _adopt_keras2(model: tf_keras.Model, subject: str, kind: Format) -> ImportedModel:
    flat, fact = flat_checked(model, subject)
    return adopt(flat, subject, kind, facts={"layers": fact} if fact else {})


def adopt(
    model: tf_keras.Model,
    subject: str,
    kind: Format,
    *,
    runtime: str = "keras",
    run: Callable[[tuple[Array, ...]], tuple[Array, ...]] | None = None,
    digest: str = "",
    facts: dict[str, str] | None = None,
) -> ImportedModel:
    """Describe a tf_keras model as what an importer gives.

    Args:
        model: functional, with known inputs and outputs.
        subject: what errors are about.
        kind: where it came from.
        runtime: what `run` runs in.
        run: the source's own outputs; default: those of `model`.
        digest: The digest of `ImportedModel`.
        facts: The facts of `ImportedModel`.

    Raises:
        UnsupportedModelError: inputs that are not defined, or open dimensions other than the batch.
    """
    _require_static(subject, model)
    return ImportedModel(
        model=model,
        source_format=kind,
        num_params=int(model.count_params()),
        inputs=tuple(_spec(tensor) for tensor in model.inputs),
        outputs=_outputs(model),
        last_activation=_last_activation(model),
        runtime=runtime,
        run=run or (lambda inputs: predict(model, inputs)),
        digest=digest,
        facts=facts or {},
    )


def _spec(tensor: KerasTensor) -> TensorSpec:
    name = str(tensor.name).partition(":")[0]
    shape = tuple(-1 if size is None else int(size) for size in tensor.shape)
    return TensorSpec(name, shape, str(getattr(tensor.dtype, "name", tensor.dtype)))


def _outputs(model: tf_keras.Model) -> tuple[TensorSpec, ...]:
    """Return the outputs under the names that Keras gives them: those of their layers, not of their tensors."""
    specs = tuple(_spec(tensor) for tensor in model.outputs)
    names = [str(name) for name in model.output_names]
    if len(names) != len(specs) or len(set(names)) != len(names):
        return specs
    return tuple(dataclasses.replace(spec, name=name) for spec, name in zip(specs, names, strict=True))


def predict(model: tf_keras.Model, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Run a tf_keras model on all samples; a fixed batch is filled up with the last sample."""
    num_samples = len(inputs[0])
    fixed = model.inputs[0].shape[0]
    batch = int(fixed) if fixed is not None else fitting_batch([x.shape for x in inputs], min(MAX_BATCH, num_samples))
    arrays = list(inputs)
    if fixed is not None and num_samples % batch:
        arrays = [np.concatenate([x, np.repeat(x[-1:], -num_samples % batch, axis=0)]) for x in arrays]
    parts = []
    for start in range(0, len(arrays[0]), batch * BATCHES_AT_ONCE):  # predict copies all that it is given
        chunk = [np.asarray(x[start : start + batch * BATCHES_AT_ONCE]) for x in arrays]
        outputs = model.predict(chunk if len(chunk) > 1 else chunk[0], batch_size=batch, verbose=0)
        parts.append(_in_order(model, outputs))
        for array in arrays:
            let_go(array)
    return tuple(np.concatenate(rows)[:num_samples] for rows in zip(*parts, strict=True))


def _in_order(model: tf_keras.Model, outputs: Array | list[Array] | dict[str, Array]) -> list[Array]:
    """Return what `predict` gave as a list, in the order of the model's outputs."""
    if isinstance(outputs, dict):
        names = list(model.output_names)
        outputs = [outputs[name] for name in (names if set(names) == set(outputs) else outputs)]
    return [np.asarray(array) for array in listed(outputs)]


def _last_activation(model: tf_keras.Model) -> str:
    """Return the name of the activation that makes the first output; empty where it cannot be told."""
    layer = getattr(model.outputs[0], "_keras_history", [None])[0]
    inner = getattr(layer, "layer", layer)
    if type(inner).__name__ == "Softmax":
        return "softmax"
    return str(getattr(getattr(inner, "activation", None), "__name__", ""))


def _is_keras3(path: Path, kind: Format) -> bool:
    """Tell Keras 3 from Keras 2, by the version in the file or by `build_config`, which only Keras 3 writes in .h5."""
    major = _version(path, kind).partition(".")[0]
    if major.isdecimal():
        return int(major) >= 3
    if kind == "keras":
        return True
    layers = read_config(path, kind).get("config", {})
    entries = layers.get("layers", []) if isinstance(layers, dict) else layers
    return any(isinstance(entry, dict) and "build_config" in entry for entry in entries)


def _version(path: Path, kind: Format) -> str:
    """Return the version of Keras that a file says it was written by; empty where it does not say, or cannot."""
    version: Any = ""
    with contextlib.suppress(FileFormatError, OSError, LookupError, ValueError, AttributeError, RecursionError):
        if kind == "keras":
            with open_archive(path, free=MODEL_BYTES) as archive:
                version = json.loads(archive.read("metadata.json")).get("keras_version", "")
        else:
            import h5py

            with h5py.File(path, "r") as store:
                version = store.attrs.get("keras_version", "")
    return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)


def _load_keras3(path: Path, trust: bool) -> keras.Model:
    import keras

    with _loading(path):
        return keras.saving.load_model(path, compile=False, safe_mode=not trust)


def _load_keras2(path: Path, trust: bool) -> tf_keras.Model:
    import tf_keras

    with _loading(path):
        return _functional(tf_keras.models.load_model(path, compile=False, safe_mode=not trust))


def _load_saved_model(path: Path) -> tf_keras.Model:
    import tf_keras

    if not (path / "keras_metadata.pb").is_file():
        raise UnsupportedModelError(
            str(path),
            found="a SavedModel without Keras layers",
            expected="a SavedModel that Keras 2 wrote, or a .keras or .h5 file",
            next_step="save the model with model.save('model.keras')",
        )
    with _loading(path):
        return _functional(tf_keras.models.load_model(path, compile=False))


@contextlib.contextmanager
def _loading(path: Path) -> Iterator[None]:
    """Bound what a loader takes, as layers may claim any size, and turn what it raises into one error."""
    try:
        with bounded_memory(path):
            yield
    except EdgetoolError:
        raise
    except Exception as exc:  # noqa: BLE001 - readers raise anything on a damaged file
        raise _refused(path, exc) from None


def _functional(model: tf_keras.Model) -> tf_keras.Model:
    """Return a functional model with plain inputs: TF-MOT wants no Sequential without an input and no old wrappers."""
    import tf_keras

    if isinstance(model, tf_keras.Sequential) and not model.built:
        return model
    if hasattr(model, "inputs") and model.inputs:
        return tf_keras.Model(model.inputs, model.outputs, name=model.name)
    return model


def _require_static(subject: str, model: keras.Model | tf_keras.Model) -> None:
    if not getattr(model, "inputs", None):
        raise UnsupportedModelError(
            subject,
            found="a model whose inputs are not defined",
            expected="a functional or built sequential model",
            next_step="give the first layer an input shape, or build the model before saving it",
        )
    for tensor in model.inputs:
        open_dims = [index for index, size in enumerate(tensor.shape) if size is None and index > 0]
        if open_dims:
            raise UnsupportedModelError(
                f"{subject}: input {tensor.name}",
                found=f"open dimensions {open_dims} in shape {tuple(tensor.shape)}",
                expected="only the batch may be open: devices have fixed memory",
                next_step="rebuild the model with a fixed input shape and copy the weights",
            )


def _refused(path: Path, exc: Exception) -> FileFormatError:
    return FileFormatError(
        str(path),
        found=f"a model that Keras cannot load ({type(exc).__name__}: {' '.join(str(exc).split())[:300]})",
        expected="a sound model of standard layers",
        next_step="save the model again; custom layers must be replaced by standard ones",
    )
