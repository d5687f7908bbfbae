"""`edgetool inspect`: what a model file holds, operator by operator, and the memory that it needs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from edgetool.cli.console import Console
from edgetool.options.commands import InspectOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.artifact import TensorSpec
    from edgetool.ir.memory_plan import MemoryPlan
    from edgetool.ir.summary import Summary

#: Columns that the lifetime chart may take; in longer models several operators share a column.
CHART_WIDTH = 72
NAME_WIDTH = 44


def inspect(options: InspectOptions, output: ProgressOptions) -> None:
    """Show operators, parameters, MACs, bytes, sparsity, unique values and activation memory of MODEL."""
    from edgetool.pipeline.inspect import inspect_file

    console = Console.of(output)
    summary = inspect_file(options)
    console.result(summary, "\n".join(_head(summary)))
    _print_layers(console, summary)
    if options.memory_plan and summary.memory is not None and not output.json_output:
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
