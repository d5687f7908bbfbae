"""`edgetool train`: train a model of the zoo with Keras 3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OutOption, OverwriteOption, QuietOption, SeedOption

if TYPE_CHECKING:
    from edgetool.store.manifest import EvaluationRecord
    from edgetool.training.record import EpochRecord


def train(
    name: Annotated[str, typer.Argument(help="A model of the zoo (edgetool models lists them).")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="digits, cifar10, cifar10-jpeg, a file, an image folder or module:function."),
    ] = None,
    out: OutOption = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Default: the model's card.", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Default: the model's card.", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Default: the model's card.")] = None,
    max_samples: Annotated[
        int | None, typer.Option("--max-samples", help="Train on at most so many samples.", min=1)
    ] = None,
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
    from edgetool.training.train import train_model

    console = Console(json_output=json_output, quiet=quiet or json_output)
    folder = Path(out or f"{name}-model")
    try:
        record = train_model(
            name,
            data,
            folder,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
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
        f"{record.settings.data} in {record.seconds:.0f} s on {record.device}"
    ]
    lines += [_result_line(found) for found in (record.validation, record.test) if found is not None]
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


def _result_line(found: EvaluationRecord) -> str:
    names = {"val": "validation"}
    factor, unit = (100.0, " %") if found.metric in ("accuracy", "auc", "top5") else (1.0, "")
    error = found.standard_error * factor
    return (
        f"{names.get(found.split, found.split)} {found.metric}: {found.value * factor:.2f}{unit} "
        f"(s.e. {error:.2f}, {found.num_samples:,} samples)"
    )
