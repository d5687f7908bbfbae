"""`edgetool train`: train a model of the zoo, or one's own, with Keras 3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OutOption, OverwriteOption, QuietOption, SeedOption

if TYPE_CHECKING:
    from edgetool.records import EvaluationRecord
    from edgetool.training.record import CostRecord, EpochRecord


def train(
    name: Annotated[str, typer.Argument(help="A model of the zoo (edgetool models lists them), or module:build.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="A .npz, .csv or .parquet file, an image folder, module:function, or a name."),
    ] = None,
    out: OutOption = None,
    backend: Annotated[str, typer.Option("--backend", help="tensorflow, jax or torch.")] = "tensorflow",
    device: Annotated[str, typer.Option("--device", help="auto, cpu or gpu.")] = "auto",
    num_devices: Annotated[
        int | None, typer.Option("--num-devices", help="GPUs that share a batch; default: all.", min=1)
    ] = None,
    mixed_precision: Annotated[
        str, typer.Option("--mixed-precision", help="bfloat16 or float16; weights stay float32.")
    ] = "float32",
    epochs: Annotated[int | None, typer.Option("--epochs", help="Default: the model's card.", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Default: the model's card.", min=1)] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", help="adam, adamw, sgd, rmsprop.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Default: the model's card.")] = None,
    schedule: Annotated[str | None, typer.Option("--schedule", help="Of the learning rate: constant, cosine.")] = None,
    warmup_epochs: Annotated[
        float | None, typer.Option("--warmup-epochs", help="Over which the learning rate rises.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option("--weight-decay", help="Decoupled, of kernels.")] = None,
    label_smoothing: Annotated[float | None, typer.Option("--label-smoothing", help="Share, 0 to below 1.")] = None,
    augmentation: Annotated[
        str | None,
        typer.Option("--augmentation", help="flip, crop4, shift, cutout, time_shift, noise, by commas; or none."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option("--patience", help="Stop after so many epochs without a better loss; 0: never.")
    ] = None,
    balanced: Annotated[
        bool | None, typer.Option("--balanced/--not-balanced", help="Let every class count the same.")
    ] = None,
    with_validation: Annotated[
        bool | None,
        typer.Option("--with-validation/--without-validation", help="Train on the validation split too."),
    ] = None,
    max_samples: Annotated[
        int | None, typer.Option("--max-samples", help="Train on at most so many samples.", min=1)
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="Of module:build: classification, binary, regression, reconstruction, language_model."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Of module:build: accuracy, auc, mae, mse, rmse, r2, top5, nats.")
    ] = None,
    loss: Annotated[str | None, typer.Option("--loss", help="Of regression by module:build: mse, mae, huber.")] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Of module:build: factor on raw inputs.")] = None,
    mean: Annotated[str | None, typer.Option("--mean", help="Of module:build: subtracted after --scale.")] = None,
    std: Annotated[str | None, typer.Option("--std", help="Of module:build: divided by after --mean.")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Of module:build: type of its inputs.")] = None,
    label_column: Annotated[str | None, typer.Option("--label-column", help="Target column of a table.")] = None,
    image_size: Annotated[str | None, typer.Option("--image-size", help="HEIGHTxWIDTH of an image folder.")] = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train the model NAME and write RUN/model.keras; the same command goes on where a killed one stopped."""
    from edgetool.data.options import parse_image_size
    from edgetool.training.request import ComputeOptions, ModelOptions, RecipeOptions, parse_augmentation
    from edgetool.training.train import train_model

    console = Console(json_output=json_output, quiet=quiet or json_output)
    folder = Path(out or f"{re.sub('[.:]', '-', name)}-model")
    recipe = RecipeOptions(
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch_size,
        epochs=epochs,
        schedule=schedule,
        warmup_epochs=warmup_epochs,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        augmentation=parse_augmentation(augmentation),
        patience=patience,
        balanced=balanced,
        with_validation=with_validation,
    )
    try:
        record = train_model(
            name,
            data,
            folder,
            recipe=recipe,
            model=ModelOptions(task=task, metric=metric, loss=loss, scale=scale, mean=mean, std=std, dtype=dtype),
            compute=ComputeOptions(backend, device, num_devices, mixed_precision),
            max_samples=max_samples,
            seed=seed,
            overwrite=overwrite,
            label_column=label_column,
            image_size=parse_image_size(image_size),
            progress=console.progress,
            on_epoch=lambda epoch: console.say(_epoch_line(epoch)),
        )
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
    lines.append(f"model: {folder / 'model.keras'}")
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
