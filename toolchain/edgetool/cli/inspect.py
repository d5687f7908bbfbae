"""`edgetool inspect`: what is in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption

if TYPE_CHECKING:
    from edgetool.ir.memory_plan import MemoryPlan
    from edgetool.ir.summary import Summary

#: Reading is bounded by the file's size; a file that takes longer is damaged or not meant for a device.
TIMEOUT_S = 300.0
CHART_WIDTH = 48


def inspect(
    model: Annotated[str, typer.Argument(help="A .tflite, .onnx, .keras or .h5 file.")],
    memory_plan: Annotated[
        bool, typer.Option("--memory-plan", help="Show every activation buffer with offset and lifetime.")
    ] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show operators, parameters, MACs, bytes, sparsity, unique values and activation memory of MODEL."""
    from pathlib import Path

    from edgetool.artifact import require_format
    from edgetool.errors import FileFormatError
    from edgetool.ir.summary import Summary
    from edgetool.runners.child import call_function
    from edgetool.schema import parse

    require_format(Path(model))
    answer = call_function("edgetool.ir.summary:summarize", {"path": model}, subject=model, timeout_s=TIMEOUT_S)
    summary = parse(Summary, answer, source=model, error=FileFormatError)
    console = Console(json_output=json_output)
    if json_output:
        console.result(summary)
        return
    _print_head(summary)
    columns = ["layer", "operator", "params", "bytes", "MACs", "zeros", "unique", "dtype"]
    rows = [
        [
            layer.name[-60:],
            layer.op,
            f"{layer.num_params:,}",
            f"{layer.num_bytes:,}",
            f"{layer.macs:,}",
            f"{layer.sparsity * 100:.1f} %" if layer.num_params else "-",
            f"{layer.num_unique:,}" if layer.num_params else "-",
            layer.dtype,
        ]
        for layer in summary.layers
    ]
    console.table("", columns, rows)
    for note in summary.notes:
        typer.echo(f"note: {note}")
    if memory_plan and summary.memory is not None:
        _print_plan(console, summary.memory)


def _print_head(summary: Summary) -> None:
    def tensors(specs: tuple[object, ...]) -> str:
        return ", ".join(
            f"{spec.name} {spec.dtype}{list(spec.shape)}"  # type: ignore[attr-defined]
            for spec in specs
        )

    size = summary.size
    macs = "unknown" if summary.macs < 0 else f"{summary.macs:,}"
    typer.echo(f"{summary.path}: {summary.format}, {size.raw:,} bytes (gzip {size.gzip:,}, zstd {size.zstd:,})")
    typer.echo(f"  sha256      {summary.digest}")
    typer.echo(f"  inputs      {tensors(summary.signature.inputs)}")
    typer.echo(f"  outputs     {tensors(summary.signature.outputs)}")
    typer.echo(f"  parameters  {summary.num_params:,} in {summary.weight_bytes:,} bytes")
    typer.echo(f"  MACs        {macs}")
    if summary.memory is not None:
        plan = summary.memory
        typer.echo(
            f"  activations {plan.arena_bytes:,} bytes planned, {plan.lower_bound_bytes:,} alive at once in {plan.peak_op}"
        )


def _print_plan(console: Console, plan: MemoryPlan) -> None:
    steps = max((buffer.last for buffer in plan.buffers), default=0) + 2
    rows = []
    for buffer in plan.buffers:
        start = (buffer.first + 1) * CHART_WIDTH // steps
        end = max(start + 1, (buffer.last + 2) * CHART_WIDTH // steps)
        chart = " " * start + "#" * (end - start)
        rows.append([f"{buffer.offset:,}", f"{buffer.num_bytes:,}", chart.ljust(CHART_WIDTH), buffer.tensors[0][-48:]])
    console.table("Memory plan (time runs to the right)", ["offset", "bytes", "alive", "tensor"], rows)
