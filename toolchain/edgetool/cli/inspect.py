"""`edgetool inspect`: what a model file holds, operator by operator, and the memory that it needs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console, DebugOption, InputShapeOption, JsonOption, QuietOption

if TYPE_CHECKING:
    from edgetool.artifact import TensorSpec
    from edgetool.ir.memory_plan import MemoryPlan
    from edgetool.ir.summary import Summary

#: Columns that the lifetime chart may take; in longer models several operators share a column.
CHART_WIDTH = 72
NAME_WIDTH = 44


def inspect(
    model: Annotated[str, typer.Argument(help="A .tflite, .onnx, .keras or .h5 file.")],
    memory_plan: Annotated[
        bool, typer.Option("--memory-plan", help="Show the offset and the lifetime of every activation.")
    ] = False,
    compressed: Annotated[bool, typer.Option("--compressed", help="Also measure the size as gzip and zstd.")] = False,
    input_shape: InputShapeOption = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", help="Give up after so many seconds; default: 20 and 1 for each MB.", min=1),
    ] = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show operators, parameters, MACs, bytes, sparsity, unique values and activation memory of MODEL."""
    from edgetool.artifact import require_format
    from edgetool.errors import FileFormatError, UnsupportedModelError
    from edgetool.ir.input_shapes import parse_input_shapes
    from edgetool.ir.summary import Summary, reading_seconds
    from edgetool.runners.child import call_function
    from edgetool.schema import parse, to_builtins

    require_format(Path(model))
    console = Console(json_output=json_output, quiet=quiet or json_output)
    # The reader works in a child: a damaged file may crash a library, and the tool must live to say so.
    answer = call_function(
        "edgetool.importers.trust:summarize_and_judge",
        {
            "path": model,
            "compressed": compressed,
            "input_shapes": to_builtins(parse_input_shapes(input_shape or ())),
        },
        subject=model,
        timeout_s=reading_seconds(Path(model)) if timeout is None else timeout,
    )
    summary = parse(Summary, answer, source=model, error=FileFormatError)
    if memory_plan and summary.memory is None:
        raise UnsupportedModelError(
            model,
            found=f"a model of format {summary.format!r}, which fixes no order of execution",
            expected="a .tflite or .onnx file for --memory-plan",
            next_step=f"edgetool export {model} -o model.tflite, then inspect that",
        )
    console.result(summary, "\n".join(_head(summary)))
    _print_layers(console, summary)
    if memory_plan and summary.memory is not None and not json_output:
        typer.echo("\n".join(_chart(summary.memory, summary.num_ops)))
    for note in summary.notes:
        console.say(f"note: {_clean(note)}")


def _head(summary: Summary) -> list[str]:
    size, memory = summary.compressed, summary.memory
    packed = "" if size is None else f" (gzip {size.gzip:,}, zstd {size.zstd:,})"
    lines = [
        f"{summary.path}: {summary.format}, {summary.num_bytes:,} bytes{packed}",
        f"sha256       {summary.digest}",
        *(f"input        {_tensor(spec)}" for spec in summary.signature.inputs),
        *(f"output       {_tensor(spec)}" for spec in summary.signature.outputs),
        f"parameters   {summary.num_params:,} in {summary.weight_bytes:,} bytes",
        f"MACs         {'unknown' if summary.macs < 0 else f'{summary.macs:,}'}",
    ]
    if memory is not None:
        peak = f"; {memory.lower_bound_bytes:,} bytes alive at once in {_short(memory.peak_op)}"
        lines.append(f"activations  {memory.arena_bytes:,} bytes planned{peak if memory.peak_op else ''}")
    counts = Counter(layer.op for layer in summary.layers)
    lines.append("operators    " + ", ".join(f"{count} {_clean(kind)}" for kind, count in counts.most_common()))
    return lines


def _tensor(spec: TensorSpec) -> str:
    shape = ", ".join("N" if size < 0 else str(size) for size in spec.shape)
    text = f"{_short(spec.name)}  {spec.dtype}[{shape}]"
    if len(spec.scale) == len(spec.zero_point) == 1:
        text += f"  scale {spec.scale[0]:.8g}, zero point {spec.zero_point[0]}"
    return text


def _print_layers(console: Console, summary: Summary) -> None:
    columns = ["layer", "operator", "params", "bytes", "MACs", "zeros", "unique", "dtype"]
    rows = []
    for layer in summary.layers:
        weights = ["-", "-"]
        values = ["-", "-"]
        if layer.num_params:
            weights = [f"{layer.num_params:,}", f"{layer.num_bytes:,}"]
        if layer.weights is not None:
            values = [f"{layer.weights.zeros:.1%}", f"{layer.weights.palette:,}"]
        macs = f"{layer.macs:,}" if layer.macs else "-"
        rows.append([_short(layer.name), _clean(layer.op), *weights, macs, *values, _clean(layer.dtype) or "-"])
    console.table("", columns, rows, optional=("bytes", "unique", "zeros"))


def _chart(plan: MemoryPlan, num_ops: int) -> list[str]:
    """Return a line for each buffer: where it lies, and from which operator to which it lives."""
    per_column = max(1, -(-num_ops // CHART_WIDTH))
    width = max(1, -(-num_ops // per_column))
    scale = "a column is one operator" if per_column == 1 else f"a column is {per_column} operators"
    lines = [
        f"memory plan: {plan.arena_bytes:,} bytes; time runs to the right, {scale}",
        f"{'offset':>12}{'bytes':>12}  {'tensor':<{NAME_WIDTH}}  lifetime",
    ]
    for buffer in sorted(plan.buffers, key=lambda buffer: (buffer.offset, buffer.first)):
        first = max(0, buffer.first) // per_column
        last = max(first, min(num_ops - 1, buffer.last) // per_column)
        bar = "." * first + "#" * (last - first + 1) + "." * (width - last - 1)
        name = _short(buffer.tensors[0])
        lines.append(f"{buffer.offset:>12,}{buffer.num_bytes:>12,}  {name:<{NAME_WIDTH}}  {bar}")
    return lines


def _short(name: str) -> str:
    """Return a name that fits its column: converters join the names of all fused operators by semicolons."""
    name = _clean(name)
    if len(name) > NAME_WIDTH:
        name = name.split(";")[0]
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 20]}...{name[-17:]}"


def _clean(text: str) -> str:
    """Return text without control characters: a file's names must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
