"""The child's side of training: one checkpoint an epoch, the same weights whether or not it was interrupted."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetool.data.dataset import SPLIT_SEED, Dataset, Split
from edgetool.data.load import check_fits, load_dataset
from edgetool.data.split import add_validation_to_train
from edgetool.errors import DataError, TrainingError, UnsupportedModelError, UsageError
from edgetool.options.commands import ModelOptions
from edgetool.schema import parse, to_builtins
from edgetool.tasks import Task, infer_task
from edgetool.training.backends import Devices, open_devices
from edgetool.training.builder import build_model, card_of
from edgetool.training.checkpoint import read_checkpoint, write_checkpoint
from edgetool.training.cost import CostMeter
from edgetool.training.early_stopping import best_epoch, is_over
from edgetool.training.finish import finish
from edgetool.training.folder import TrainFolder, open_train_folder
from edgetool.training.optimizer import learning_rate_at
from edgetool.training.procedure import Procedure, Workload, load_procedure
from edgetool.training.record import EpochRecord, TrainSettings
from edgetool.training.request import TrainRequest, apply_options
from edgetool.training.tensorboard import TrainingLog
from edgetool.zoo import ModelCard

if TYPE_CHECKING:
    import keras

__all__ = ["train"]

Emit = Callable[[dict[str, Any]], None]

#: Least time between two progress events; a child whose parent has gone finds out, and ends, at the next one.
REPORT_SECONDS = 0.1


def train(request: dict[str, object], emit: Emit) -> dict[str, Any]:
    """Train a model; see `edgetool.training.train.train_model`.

    Args:
        request: a `TrainRequest` as plain values.
        emit: takes progress and finished epochs.

    Returns:
        The `TrainRecord` as plain values.
    """
    asked = parse(TrainRequest, request, source="request", error=UsageError)
    card = card_of(asked.name, asked.model)
    recipe = apply_options(card.training, asked.recipe)
    emit({"what": "load data", "done": 0, "total": 1})
    dataset = load_dataset(asked.data, label_column=asked.label_column, image_size=asked.image_size)
    if recipe.with_validation:
        dataset = add_validation_to_train(dataset)
    emit({"what": "load data", "done": 1, "total": 1})
    devices = open_devices(asked.compute, recipe.batch_size)
    model = _build(card, asked, devices)
    task = _task(model, dataset, card, asked.model)
    check_fits(dataset, [_shape(tensor) for tensor in model.inputs], _shape(model.outputs[0]), task.name)
    split = _training_split(dataset, task, asked.max_samples)
    work = Workload(card, task, recipe, split, dataset.val, devices, asked.seed)
    _require_validation(work)
    architecture = _architecture(model, card)
    procedure = load_procedure(recipe.procedure)(model, work)
    with open_train_folder(Path(asked.out), _settings(work, dataset, asked), overwrite=asked.overwrite) as folder:
        _resume(procedure, folder, architecture, emit)
        meter = CostMeter(devices)
        _run_epochs(procedure, folder, work, meter, emit)
        record = finish(model, folder, dataset, work, meter)
    plain: dict[str, Any] = to_builtins(record)
    return plain


def _build(card: ModelCard, asked: TrainRequest, devices: Devices) -> keras.Model:
    """Return the untrained model, seeded, on the devices, computing as asked."""
    import keras

    keras.utils.set_random_seed(asked.seed)
    precision = asked.compute.precision
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    with devices.scope():
        model = build_model(card, keras)
    if precision != "float32":
        for tensor in model.outputs:  # a softmax in 16 bits would round the small probabilities away
            last = tensor._keras_history.operation
            if isinstance(last, keras.layers.Layer):
                last.dtype_policy = keras.DTypePolicy("float32")
    return model


def _task(model: keras.Model, dataset: Dataset, card: ModelCard, options: ModelOptions) -> Task:
    task = infer_task(model, dataset, task=card.task or None, metric=card.metric or None)
    if options.loss is None:
        return task
    if task.has_classes:
        raise UsageError(
            "--loss",
            found=f"{options.loss!r} for {task.name}",
            expected="no --loss: classes have their cross-entropy",
            next_step="leave it out, or give --task regression",
        )
    return dataclasses.replace(task, loss=options.loss)


def _training_split(dataset: Dataset, task: Task, max_samples: int | None) -> Split:
    if dataset.train is None or (dataset.train.labels is None and task.needs_labels):
        raise DataError(
            dataset.name,
            found="no labelled training split",
            expected="samples to train on",
            next_step="give data with x_train and y_train",
        )
    return dataset.train if max_samples is None else dataset.train.take(max_samples, seed=SPLIT_SEED)


def _require_validation(work: Workload) -> None:
    if work.recipe.patience and work.val is None:
        raise DataError(
            "early stopping",
            found="no validation split",
            expected="samples that tell when to stop",
            next_step="give --without-validation or data with x_val and y_val, or --patience 0",
        )


def _shape(tensor: keras.KerasTensor) -> tuple[int, ...]:
    return tuple(-1 if size is None else int(size) for size in tensor.shape)


def _architecture(model: keras.Model, card: ModelCard) -> str:
    """Return the SHA-256 of the model's configuration.

    Raises:
        UnsupportedModelError: a layer that cannot be saved; better said now than after the training.
    """
    try:
        return hashlib.sha256(model.to_json().encode()).hexdigest()
    except (NotImplementedError, TypeError, ValueError) as exc:
        raise UnsupportedModelError(
            card.name,
            found=f"a model that cannot be saved ({' '.join(str(exc).split())[:200]})",
            expected="layers with get_config",
            next_step="use standard layers, or give the layer a get_config",
        ) from None


def _settings(work: Workload, dataset: Dataset, asked: TrainRequest) -> TrainSettings:
    recipe, devices = work.recipe, work.devices
    return TrainSettings(
        model=work.card.name,
        data=dataset.name,
        data_digest=dataset.digest,
        num_train_samples=work.train.num_samples,
        max_samples=asked.max_samples,
        preprocessing=work.card.preprocessing.describe(),
        loss=work.task.loss,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        seed=work.seed,
        schedule=recipe.schedule,
        warmup_epochs=recipe.warmup_epochs,
        weight_decay=recipe.weight_decay,
        beta_2=recipe.beta_2,
        label_smoothing=recipe.label_smoothing,
        augmentation=recipe.augmentation,
        patience=recipe.patience,
        balanced=recipe.balanced,
        with_validation=recipe.with_validation,
        procedure=recipe.procedure,
        backend=asked.compute.backend,
        device=devices.kind,
        num_devices=devices.num_devices,
        precision=asked.compute.precision,
    )


def _resume(procedure: Procedure, folder: TrainFolder, architecture: str, emit: Emit) -> None:
    """Take up the newest checkpoint, if there is one.

    Raises:
        TrainingError: it cannot be read, or is of another architecture.
    """
    state = folder.state
    if folder.checkpoint is None:
        folder.save_state(dataclasses.replace(state, architecture=architecture))
        return
    read_checkpoint(folder.checkpoint, procedure.variables())
    if state.architecture != architecture:
        raise TrainingError(
            str(folder.checkpoint),
            found="a checkpoint of another architecture: its variables fit, but the layers were configured otherwise",
            expected="the model that the run began with",
            next_step="restore the builder, or give --overwrite to train anew",
        )
    emit({"what": f"resume after epoch {len(state.history)}", "done": 1, "total": 1})


def _run_epochs(procedure: Procedure, folder: TrainFolder, work: Workload, meter: CostMeter, emit: Emit) -> None:
    """Run the epochs that are missing, with a checkpoint after each; then take the best weights.

    Raises:
        TrainingError: the loss is not finite; the checkpoint before is kept.
    """
    recipe = work.recipe
    log = TrainingLog(folder.logs, folder.state.history, lambda epoch: _learning_rate(work, procedure, epoch))
    for number in range(len(folder.state.history) + 1, recipe.epochs + 1):
        if is_over(folder.state.history, recipe.patience):
            break
        report = _Reporter(emit, f"epoch {number}/{recipe.epochs}", procedure.steps_per_epoch)
        start = time.monotonic()
        meter.begin_epoch()
        figures = procedure.run_epoch(number, report)
        epoch = EpochRecord(
            epoch=number,
            loss=figures.loss,
            accuracy=figures.accuracy,
            val_loss=figures.val_loss,
            val_accuracy=figures.val_accuracy,
            seconds=time.monotonic() - start,
        )
        folder.save_checkpoint(
            lambda path: write_checkpoint(path, procedure.variables()),
            epoch,
            cost=meter.end_epoch(figures.train_seconds),
            best=best_epoch((*folder.state.history, epoch), recipe.patience),
        )
        log.add(epoch)
        emit({"epoch": to_builtins(epoch)})
    best = folder.checkpoint_of(best_epoch(folder.state.history, recipe.patience))
    if best != folder.checkpoint:
        read_checkpoint(best, procedure.variables())


def _learning_rate(work: Workload, procedure: Procedure, epoch: int) -> float:
    """Return the learning rate of an epoch's last step."""
    return learning_rate_at(work.recipe, epoch * procedure.steps_per_epoch - 1, procedure.steps_per_epoch)


class _Reporter:
    """Emits how many batches of an epoch are done, not too often."""

    def __init__(self, emit: Emit, what: str, total: int) -> None:
        self._emit, self._what, self._total = emit, what, total
        self._next = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next or done == self._total:
            self._next = now + REPORT_SECONDS
            self._emit({"what": self._what, "done": done, "total": self._total})
