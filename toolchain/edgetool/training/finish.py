"""The end of a training run: the model as it ships, its metrics, and the record.

Only the training child reaches this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Dataset, Split
from edgetool.evaluate.evaluate import evaluate_outputs
from edgetool.records import EvaluationRecord
from edgetool.runners.machine import describe_machine
from edgetool.store.atomic import atomic_path
from edgetool.training.builder import build_model
from edgetool.training.cost import CostMeter, cost_record
from edgetool.training.early_stopping import best_epoch
from edgetool.training.folder import MODEL, TrainFolder
from edgetool.training.procedure import Workload
from edgetool.training.record import TRAIN_SCHEMA_VERSION, TrainRecord
from edgetool.version import __version__

if TYPE_CHECKING:
    import keras

__all__ = ["finish"]


def finish(model: keras.Model, folder: TrainFolder, dataset: Dataset, work: Workload, meter: CostMeter) -> TrainRecord:
    """Write the trained model, measure it, and write the record, which makes the folder a finished run.

    Args:
        model: The trained model.
        folder: The folder of the run.
        dataset: The raw data; the test split is touched here, once.
        work: The workload by which the model was trained.
        meter: The meter of the run's costs.
    """
    final = _as_it_ships(model, work)
    folder.require_there()
    with atomic_path(folder.path / MODEL) as temporary:
        final.save(temporary)
    state = folder.state
    sizes = {split.name: split.num_samples for split in (dataset.train, dataset.val, dataset.test) if split is not None}
    machine = describe_machine()
    record = TrainRecord(
        schema_version=TRAIN_SCHEMA_VERSION,
        edgetool_version=__version__,
        model=work.card.name,
        settings=state.settings,
        data_source=dataset.source,
        class_names=dataset.class_names,
        splits={**sizes, "train": work.train.num_samples},
        facts=dataset.facts,
        num_params=int(final.count_params()),
        model_digest=digest_path(folder.path / MODEL),
        seconds=sum(epoch.seconds for epoch in state.history),
        num_resumes=state.num_resumes,
        device=work.devices.describe(),
        machine=machine,
        history=state.history,
        best_epoch=best_epoch(state.history, work.recipe.patience),
        cost=cost_record(folder.path / MODEL, state, meter, work.devices.name or machine.cpu),
        validation=_measure(final, dataset.val, dataset, work),
        test=_measure(final, dataset.test, dataset, work),
        notes=work.devices.notes,
        task=work.task.name,
        metric=work.task.metric,
        preprocessing=work.card.preprocessing,
    )
    folder.finish(record, dataset.files)
    return record


def _as_it_ships(model: keras.Model, work: Workload) -> keras.Model:
    """Return the model built anew with the trained weights: float32, on one device, without optimizer.

    Keras' state is cleared first, so that layers without a name are numbered as in a process that trained nothing.
    """
    import keras

    weights = model.get_weights()
    work.devices.release()
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy("float32")
    final = build_model(work.card, keras)
    final.set_weights(weights)
    return final


def _measure(model: keras.Model, split: Split | None, dataset: Dataset, work: Workload) -> EvaluationRecord | None:
    import keras

    from edgetool.training.batches import Batches
    from edgetool.training.fit import EVALUATION_BATCH

    task = work.task
    if split is None or (split.labels is None and task.needs_labels):
        return None
    outputs = model.predict(Batches(split, work.card.preprocessing, task, EVALUATION_BATCH), verbose=0)
    return evaluate_outputs(
        (np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs),),
        split,
        metric=task.metric,
        runtime=f"keras {keras.__version__}",
        task=task.name,
        class_names=dataset.class_names,
        from_logits=task.from_logits,
    )
