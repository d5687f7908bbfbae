"""`edgetool targets`: list or show targets."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.groups import ConsoleOptions


def targets(
    output: ConsoleOptions,
    name: Annotated[str | None, typer.Argument(help="Show this target.")] = None,
) -> None:
    """List the targets and their budgets, or show one with the source of every figure."""
    from edgetool.runners import kind_of
    from edgetool.targets import find_target, list_targets

    console = Console.of(output)
    if name is None:
        found = list_targets()
        console.table(
            "",
            ["name", "flash", "RAM", "clock", "cores", "what it is"],
            [
                [
                    target.name,
                    _bytes(target.flash_bytes),
                    _bytes(target.ram_bytes),
                    "-" if target.clock_hz is None else f"{target.clock_hz / 1e6:,.0f} MHz",
                    "-" if target.num_cores is None else str(target.num_cores),
                    target.title,
                ]
                for target in found
            ],
        )
        if output.json_output:
            console.result(found)
        return
    target = find_target(name)
    lines = [
        f"{target.name}: {target.title}",
        f"  {target.description}",
        f"  runtimes    {', '.join(target.runtimes)}",
        f"  measured    {kind_of(target).measured}",
    ]
    for field in ("flash_bytes", "ram_bytes", "clock_hz", "num_cores", "isa"):
        value = getattr(target, field)
        if value:
            shown = f"{value:,}" if isinstance(value, int) else value
            source = target.sources.get(field)
            lines.append(f"  {field:<12}{shown}" + (f"  ({source})" if source else ""))
    if not target.has_fpu:
        lines.append("  floats      in software: no floating-point unit")
    console.result(target, "\n".join(lines))


def _bytes(value: int | None) -> str:
    """Return a size in the largest binary unit that divides it well."""
    if value is None:
        return "-"
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= size:
            return f"{value / size:,.4g} {unit}"
    return f"{value} B"
