"""The child's side of `edgetool train`: Keras 3, a checkpoint after every epoch, exact resume."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.load import check_fits, load_dataset
from edgetool.data.preprocess import apply
from edgetool.errors import DataError, InternalError, ManifestError, TrainingError
from edgetool.evaluate.evaluate import evaluate_outputs
from edgetool.schema import parse, to_builtins
from edgetool.store.atomic import atomic_path, write_text
from edgetool.store.manifest import EvaluationRecord
from edgetool.training.train import TrainRecord, TrainSettings
from edgetool.zoo import ModelCard, find_model, load_builder

__all__ = ["run"]

CHECKPOINT = "checkpoint.keras"
PROGRESS = "checkpoint.json"


def run(settings: dict[str, Any], out: str, emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Train (or go on training) and write `out/model.keras`; returns a `TrainRecord` as plain values."""
    wanted = parse(TrainSettings, settings, source="settings", error=InternalError)
    card = find_model(wanted.model)
    folder = Path(out)
    start = time.monotonic()
    dataset = apply(load_dataset(wanted.data), wanted.preprocessing)
    if dataset.train is None or dataset.train.labels is None:
        raise DataError(
            wanted.data,
            found="no labelled training split",
            expected="x_train and y_train",
            next_step="give other --data",
        )
    model, history = _restore_or_build(folder, wanted, card)
    check_fits(dataset, [_shape(t) for t in model.inputs], _shape(model.outputs[0]), card.task)
    train = dataset.train if wanted.max_samples is None else dataset.train.take(wanted.max_samples, seed=wanted.seed)
    for epoch in range(len(history), wanted.epochs):
        history.append(_epoch(model, train, dataset.val, wanted, epoch, emit))
        _checkpoint(folder, model, history)
    with atomic_path(folder / "model.keras") as temporary:
        model.save(temporary)
    record = TrainRecord(
        model=card.name,
        settings=wanted,
        data_source=dataset.source,
        data_digest=dataset.digest,
        splits=_sizes(dataset, train),
        history=tuple(history),
        validation=_score(model, dataset.val, dataset, card),
        test=_score(model, dataset.test, dataset, card),
        num_params=int(model.count_params()),
        seconds=round(sum(entry["seconds"] for entry in history), 3),
        versions={name: version(name) for name in ("keras", "tensorflow", "numpy")},
        facts={**dataset.facts, "this process": f"{time.monotonic() - start:.1f} s"},
    )
    plain: dict[str, Any] = to_builtins(record)
    return plain


def _restore_or_build(folder: Path, settings: TrainSettings, card: ModelCard) -> tuple[Any, list[dict[str, float]]]:
    import keras

    keras.utils.set_random_seed(settings.seed)
    if (folder / PROGRESS).is_file() and (folder / CHECKPOINT).is_file():
        try:
            history = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
            return keras.saving.load_model(folder / CHECKPOINT), list(history)
        except Exception as exc:
            raise ManifestError(
                str(folder / CHECKPOINT),
                found=f"a checkpoint that cannot be read ({type(exc).__name__}: {exc})",
                expected="a sound checkpoint",
                next_step="give --overwrite to begin anew",
            ) from exc
    model = load_builder(card)(keras)
    optimizer = keras.optimizers.get(
        {"class_name": settings.optimizer, "config": {"learning_rate": settings.learning_rate}}
    )
    losses = {
        "classification": "sparse_categorical_crossentropy",
        "binary": "binary_crossentropy",
        "regression": "mse",
        "reconstruction": "mse",
    }
    metrics = ["accuracy"] if card.task in ("classification", "binary") else ["mae"]
    model.compile(optimizer=optimizer, loss=losses[card.task], metrics=metrics)
    return model, []


def _epoch(
    model: Any,
    train: Split,
    val: Split | None,
    settings: TrainSettings,
    epoch: int,
    emit: Callable[[dict[str, Any]], None],
) -> dict[str, float]:
    """Train one epoch in an order that depends on seed and epoch only, so that a resumed run goes the same way."""
    start = time.monotonic()
    order = np.random.default_rng([settings.seed, epoch]).permutation(train.num_samples)
    total = math.ceil(train.num_samples / settings.batch_size)
    what = f"epoch {epoch + 1}/{settings.epochs}"
    model.reset_metrics()
    values: dict[str, Any] = {}
    assert train.labels is not None
    for step in range(total):
        chosen = order[step * settings.batch_size : (step + 1) * settings.batch_size]
        values = model.train_on_batch(_pack(train.inputs, chosen), train.labels[chosen], return_dict=True)
        emit({"what": what, "done": step, "total": total})
    if not math.isfinite(float(values["loss"])):
        raise TrainingError(
            what, found="a loss that is NaN or infinite", expected="a finite loss", next_step="lower --learning-rate"
        )
    entry = {name: float(value) for name, value in values.items()}
    if val is not None and val.labels is not None:
        scores = model.evaluate(_pack(val.inputs, None), val.labels, verbose=0, return_dict=True)
        entry |= {f"val_{name}": float(value) for name, value in scores.items()}
    entry["seconds"] = round(time.monotonic() - start, 3)
    shown = ", ".join(
        f"{name} {value:.4f}" for name, value in entry.items() if name.endswith(("loss", "accuracy", "mae"))
    )
    emit({"what": what, "done": total, "total": total})
    emit({"what": f"{what}: {shown}", "done": 1, "total": 1})
    return entry


def _checkpoint(folder: Path, model: Any, history: list[dict[str, float]]) -> None:
    """Write model and optimizer, then the history: a kill between the two repeats one epoch of the same order."""
    (folder / PROGRESS).unlink(missing_ok=True)
    with atomic_path(folder / CHECKPOINT) as temporary:
        model.save(temporary)
    write_text(folder / PROGRESS, json.dumps(history))


def _score(model: Any, split: Split | None, dataset: Dataset, card: ModelCard) -> EvaluationRecord | None:
    if split is None or (split.labels is None and card.task != "reconstruction"):
        return None
    outputs = np.asarray(model.predict(_pack(split.inputs, None), batch_size=256, verbose=0))
    return evaluate_outputs(
        (outputs,), split, metric=card.metric, task=card.task, runtime="keras", class_names=dataset.class_names
    )


def _pack(inputs: tuple[Array, ...], chosen: Array | None) -> Any:
    arrays = [x if chosen is None else x[chosen] for x in inputs]
    return arrays if len(arrays) > 1 else arrays[0]


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(-1 if size is None else int(size) for size in tensor.shape)


def _sizes(dataset: Dataset, train: Split) -> dict[str, int]:
    parts = dataclasses.replace(dataset, train=train)
    return {split.name: split.num_samples for split in (parts.train, parts.val, parts.test) if split is not None}
