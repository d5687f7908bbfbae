"""`edgetool train`: train a model of the zoo, or one's own, with Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.cli.console import Console
from edgetool.options.commands import TrainOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.records import EvaluationRecord
    from edgetool.training.record import CostRecord, EpochRecord


def train(options: TrainOptions, output: ProgressOptions) -> None:
    """Train the model NAME and write RUN/model.keras; the same command goes on where a killed one stopped."""
    from edgetool.training.train import model_folder, train_model

    console = Console.of(output)
    try:
        record = train_model(options, progress=console.progress, on_epoch=lambda epoch: console.say(_epoch_line(epoch)))
    finally:
        console.close()
    lines = [
        f"{record.model}: {record.num_params:,} parameters, trained on {record.splits['train']:,} samples of "
        f"{record.settings.data} in {record.seconds:.0f} s on {record.device}",
        _cost_line(record.cost),
    ]
    if record.best_epoch != len(record.history):
        lines.append(f"weights of epoch {record.best_epoch}, which had the lowest validation loss")
    lines += [_result_line(found) for found in (record.validation, record.test) if found is not None]
    lines += [f"note: {note}" for note in record.notes]
    lines.append(f"model: {model_folder(options) / 'model.keras'}")
    console.result(record, "\n".join(lines))


def _epoch_line(epoch: EpochRecord) -> str:
    parts = [f"loss {epoch.loss:.4f}"]
    if epoch.accuracy is not None:
        parts.append(f"accuracy {epoch.accuracy * 100:.2f} %")
    if epoch.val_loss is not None:
        parts.append(f"validation loss {epoch.val_loss:.4f}")
    if epoch.val_accuracy is not None:
        parts.append(f"accuracy {epoch.val_accuracy * 100:.2f} %")
    return f"    {', '.join(parts)}"


def _cost_line(cost: CostRecord) -> str:
    parts = [f"{cost.samples_per_second:,.0f} samples/s", f"peak memory {cost.peak_memory_bytes / 2**20:,.0f} MiB"]
    if cost.flops_per_step is not None:
        parts.append(f"{cost.flops_per_step / 1e9:,.2f} GFLOP a step (estimate)")
    energy = cost.energy_method if cost.energy_joules is None else f"{cost.energy_joules:,.0f} J"
    return ", ".join([*parts, f"energy {energy}"])


def _result_line(found: EvaluationRecord) -> str:
    names = {"val": "validation"}
    factor, unit = (100.0, " %") if found.metric in ("accuracy", "auc", "top5") else (1.0, "")
    error = found.standard_error * factor
    return (
        f"{names.get(found.split, found.split)} {found.metric}: {found.value * factor:.2f}{unit} "
        f"(s.e. {error:.2f}, {found.num_samples:,} samples)"
    )
