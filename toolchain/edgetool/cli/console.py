"""What every command shares: options, output, errors.

Machine-readable output goes to standard output, everything else to standard error. `NO_COLOR` and `CI` are honoured:
no colour with the first, no moving progress bars with either or when standard error is not a terminal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID

__all__ = [
    "ClockOption",
    "Console",
    "DebugOption",
    "FlashOption",
    "InputShapeOption",
    "JsonOption",
    "OutOption",
    "OverwriteOption",
    "QuietOption",
    "RamOption",
    "SeedOption",
    "TargetOption",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable result on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
InputShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input-shape",
        metavar="[NAME=]1x3x640x640",
        help="Sizes of an input that leaves dimensions open; NAME:=8 makes it a constant. Repeatable.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of every random choice.")]
OutOption = Annotated[str | None, typer.Option("--out", "-o", help="Where to write.")]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", "-t", help="Device to fit: a name of `edgetool targets`, or the path of a target.toml."),
]
FlashOption = Annotated[
    str | None, typer.Option("--flash", help="Flash of the device, e.g. 1M; in place of the target's own.")
]
RamOption = Annotated[str | None, typer.Option("--ram", help="RAM of the device, e.g. 256k; likewise.")]
ClockOption = Annotated[str | None, typer.Option("--clock", help="Clock of the device, e.g. 480MHz; likewise.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]


@dataclass(slots=True)
class Console:
    """Prints for people on standard error, results on standard output.

    Args:
        json_output: results are JSON.
        quiet: no progress and no tables.
    """

    json_output: bool = False
    quiet: bool = False
    _progress: Progress | None = None
    _tasks: dict[str, TaskID] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print a line for people."""
        if not self.quiet:
            typer.echo(text, err=True)

    def result(self, value: Any, text: str | None = None) -> None:
        """Print the command's result: `value` as JSON with `--json`, else `text` (or nothing)."""
        if self.json_output:
            from edgetool.schema import to_json

            typer.echo(to_json(value))
        elif text is not None:
            typer.echo(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table on standard output, unless the result is JSON; numbers are aligned right."""
        if self.json_output:
            return
        from rich import box
        from rich.table import Table

        numeric = [bool(rows) and all(_is_numeric(row[i]) for row in rows) for i in range(len(columns))]
        table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column, right in zip(columns, numeric, strict=True):
            table.add_column(column, justify="right" if right else "left", no_wrap=right, overflow="fold")
        for row in rows:
            table.add_row(*row)
        _rich(stderr=False).print(table)

    def progress(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of `what` are finished; finished lines stay, with their time."""
        if self.quiet:
            return
        started = self._started.setdefault(what, time.monotonic())
        if not _moving():
            if done >= total:
                self._started.pop(what, None)
                typer.echo(f"  {what} ({time.monotonic() - started:.1f} s)", err=True)
            return
        progress = self._start_progress()
        if what not in self._tasks:
            self._tasks[what] = progress.add_task(what, total=total)
        progress.update(self._tasks[what], completed=done, total=total)
        if done >= total:
            progress.remove_task(self._tasks.pop(what))
            self._started.pop(what, None)
            progress.console.print(f"  {what} ({time.monotonic() - started:.1f} s)", markup=False, highlight=False)

    def close(self) -> None:
        """Take the progress bars off the screen."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._tasks.clear()

    def callback(self) -> Callable[[str, int, int], None]:
        """Return `progress` as a plain function, for code that knows nothing of consoles."""
        return self.progress

    def _start_progress(self) -> Progress:
        if self._progress is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                TextColumn("  {task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=_rich(stderr=True),
                transient=True,
            )
            self._progress.start()
        return self._progress


def _rich(*, stderr: bool) -> RichConsole:
    from rich.console import Console as RichConsole

    stream = sys.stderr if stderr else sys.stdout
    # Piped output is not wrapped at 80 columns: other programs read it line by line.
    width = None if stream.isatty() else 200
    # Without markup: names of tensors and files may hold square brackets.
    return RichConsole(
        stderr=stderr,
        width=width,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        soft_wrap=False,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _moving() -> bool:
    return sys.stderr.isatty() and not os.environ.get("CI") and not os.environ.get("NO_COLOR")


def _is_numeric(cell: str) -> bool:
    return not cell or cell == "-" or cell[:1].isdigit() or (cell[:1] in "+-" and cell[1:2].isdigit())
