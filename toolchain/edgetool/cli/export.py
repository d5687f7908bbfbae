"""`edgetool export`: one model, one recipe, one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import (
    Console,
    DebugOption,
    InputShapeOption,
    JsonOption,
    OverwriteOption,
    QuietOption,
    SeedOption,
)

if TYPE_CHECKING:
    from edgetool.records import ParityRecord


def export(
    model: Annotated[
        str, typer.Argument(help="A .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel, or module:function.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write: .tflite or .onnx.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or .toml file.")] = "float32",
    data: Annotated[
        str | None,
        typer.Option("--data", help="Needed by recipes that calibrate or train; the file is compared on it."),
    ] = None,
    card: Annotated[
        str | None, typer.Option("--card", help="Take preprocessing and training from this zoo card.")
    ] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Factor on raw inputs, e.g. 0.00392157.")] = None,
    mean: Annotated[
        str | None, typer.Option("--mean", help="Subtracted after --scale; one value or one a channel.")
    ] = None,
    std: Annotated[
        str | None, typer.Option("--std", help="Divided by after --mean; one value or one a channel.")
    ] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Type that the float model takes.")] = None,
    one_hot: Annotated[bool, typer.Option("--one-hot", help="Train on one-hot labels.")] = False,
    label_column: Annotated[str | None, typer.Option("--label-column", help="Target column of a table.")] = None,
    image_size: Annotated[str | None, typer.Option("--image-size", help="HEIGHTxWIDTH of an image folder.")] = None,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="Largest absolute error, in place of the stated limits.", min=0)
    ] = None,
    min_sqnr: Annotated[float | None, typer.Option("--min-sqnr", help="Least SQNR of each output, in dB.")] = None,
    min_agreement: Annotated[
        float | None, typer.Option("--min-agreement", help="Least share of equal classes, 0..1.", min=0, max=1)
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load models that carry code (Lambda layers).")] = False,
    input_shape: InputShapeOption = None,
    overwrite: OverwriteOption = False,
    seed: SeedOption = 0,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Convert MODEL to TFLite or ONNX by any recipe, and compare the file with MODEL before it is kept."""
    from edgetool.pipeline.export import ExportOptions, export_file
    from edgetool.verify.parity import tolerance_from

    console = Console(json_output=json_output, quiet=quiet or json_output)
    options = ExportOptions(
        model=model,
        out=out,
        recipe=recipe,
        data=data,
        card=card,
        scale=scale,
        mean=mean,
        std=std,
        dtype=dtype,
        one_hot=one_hot,
        label_column=label_column,
        image_size=image_size,
        trust=trust,
        input_shape=tuple(input_shape or ()),
        overwrite=overwrite,
        seed=seed,
        tolerance=tolerance_from(tolerance, min_sqnr, min_agreement),
    )
    try:
        exported = export_file(options, progress=console.progress)
    finally:
        console.close()
    record = exported.record
    for note in record.notes:
        console.say(f"note: {note}")
    for parity in record.parity:
        console.say(f"compared with {model} on {exported.samples}: {_in_words(parity)}")
    console.result(record, f"{out}: {record.size.raw:,} bytes, sha256 {record.artifact.digest}")


def _in_words(parity: ParityRecord) -> str:
    """Return what the comparison with the source gave."""
    worst = min(parity.sqnr_db, default=200.0)
    parts = ["equal" if worst >= 200.0 else f"SQNR {worst:.1f} dB", f"largest error {parity.max_abs_error:.3g}"]
    if parity.top1_agreement is not None:
        parts.append(f"same answer for {parity.top1_agreement:.1%} of {parity.num_samples}")
    verdict = "ok" if parity.passed else "outside the limits"
    return f"{', '.join(parts)}: {verdict} ({parity.limits})"
