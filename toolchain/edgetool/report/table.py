"""A table as every format of the report takes it: text, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["NONE", "Cell", "Column", "Table", "Tone", "num", "text"]

Tone = Literal["", "good", "warn", "bad", "mute"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: what is shown.
        tone: colour, never the only carrier of a meaning.
        hint: a longer text for those who point at it.
        badges: short words after the text.
        heat: -5..5, how far below or above the source model; None: no colour.
        bar: 0..20, twentieths of the column's largest value; None: no bar.
        is_head: the cell names its row.
    """

    text: str
    tone: Tone = ""
    hint: str = ""
    badges: tuple[str, ...] = ()
    heat: int | None = None
    bar: int | None = None
    is_head: bool = False


#: Where there is nothing to say.
NONE = Cell("\N{EN DASH}", tone="mute")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers are aligned right."""

    title: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption that says how to read it.

    Attributes:
        rows: each as long as `columns`; the first cell names the row.
        dense: shown in small type, many columns.
        legend: what colours and bars mean, for formats that have them.
    """

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dense: bool = False
    legend: str = ""

    def without_empty_columns(self) -> Table:
        """Return the table without columns in which no row says anything."""
        keep = [i for i in range(len(self.columns)) if i == 0 or any(row[i] != NONE for row in self.rows)]
        return Table(
            self.title,
            self.caption,
            tuple(self.columns[i] for i in keep),
            tuple(tuple(row[i] for i in keep) for row in self.rows),
            self.dense,
            self.legend,
        )


def text(value: str, *, tone: Tone = "", hint: str = "") -> Cell:
    """Return a cell of text; `NONE` where it is empty."""
    return Cell(value, tone=tone, hint=hint) if value else NONE


def num(shown: str, value: float | None, *, tone: Tone = "", hint: str = "") -> Cell:
    """Return a cell of a number; `NONE` where `value` is None."""
    return NONE if value is None else Cell(shown, tone=tone, hint=hint)


def heads(names: Sequence[str]) -> tuple[Column, ...]:
    """Return columns from titles; one that starts with `#` is numeric."""
    return tuple(Column(name.removeprefix("#"), numeric=name.startswith("#")) for name in names)
