"""The data of a setup: loaded, checked against the model, preprocessed; and a raw sample to judge the source by."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.data.layout import as_data, channels_first, move_channels, to_channels_last
from edgetool.data.load import check_fits, load_dataset
from edgetool.data.preprocess import apply
from edgetool.data.split import take_part_of_test
from edgetool.passes.frozen import FrozenModel
from edgetool.pipeline.bounded_data import keep_what_is_needed
from edgetool.pipeline.heads import find_heads, labels_by_position, name_heads
from edgetool.pipeline.source_check import LARGE_SAMPLE, NUM_LARGE_PROBES, NUM_PROBES
from edgetool.pipeline.source_labels import is_unlabelled, label_by_source
from edgetool.tasks import Task, infer_task
from edgetool.training.recorded import RecordedTraining, recorded_training

if TYPE_CHECKING:
    from edgetool.importers.base import ImportedModel
    from edgetool.pipeline.setup import Setup

__all__ = ["SourceData", "input_dtypes", "load_raw", "load_source_data"]

#: Share of the training samples that `edgetool train` keeps apart where the data have no validation split.
TRAINED_FRACTION = 0.1


@dataclass(frozen=True, slots=True)
class SourceData:
    """What a setup's `data` gave.

    Attributes:
        dataset: preprocessed.
        task: None without data.
        sample: some validation samples as loaded; None where there are none.
        channels_first: inputs whose channels were moved behind the batch for the model.
        recorded: how the model was trained, where a record lies beside it.
        labels: `source`: the data have none, and the source model's answers are in their place.
    """

    dataset: Dataset
    task: Task | None
    sample: Split | None = None
    channels_first: tuple[int, ...] = ()
    recorded: RecordedTraining | None = None
    labels: Literal["data", "source"] = "data"


def load_raw(plan: Setup) -> Dataset:
    """Return the data of a setup as they are; an empty data set without data. No framework is needed for that.

    Raises:
        EdgetoolError: see `load_dataset`.
    """
    if plan.data is None:
        return Dataset("no data", None, None, None)
    return load_dataset(
        plan.data,
        label_column=plan.label_column,
        image_size=plan.image_size,
        val_fraction=None if recorded_training(Path(plan.model)) is None else TRAINED_FRACTION,
    )


def load_source_data(plan: Setup, imported: ImportedModel, raw: Dataset | None = None) -> SourceData:
    """Check and preprocess the data of a setup; an empty data set and no task without data.

    Args:
        plan: names the data.
        imported: the model that they must fit.
        raw: what `load_raw` returned; None: it is called here.

    Raises:
        EdgetoolError: see `load_dataset` and `check_fits`.
    """
    raw = load_raw(plan) if raw is None else raw
    if plan.data is None:
        return SourceData(raw, None)
    recorded = recorded_training(Path(plan.model))
    if plan.transpose:
        raw = to_channels_last(raw)
    if plan.num_calibration_samples is not None:
        raw = keep_what_is_needed(raw, plan.num_calibration_samples, seed=plan.seed)
    raw = name_heads(raw, [output.name for output in imported.outputs])
    raw = labels_by_position(raw, imported.outputs[0].shape)
    if plan.max_test_samples is not None:
        raw = take_part_of_test(raw, plan.max_test_samples)
    shapes = [tensor.shape for tensor in imported.inputs]
    turned = channels_first(raw, shapes)
    given = [as_data(shape, index in turned) for index, shape in enumerate(shapes)]
    ready = move_channels(apply(raw, plan.preprocessing, input_dtypes(imported)), turned)
    sample = None
    labels: Literal["data", "source"] = "data"
    if plan.task is None and is_unlabelled(raw, imported):
        check_fits(raw, given, imported.outputs[0].shape, "generation")
        if not plan.is_scored and isinstance(imported.model, FrozenModel):
            return SourceData(ready, None)
        ready, task = label_by_source(ready, imported, plan.metric)
        labels = "source"
    else:
        task = infer_task(imported, raw, task=plan.task, metric=plan.metric)
        check_fits(raw, given, imported.outputs[0].shape, task.name)
        sample = _sample(raw)
    ready, heads = find_heads(ready, imported)
    return SourceData(ready, dataclasses.replace(task, heads=heads), sample, turned, recorded, labels)


def input_dtypes(imported: ImportedModel) -> tuple[str, ...]:
    """Return what a model takes for each input; of a quantised input the real values, which its runner rounds."""
    return tuple("float32" if spec.scale else spec.dtype for spec in imported.inputs)


def _sample(raw: Dataset) -> Split | None:
    """Return a few validation samples, copied, so that the raw data can be let go."""
    if raw.val is None or raw.val.labels is None:
        return None
    largest = max(int(np.prod(array.shape[1:])) for array in raw.val.inputs)
    return raw.val.take(NUM_LARGE_PROBES if largest > LARGE_SAMPLE else NUM_PROBES, seed=0)
