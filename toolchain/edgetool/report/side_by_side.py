"""Several runs in the same tables: what was chosen in each, and each artefact's figures in all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgetool.report import wording
from edgetool.report.collect import Row, Run
from edgetool.report.table import NONE, Cell, Column, Table, heads, num, text
from edgetool.store.manifest import ArtifactRecord

__all__ = ["side_by_side"]


def side_by_side(runs: Sequence[Run]) -> tuple[Table, ...]:
    """Return a table of the runs, and one each of bytes, metric and latency of artefacts of the same name."""
    found = [
        _run_table(runs),
        _compare(runs, "Bytes", _size, "The file as it lies."),
        _compare(runs, "Test metric", _metric, "Each run's metric on its test split, with its standard error."),
        _compare(
            runs,
            "Latency",
            _latency,
            "Median of one inference in \N{GREEK SMALL LETTER MU}s, CPU, fewest threads. Runs were measured at "
            "different times, perhaps on different machines: compare the ratios to float32 within a run.",
        ),
    ]
    return tuple(table for table in found if table is not None)


def _run_table(runs: Sequence[Run]) -> Table:
    titles = ["Run", "Source", "Data", "Target", "#Source metric", "Smallest", "#Bytes", "#Drop", "Fastest"]
    titles += ["#p50 \N{GREEK SMALL LETTER MU}s", "State"]
    return Table(
        "Runs",
        "What each run chose within its own limits; drop on the test split.",
        heads(titles),
        tuple(_run_row(run) for run in runs),
        dense=True,
    )


def _run_row(run: Run) -> tuple[Cell, ...]:
    manifest = run.manifest
    source = manifest.source
    smallest, fastest = _chosen(run, "smallest"), _chosen(run, "fastest")
    known = None if source is None else source.evaluation
    failed = f", {wording.plural(len(run.failures), 'failure')}" if run.failures else ""
    quickest = None if fastest is None else min((r.p50_ns for r in fastest.record.latency), default=None)
    return (
        Cell(run.name, is_head=True),
        text("" if source is None else source.path.rpartition("/")[2]),
        text(manifest.data.get("name", "")),
        text(manifest.target),
        NONE
        if known is None
        else num(f"{known.metric} {wording.metric_value(known.metric, known.value)}", known.value),
        NONE if smallest is None else text(smallest.name),
        NONE if smallest is None else num(wording.count(smallest.record.size.raw), smallest.record.size.raw),
        NONE
        if smallest is None or smallest.drop is None
        else num(f"{wording.drop(smallest.drop.value)} {smallest.drop.unit}", smallest.drop.value),
        NONE if fastest is None else text(fastest.name),
        NONE if quickest is None else num(wording.microseconds(quickest), quickest),
        text(manifest.status + failed, tone="bad" if failed else ""),
    )


def _chosen(run: Run, purpose: str) -> Row | None:
    return next((run.row(d.artifact) for d in run.manifest.decisions if d.purpose == purpose), None)


def _compare(runs: Sequence[Run], title: str, cell: Callable[[ArtifactRecord], Cell], caption: str) -> Table | None:
    names = list(dict.fromkeys(row.name for run in runs for row in run.rows))
    rows = []
    for name in names:
        cells = [Cell(name, is_head=True)]
        for run in runs:
            row = run.row(name)
            cells.append(NONE if row is None else cell(row.record))
        rows.append(tuple(cells))
    if not any(c != NONE for row in rows for c in row[1:]):
        return None
    columns = (Column("Artefact"), *(Column(run.name, numeric=True) for run in runs))
    return Table(title, caption, columns, tuple(rows), dense=True)


def _size(record: ArtifactRecord) -> Cell:
    return num(wording.count(record.size.raw), record.size.raw)


def _metric(record: ArtifactRecord) -> Cell:
    found = record.evaluation
    if found is None:
        return NONE
    shown = f"{wording.metric_value(found.metric, found.value)} \N{PLUS-MINUS SIGN} {wording.evaluation_error(found)}"
    return num(shown, found.value)


def _latency(record: ArtifactRecord) -> Cell:
    found = min(record.latency, key=lambda r: (r.device != "cpu", r.num_threads, r.batch), default=None)
    if found is None:
        return NONE
    ratio = "" if found.ratio is None else f" ({found.ratio.value:.2f}\N{MULTIPLICATION SIGN})"
    return num(f"{wording.microseconds(found.p50_ns)}{ratio}", found.p50_ns)
