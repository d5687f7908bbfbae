"""Checks of data: sound in itself, and fit for a model. Each failure names the array, what was found and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetool.data.chunks import chunks
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError

__all__ = ["check_dataset", "check_fits", "check_labels"]

#: Tasks whose samples need no labels: inputs are given back, or outputs are judged by themselves.
UNLABELLED_TASKS = ("reconstruction", "generation")

#: Tasks whose labels may be one for each position of a sequence.
PER_POSITION_TASKS = ("classification", "binary", "language_model")


def check_dataset(dataset: Dataset) -> None:
    """Check every split: numbers only, finite, as many labels as samples, not empty, the same shapes throughout.

    Raises:
        DataError: names split and array.
    """
    splits = [split for split in (dataset.train, dataset.val, dataset.test) if split is not None]
    if not splits:
        raise DataError(
            dataset.name, found="no split", expected="a test split at least", next_step="add x_test, y_test"
        )
    for split in splits:
        _check_split(dataset.name, split)
    first = splits[0]
    for split in splits[1:]:
        for index, (a, b) in enumerate(zip(first.inputs, split.inputs, strict=False)):
            if a.shape[1:] != b.shape[1:] or len(first.inputs) != len(split.inputs):
                raise DataError(
                    f"{dataset.name}: x_{split.name}[{index}]",
                    found=f"samples of shape {list(b.shape[1:])}",
                    expected=f"{list(a.shape[1:])}, as in x_{first.name}",
                    next_step="save all splits with the same shape",
                )


def check_fits(
    dataset: Dataset, input_shapes: Sequence[tuple[int, ...]], output_shape: tuple[int, ...], task: str
) -> None:
    """Check that `dataset` can be fed to a model.

    Args:
        dataset: raw.
        input_shapes: The shapes of the model's inputs, with -1 for open dimensions; the first dimension is the batch.
        output_shape: The shape of the model's first output.
        task: a key of `edgetool.tasks.TASKS`.

    Raises:
        DataError: shape, number of inputs, or label range does not fit.
    """
    for split in (dataset.train, dataset.val, dataset.test):
        if split is None:
            continue
        if len(split.inputs) != len(input_shapes):
            raise DataError(
                f"{dataset.name}: {split.name}",
                found=f"{len(split.inputs)} input arrays",
                expected=f"{len(input_shapes)}, as the model has inputs",
                next_step="give one array per model input",
            )
        for array, shape in zip(split.inputs, input_shapes, strict=True):
            _check_shape(f"{dataset.name}: x_{split.name}", array, shape)
        if split.labels is not None:
            check_labels(f"{dataset.name}: y_{split.name}", split.labels, output_shape, task)
        elif task not in UNLABELLED_TASKS:
            raise DataError(
                f"{dataset.name}: {split.name}",
                found="no labels",
                expected=f"labels, which {task} needs",
                next_step=f"save y_{split.name} beside x_{split.name}",
            )


def _check_split(name: str, split: Split) -> None:
    for index, array in enumerate(split.inputs):
        subject = f"{name}: x_{split.name}" + (f"[{index}]" if len(split.inputs) > 1 else "")
        _check_numbers(subject, array)
        if array.shape[0] == 0:
            raise DataError(subject, found="no samples", expected="at least one", next_step="give a split with samples")
        if array.shape[0] != split.inputs[0].shape[0]:
            raise DataError(
                subject,
                found=f"{array.shape[0]} samples",
                expected=f"{split.inputs[0].shape[0]}, as in the first input",
                next_step="give as many samples for every input",
            )
    labelled = {f"y_{split.name}_{head}": array for head, array in split.heads.items()}
    if split.labels is not None:
        labelled[f"y_{split.name}"] = split.labels
    for key, labels in labelled.items():
        subject = f"{name}: {key}"
        _check_numbers(subject, labels)
        if labels.shape[0] != split.num_samples:
            raise DataError(
                subject,
                found=f"{labels.shape[0]} labels",
                expected=f"{split.num_samples}, one for each sample of x_{split.name}",
                next_step="save samples and labels of the same split together",
            )


def _check_numbers(subject: str, array: Array) -> None:
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise DataError(
            subject,
            found=f"dtype {array.dtype}, shape {list(array.shape)}",
            expected="an array of numbers, [N, ...]",
            next_step="convert it before saving",
        )
    if array.dtype.kind != "f":
        return
    if all(np.isfinite(rows).all() for rows in chunks(array)):
        return
    places = np.argwhere(~np.isfinite(array))
    sample, position = int(places[0][0]), [int(i) for i in places[0][1:]]
    found = f"{len(places)} values that are NaN or infinite in {np.unique(places[:, 0]).size} samples"
    if array.ndim == 2:
        found += f", in columns {', '.join(str(column) for column in np.unique(places[:, 1])[:8])}"
    raise DataError(
        subject,
        found=f"{found}, the first in sample {sample} at {position}",
        expected="finite numbers",
        next_step="remove or fill them by a stated rule before saving",
    )


def _check_shape(subject: str, array: Array, shape: tuple[int, ...]) -> None:
    fits = array.ndim == len(shape) and all(
        wanted < 0 or wanted == size for wanted, size in zip(shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        wanted = ["N" if i == 0 else "any" if size < 0 else size for i, size in enumerate(shape)]
        raise DataError(
            subject,
            found=f"shape {list(array.shape)}",
            expected=f"[{', '.join(str(size) for size in wanted)}], as the model's input",
            next_step=_reshape_advice(array, shape),
        )


def _reshape_advice(array: Array, shape: tuple[int, ...]) -> str:
    """Say what makes the data fit: channels first are transposed, anything else is reshaped by hand."""
    turned = (array.shape[0], *array.shape[2:], *array.shape[1:2])
    if len(shape) == array.ndim > 2 and all(
        wanted in (-1, size) for wanted, size in zip(shape[1:], turned[1:], strict=True)
    ):
        axes = ", ".join(str(axis) for axis in (0, *range(2, array.ndim), 1))
        return f"give --transpose: the data have their channels first (or save x.transpose({axes}))"
    return "reshape the data, or give --image-size for an image folder"


def check_labels(subject: str, labels: Array, output_shape: tuple[int, ...], task: str) -> None:
    """Check the labels of one output.

    Args:
        subject: What messages name.
        labels: `[N, ...]`.
        output_shape: The shape of the output, with -1 for open dimensions.
        task: a key of `edgetool.tasks.TASKS`.

    Raises:
        DataError: shape or range does not fit.
    """
    num_classes = output_shape[-1]
    rank = len(output_shape)
    if task in PER_POSITION_TASKS and (rank == 3 or (rank > 3 and labels.ndim == rank - 1)):
        _check_positions(subject, labels, output_shape, max(2, num_classes))
        return
    if task == "classification" and labels.ndim > 1 and labels.shape[1:] != (num_classes,):
        raise DataError(
            subject,
            found=f"labels of shape {list(labels.shape)}",
            expected=f"[N] class numbers or [N, {num_classes}] one-hot rows",
            next_step="give the labels that the model was trained on",
        )
    if task == "classification" and labels.ndim == 1:
        if labels.dtype.kind == "f" and not np.all(labels == np.rint(labels)):
            raise DataError(
                subject,
                found="labels that are no whole numbers",
                expected="class numbers",
                next_step="number the classes from 0, or give --task regression",
            )
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_classes:
            raise DataError(
                subject,
                found=f"labels from {low} to {high}",
                expected=f"0 to {num_classes - 1}: the model has {num_classes} outputs",
                next_step="number the classes from 0, or give the model that was trained on this data",
            )
    elif task == "binary":
        if not np.isin(labels, (0, 1)).all():
            raise DataError(
                subject, found="labels other than 0 and 1", expected="0 or 1", next_step="recode the labels"
            )
    elif task == "regression" and not _targets_fit(labels, output_shape):
        raise DataError(
            subject,
            found=f"targets of shape {list(labels.shape)}",
            expected=f"[N, {', '.join(map(str, output_shape[1:]))}], as the model's output",
            next_step="give the targets that the model was trained on",
        )


def _check_positions(subject: str, labels: Array, output_shape: tuple[int, ...], num_classes: int) -> None:
    """Check labels `[N, ...]`, one a position; below 0: does not count."""
    lengths = output_shape[1:-1]
    fits = labels.ndim == len(lengths) + 1 and all(
        length in (-1, size) for length, size in zip(lengths, labels.shape[1:], strict=True)
    )
    if not fits or labels.dtype.kind not in "iu":
        places = ", ".join(str(length) if length > 0 else "L" for length in lengths)
        raise DataError(
            subject,
            found=f"labels of shape {list(labels.shape)}, {labels.dtype}",
            expected=f"[N, {places}] integers, one for each position",
            next_step="give one label a position, -1 where it does not count",
        )
    if int(labels.max()) >= num_classes or int(labels.max()) < 0:
        raise DataError(
            subject,
            found=f"labels up to {int(labels.max())}",
            expected=f"0 to {num_classes - 1}, and -1 where a position does not count",
            next_step="number the classes from 0, or give the model that was trained on this data",
        )


def _targets_fit(labels: Array, output_shape: tuple[int, ...]) -> bool:
    wanted = tuple(output_shape[1:])
    if labels.ndim == 1:
        return all(size in (1, -1) for size in wanted)
    return len(wanted) == labels.ndim - 1 and all(
        size in (-1, num_positions) for size, num_positions in zip(wanted, labels.shape[1:], strict=True)
    )
