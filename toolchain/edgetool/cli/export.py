"""`edgetool export`: one model, one recipe, one file."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OverwriteOption, QuietOption, SeedOption


def export(
    model: Annotated[
        str, typer.Argument(help="A .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel, or module:function.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write: .tflite or .onnx.")],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe's name or .toml file.")] = "float32",
    data: Annotated[str | None, typer.Option("--data", help="Needed by recipes that calibrate or train.")] = None,
    card: Annotated[
        str | None, typer.Option("--card", help="Take preprocessing and training from this zoo card.")
    ] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Factor on raw inputs.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load models that carry code (Lambda layers).")] = False,
    input_shape: Annotated[
        str | None, typer.Option("--input-shape", help="Of a PyTorch module:function, e.g. 1x3x32x32.")
    ] = None,
    overwrite: OverwriteOption = False,
    seed: SeedOption = 0,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Convert MODEL to TFLite or ONNX, by any recipe; the suffix of --out says which."""
    from edgetool.pipeline.export import export_file

    console = Console(json_output=json_output, quiet=quiet or json_output)
    try:
        record = export_file(
            model, out, recipe=recipe, data=data, card=card, scale=scale, trust=trust, input_shape=input_shape,
            overwrite=overwrite, seed=seed, progress=console.progress,
        )  # fmt: skip
    finally:
        console.close()
    for note in record.notes:
        console.say(f"note: {note}")
    console.result(record, f"{out}: {record.size.raw:,} bytes, sha256 {record.artifact.digest}")
