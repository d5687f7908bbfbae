"""What every command shares: options, output, errors.

Machine-readable output goes to standard output, everything else to standard error. `NO_COLOR` and `CI` are honoured:
no colour with the first, no moving progress bars with either or when standard error is not a terminal.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from edgetool.options.groups import ConsoleOptions, ProgressOptions

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID

__all__ = ["Console"]

#: Spaces between two columns of a table.
COLUMN_GAP = 2
#: Names up to this length stay on one line of a table.
LONGEST_NAME = 32


@dataclass(slots=True)
class Console:
    """Prints for people on standard error, results on standard output.

    Args:
        json_output: results are JSON.
        quiet: no progress and no tables.
        heartbeat_s: seconds between two lines about a step that takes long, where nothing can move.
    """

    json_output: bool = False
    quiet: bool = False
    heartbeat_s: float = 60.0
    _progress: Progress | None = None
    _tasks: dict[str, TaskID] = field(default_factory=dict)
    _started: dict[str, float] = field(default_factory=dict)
    _current: tuple[str, int, int, float] | None = None
    _heartbeat: threading.Timer | None = None

    @classmethod
    def of(cls, options: ConsoleOptions) -> Console:
        """Return the console that a command's options ask for."""
        quiet = isinstance(options, ProgressOptions) and (options.quiet or options.json_output)
        return cls(json_output=options.json_output, quiet=quiet)

    def say(self, text: str) -> None:
        """Print a line for people."""
        if not self.quiet:
            typer.echo(text, err=True)

    def result(self, value: object, text: str | None = None) -> None:
        """Print the command's result: `value` as JSON with `--json`, else `text` (or nothing)."""
        if self.json_output:
            from edgetool.schema import to_json

            typer.echo(to_json(value))
        elif text is not None:
            typer.echo(text)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        optional: Sequence[str] = (),
    ) -> None:
        """Print a table on standard output, unless the result is JSON; numbers are aligned right.

        Args:
            title: line above it; may be empty.
            columns: heads, each once.
            rows: cells of every row.
            optional: columns that are left out, in this order, until the table fits the terminal.
        """
        if self.json_output:
            return
        from rich import box
        from rich.table import Table

        console = _rich(stderr=False)
        columns, rows = _fitting(columns, rows, optional, console.width)
        numeric = [bool(rows) and all(_is_numeric(row[i]) for row in rows) for i in range(len(columns))]
        table = Table(
            title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
        )
        for index, (column, right) in enumerate(zip(columns, numeric, strict=True)):
            whole = right or _are_names([row[index] for row in rows])
            table.add_column(column, justify="right" if right else "left", no_wrap=whole, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)

    def progress(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of `what` are finished; finished lines stay, with their time.

        Where nothing can move, a step that takes longer tells so once a minute.
        """
        if self.quiet:
            return
        started = self._started.setdefault(what, time.monotonic())
        if not _moving():
            self._current = (what, done, total, started)
            if done >= total:
                self._current = None
                self._started.pop(what, None)
                typer.echo(f"  {what} ({time.monotonic() - started:.1f} s)", err=True)
            elif self._heartbeat is None:
                self._beat_later()
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
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None

    def _beat_later(self) -> None:
        self._heartbeat = threading.Timer(self.heartbeat_s, self._beat)
        self._heartbeat.daemon = True
        self._heartbeat.start()

    def _beat(self) -> None:
        """Say what is under way, and come back."""
        current = self._current
        if current is not None:
            what, done, total, started = current
            typer.echo(f"  {what}: {done} of {total}, {time.monotonic() - started:.0f} s so far", err=True)
        self._beat_later()

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
    # Piped output is not wrapped at 80 columns, unless COLUMNS says so: other programs read it line by line.
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 200
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


def _fitting(
    columns: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str], width: int
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return columns and rows without the optional columns that a terminal of `width` has no room for."""
    for name in optional:
        widths = [max(len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
        if sum(widths) + COLUMN_GAP * len(widths) <= width:
            break
        index = list(columns).index(name)
        columns = [column for i, column in enumerate(columns) if i != index]
        rows = [[cell for i, cell in enumerate(row) if i != index] for row in rows]
    return columns, rows


def _are_names(cells: Sequence[str]) -> bool:
    """Tell whether a column holds names of a word or two, which are looked for and copied: they are not broken."""
    return all(len(cell.split()) <= 2 and len(cell) <= LONGEST_NAME for cell in cells)


def _moving() -> bool:
    return sys.stderr.isatty() and not os.environ.get("CI") and not os.environ.get("NO_COLOR")


def _is_numeric(cell: str) -> bool:
    return not cell or cell == "-" or cell[:1].isdigit() or (cell[:1] in "+-" and cell[1:2].isdigit())
