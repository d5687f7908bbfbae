"""`report.md`: the report for terminals, pull requests and wikis."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgetool.report import method, tables
from edgetool.report.collect import Run
from edgetool.report.side_by_side import side_by_side
from edgetool.report.table import Cell, Table

__all__ = ["render_markdown"]

#: Operators of each artefact; the whole list is in the HTML and JSON reports.
MAX_LAYERS = 40

_SPECIAL = re.compile(r"([\\`*\[\]<>|~#])")


def render_markdown(runs: Sequence[Run]) -> str:
    """Return the report of runs as GitHub-flavoured Markdown."""
    parts: list[str] = []
    if len(runs) > 1:
        parts.append("# Runs side by side\n")
        parts += [_table(table, level=2) for table in side_by_side(runs)]
    parts += [_run(run) for run in runs]
    return "\n".join(parts).rstrip("\n") + "\n"


def _run(run: Run) -> str:
    lines = [f"# {escape(run.name)}\n", f"**{escape(run.answer.headline)}**\n"]
    lines += [f"- {escape(detail)}" for detail in (*run.answer.details, *run.answer.notes)]
    if run.answer.details:
        lines.append("")
    lines.append("Bold in a table: beyond the allowed drop, slower than float32, or failed.\n")
    if run.failures:
        lines += ["## Failures\n", *(f"- {escape(failure)}" for failure in run.failures), ""]
    chosen = [
        tables.summary_table(run),
        tables.size_table(run),
        tables.accuracy_table(run) if run.metric else None,
        tables.class_table(run),
        tables.latency_table(run) if run.settings else None,
        method.parity_table(run),
        method.invariant_table(run),
    ]
    lines += [_table(table, level=2) for table in chosen if table is not None and table.rows]
    notes = [*run.notes, *(f"{row.name}: {note}" for row in run.rows for note in row.notes)]
    if notes:
        lines += ["## Notes\n", *(f"- {escape(note)}" for note in notes), ""]
    lines.append("## How this was measured\n")
    manifest = run.manifest
    lines.append(_facts("Run", method.run_facts(manifest)))
    lines.append(_facts("Data", method.data_facts(manifest)))
    lines.append(_facts("Machine", method.machine_facts(manifest)))
    more = (method.pass_table(run), method.skipped_table(run), method.stage_table(run))
    lines += [_table(table, level=3) for table in more if table is not None and table.rows]
    lines += _layers(run)
    return "\n".join(lines)


def _layers(run: Run) -> list[str]:
    """Return the operators of the reference and the chosen artefacts, or of all where nothing was chosen."""
    rows = [row for row in run.rows if row.record.layers]
    wanted = [row for row in rows if row.record.is_reference or row.chosen_as]
    if not rows:
        return []
    shown = wanted if any(row.chosen_as for row in wanted) else rows
    note = "" if len(shown) == len(rows) else "Of the reference and the chosen artefacts; report.html has all.\n"
    return ["## Layers\n", note, *(_table(method.layer_table(row, MAX_LAYERS), level=3) for row in shown)]


def _facts(title: str, facts: Sequence[tuple[str, str]]) -> str:
    if not facts:
        return ""
    rows = "\n".join(f"| {escape(name)} | {escape(value)} |" for name, value in facts)
    return f"### {title}\n\n| | |\n| --- | --- |\n{rows}\n"


def _table(table: Table, *, level: int) -> str:
    head = " | ".join(escape(column.title) for column in table.columns)
    rule = " | ".join("---:" if column.numeric else "---" for column in table.columns)
    rows = "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table.rows)
    return f"{'#' * level} {escape(table.title)}\n\n{escape(table.caption)}\n\n| {head} |\n| {rule} |\n{rows}\n"


def _cell(cell: Cell) -> str:
    badges = f" ({', '.join(cell.badges)})" if cell.badges else ""
    shown = escape(cell.text + badges)
    return f"**{shown}**" if cell.tone == "bad" else shown


def escape(value: str) -> str:
    """Return `value` as one line that Markdown shows literally."""
    return _SPECIAL.sub(r"\\\1", " ".join(value.split())).replace("&", "&amp;")
