"""The child's side of training: Keras 3, one checkpoint an epoch, the same weights whether or not it was interrupted.

The order of samples depends on the seed and the number of the epoch only, so an epoch can be repeated from the
checkpoint before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgetool import __version__
from edgetool.artifact import digest_path
from edgetool.data.dataset import SPLIT_SEED, Dataset, Split
from edgetool.data.load import check_fits, load_dataset
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import DataError, TrainingError
from edgetool.evaluate.evaluate import evaluate_outputs
from edgetool.runners.machine import describe_machine
from edgetool.schema import to_builtins
from edgetool.store.atomic import atomic_path
from edgetool.store.manifest import EvaluationRecord
from edgetool.tasks import Task, infer_task
from edgetool.training.folder import MODEL, TrainFolder, open_train_folder
from edgetool.training.record import TRAIN_SCHEMA_VERSION, EpochRecord, TrainRecord, TrainSettings
from edgetool.zoo import ModelCard, find_model, load_builder

__all__ = ["train"]

Emit = Callable[[dict[str, Any]], None]

EVALUATION_BATCH = 256

#: Least time between two progress events; a child whose parent has gone finds out, and ends, at the next one.
REPORT_SECONDS = 0.1


def train(
    name: str,
    data: str,
    out: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    max_samples: int | None,
    seed: int,
    overwrite: bool,
    label_column: str | None,
    image_size: list[int] | None,
    emit: Emit,
) -> dict[str, Any]:
    """Train the zoo's model `name`; see `edgetool.training.train.train_model`.

    Returns:
        The `TrainRecord` as plain values.
    """
    card = find_model(name)
    emit({"what": "load data", "done": 0, "total": 1})
    size = (image_size[0], image_size[1]) if image_size else None
    dataset = load_dataset(data, label_column=label_column, image_size=size)
    emit({"what": "load data", "done": 1, "total": 1})
    import keras

    keras.utils.set_random_seed(seed)
    model = load_builder(card)(keras)
    task = infer_task(model, dataset, task=card.task, metric=card.metric)
    check_fits(dataset, [_shape(tensor) for tensor in model.inputs], _shape(model.outputs[0]), task.name)
    split = _training_split(dataset, task, max_samples)
    settings = TrainSettings(
        model=card.name,
        data=dataset.name,
        data_digest=dataset.digest,
        num_train_samples=split.num_samples,
        max_samples=max_samples,
        preprocessing=card.preprocessing.describe(),
        loss=task.loss,
        optimizer=card.training.optimizer,
        learning_rate=card.training.learning_rate if learning_rate is None else learning_rate,
        batch_size=card.training.batch_size if batch_size is None else batch_size,
        epochs=card.training.epochs if epochs is None else epochs,
        seed=seed,
    )
    with open_train_folder(Path(out), settings, overwrite=overwrite) as folder:
        device = _prepare_device()
        model = _start_model(model, folder, settings, task)
        _fit(model, folder, settings, (split, dataset.val), card.preprocessing, emit)
        record = _finish(model, folder, dataset, split.num_samples, card, task, device)
    plain: dict[str, Any] = to_builtins(record)
    return plain


def _training_split(dataset: Dataset, task: Task, max_samples: int | None) -> Split:
    if dataset.train is None or (dataset.train.labels is None and task.needs_labels):
        raise DataError(
            dataset.name,
            found="no labelled training split",
            expected="samples to train on",
            next_step="give data with x_train and y_train",
        )
    return dataset.train if max_samples is None else dataset.train.take(max_samples, seed=SPLIT_SEED)


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(-1 if size is None else int(size) for size in tensor.shape)


def _prepare_device() -> str:
    """Make a GPU, where there is one, deterministic; return the device's name. CPU kernels are as they are."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu"
    tf.config.experimental.enable_op_determinism()
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


def _start_model(model: Any, folder: TrainFolder, settings: TrainSettings, task: Task) -> Any:
    """Return the compiled model to go on with: `model` as built, or the newest checkpoint.

    Raises:
        TrainingError: the checkpoint cannot be read.
    """
    import keras

    if folder.checkpoint is not None:
        try:
            return keras.saving.load_model(folder.checkpoint, safe_mode=True)
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise TrainingError(
                str(folder.checkpoint),
                found=f"a checkpoint that cannot be read ({str(exc).splitlines()[0]})",
                expected="the one that this run wrote",
                next_step="give --overwrite to train anew",
            ) from None
    optimizer = keras.optimizers.get(
        {"class_name": settings.optimizer, "config": {"learning_rate": settings.learning_rate}}
    )
    model.compile(optimizer, _loss(task), metrics=["accuracy"] if task.has_classes else [])
    return model


def _loss(task: Task) -> Any:
    import keras

    if task.loss == "sparse_categorical_crossentropy":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=task.from_logits)
    if task.loss == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(from_logits=task.from_logits)
    return keras.losses.get(task.loss)


def _fit(
    model: Any,
    folder: TrainFolder,
    settings: TrainSettings,
    splits: tuple[Split, Split | None],
    preprocessing: Preprocessing,
    emit: Emit,
) -> None:
    """Run the epochs that are missing, with a checkpoint after each.

    Raises:
        TrainingError: the loss is not finite; the checkpoint before is kept.
    """
    from edgetool.training.batches import Batches, Watch

    train_split, val_split = splits
    finished = len(folder.state.history)
    if finished:
        emit({"what": f"resume after epoch {finished}", "done": 1, "total": 1})
    validation = None if val_split is None else Batches(val_split, preprocessing, EVALUATION_BATCH)
    for number in range(finished + 1, settings.epochs + 1):
        random = np.random.default_rng([settings.seed, number])
        _reseed(model, random)
        order = random.permutation(train_split.num_samples)
        batches = Batches(train_split, preprocessing, settings.batch_size, order=order)
        report = _Reporter(emit, f"epoch {number}/{settings.epochs}", len(batches))
        start = time.monotonic()
        history = model.fit(
            batches,
            epochs=number,
            initial_epoch=number - 1,
            validation_data=validation,
            shuffle=False,
            verbose=0,
            callbacks=[Watch(report)],
        ).history
        last = {key: float(values[-1]) for key, values in history.items()}
        epoch = EpochRecord(
            epoch=number,
            loss=last["loss"],
            accuracy=last.get("accuracy"),
            val_loss=last.get("val_loss"),
            val_accuracy=last.get("val_accuracy"),
            seconds=time.monotonic() - start,
        )
        folder.save_checkpoint(model.save, epoch)
        emit({"epoch": to_builtins(epoch)})


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


def _reseed(model: Any, random: np.random.Generator) -> None:
    """Seed dropout and the like anew: Keras 3.15 does not store the state of their generators in a .keras file."""
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign(random.integers(2**32, size=tuple(variable.shape), dtype=np.uint32))


def _finish(
    model: Any,
    folder: TrainFolder,
    dataset: Dataset,
    num_train_samples: int,
    card: ModelCard,
    task: Task,
    device: str,
) -> TrainRecord:
    """Write the trained model, without the optimizer's state, measure it, and write the record."""
    import keras

    final = load_builder(card)(keras)
    final.set_weights(model.get_weights())
    with atomic_path(folder.path / MODEL) as temporary:
        final.save(temporary)
    state = folder.state
    sizes = {split.name: split.num_samples for split in (dataset.train, dataset.val, dataset.test) if split is not None}
    record = TrainRecord(
        schema_version=TRAIN_SCHEMA_VERSION,
        edgetool_version=__version__,
        model=card.name,
        settings=state.settings,
        data_source=dataset.source,
        class_names=dataset.class_names,
        splits={**sizes, "train": num_train_samples},
        facts=dataset.facts,
        num_params=int(final.count_params()),
        model_digest=digest_path(folder.path / MODEL),
        seconds=sum(epoch.seconds for epoch in state.history),
        num_resumes=state.num_resumes,
        device=device,
        machine=describe_machine(),
        history=state.history,
        validation=_measure(final, dataset.val, dataset, card, task),
        test=_measure(final, dataset.test, dataset, card, task),
    )
    folder.finish(record, dataset.files)
    return record


def _measure(model: Any, split: Split | None, dataset: Dataset, card: ModelCard, task: Task) -> EvaluationRecord | None:
    import keras

    from edgetool.training.batches import Batches

    if split is None or (split.labels is None and task.needs_labels):
        return None
    outputs = model.predict(Batches(split, card.preprocessing, EVALUATION_BATCH), verbose=0)
    return evaluate_outputs(
        (np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs),),
        split,
        metric=task.metric,
        runtime=f"keras {keras.__version__}",
        task=task.name,
        class_names=dataset.class_names,
        from_logits=task.from_logits,
    )
