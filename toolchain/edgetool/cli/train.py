"""`edgetool train`: a model of the zoo, with Keras 3."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OutOption, OverwriteOption, QuietOption, SeedOption


def train(
    name: Annotated[str, typer.Argument(help="A model of the zoo (edgetool models).")],
    data: Annotated[str | None, typer.Option("--data", help="Data set name, file, folder or module:function.")] = None,
    out: OutOption = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Default: the card's.", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Default: the card's.", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Default: the card's.")] = None,
    max_samples: Annotated[int | None, typer.Option("--max-samples", help="Train on at most so many.", min=1)] = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train NAME into OUT/model.keras; repeat the command to go on after an interruption."""
    from pathlib import Path

    from edgetool.tasks import METRICS
    from edgetool.training.train import train_model

    console = Console(json_output=json_output, quiet=quiet or json_output)
    folder = Path(out or f"{name}-model")
    try:
        record = train_model(
            name, data, folder, seed=seed, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
            max_samples=max_samples, overwrite=overwrite, progress=console.progress,
        )  # fmt: skip
    finally:
        console.close()
    lines = [f"{folder / 'model.keras'}: {record.num_params:,} parameters, trained in {record.seconds:.1f} s"]
    for score in (record.validation, record.test):
        if score is not None:
            factor, unit = (100.0, " %") if METRICS[score.metric] else (1.0, "")
            lines.append(
                f"  {score.split} {score.metric} {score.value * factor:.2f}{unit} "
                f"± {score.standard_error * factor:.2f} ({score.num_samples:,} samples)"
            )
    console.result(record, "\n".join(lines))
