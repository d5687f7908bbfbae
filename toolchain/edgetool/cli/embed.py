"""`edgetool embed`: a model as C sources."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption, OutOption, OverwriteOption


def embed(
    model: Annotated[str, typer.Argument(help="A .tflite or .onnx file, or a run folder (its smallest artefact).")],
    runtime: Annotated[str, typer.Option("--runtime", help="array: the file's bytes as a C array.")] = "array",
    artifact: Annotated[str | None, typer.Option("--artifact", help="Which artefact of a run folder.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="C identifier; default: from the file's name.")] = None,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write MODEL as C sources that compile with gcc and g++ and hold the same bytes."""
    from pathlib import Path

    from edgetool.embed.bundle import embed_array
    from edgetool.errors import UsageError

    if runtime != "array":
        raise UsageError(f"--runtime {runtime}", found="no such runtime", expected="array", next_step="--runtime array")
    files = embed_array(Path(model), artifact=artifact, name=name, out=Path(out or "bundle"), overwrite=overwrite)
    upper = files.name.upper()
    lines = [
        f"{files.header}, {files.source}: {files.num_bytes:,} bytes, sha256 {files.digest}",
        f'  #include "{files.header.name}"',
        f"  give {files.name} and {upper}_SIZE to the interpreter; compile {files.source.name} with gcc -x c or g++",
        f"  {files.name}_input0_quantize and {files.name}_output0_dequantize are there where the model is quantised",
    ]
    console = Console(json_output=json_output)
    console.result(
        {
            "header": str(files.header),
            "source": str(files.source),
            "name": files.name,
            "num_bytes": files.num_bytes,
            "sha256": files.digest,
        },
        "\n".join(lines),
    )
