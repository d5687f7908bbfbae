"""Several runs in the same tables: what was chosen in each, and each artefact's figures in all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from edgetool.records import ArtifactRecord, LatencyRecord
from edgetool.report import wording
from edgetool.report.collect import Run
from edgetool.report.row import Row
from edgetool.report.table import NONE, Cell, Column, Table, Tone, heads, num, text
from edgetool.tasks import METRICS, drop_points

__all__ = ["side_by_side"]


def side_by_side(runs: Sequence[Run]) -> tuple[Table, ...]:
    """Return a table of the runs, and one each of bytes, metric and latency of artefacts of the same name."""
    tables = [
        _run_table(runs),
        _compare(runs, "Bytes", _size, _size_change, "The file as it lies."),
        _compare(
            runs,
            "Test metric",
            _metric,
            _metric_change,
            "Each run's metric on its test split, with its standard error. A change is coloured where it exceeds "
            "two standard errors of both.",
        ),
        _compare(
            runs,
            "Latency",
            _latency,
            _latency_change,
            "Median of one inference in \N{GREEK SMALL LETTER MU}s, CPU, fewest threads. Runs were measured at "
            "different times, perhaps on different machines: the change is that of the ratio to float32.",
        ),
    ]
    return tuple(table for table in tables if table is not None)


def _run_table(runs: Sequence[Run]) -> Table:
    titles = ["Run", "Source", "Data", "Target", "#Source metric", "Recommended", "#Bytes", "#Drop", "Fastest"]
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
    recommended, fastest = _chosen(run, "recommended"), _chosen(run, "fastest")
    known = None if source is None else source.evaluation
    failed = f", {wording.plural(len(run.failures), 'failure')}" if run.failures else ""
    quickest = None if fastest is None else min((r.p50_ns for r in fastest.record.latency), default=None)
    return (
        Cell(run.name, is_head=True),
        text("" if source is None else source.path.rpartition("/")[2]),
        text(manifest.data.name if manifest.data else ""),
        text(manifest.target),
        NONE
        if known is None
        else num(f"{known.metric} {wording.metric_value(known.metric, known.value)}", known.value),
        NONE if recommended is None else text(recommended.name),
        NONE if recommended is None else num(wording.count(recommended.record.size.raw), recommended.record.size.raw),
        NONE
        if recommended is None or recommended.drop is None
        else num(f"{wording.drop(recommended.drop.value)} {recommended.drop.unit}", recommended.drop.value),
        NONE if fastest is None else text(fastest.name),
        NONE if quickest is None else num(wording.microseconds(quickest), quickest),
        text(manifest.status + failed, tone="bad" if failed else ""),
    )


def _chosen(run: Run, purpose: str) -> Row | None:
    return next((run.row(d.artifact) for d in run.manifest.decisions if d.purpose == purpose), None)


def _compare(
    runs: Sequence[Run],
    title: str,
    cell: Callable[[ArtifactRecord], Cell],
    change: Callable[[ArtifactRecord, ArtifactRecord], Cell],
    caption: str,
) -> Table | None:
    """Return a row an artefact and a column a run, and what changed from the first run to the last."""
    names = list(dict.fromkeys(row.name for run in runs for row in run.rows))
    rows = []
    for name in names:
        cells = [Cell(name, is_head=True)]
        for run in runs:
            row = run.row(name)
            cells.append(NONE if row is None else cell(row.record))
        first, last = runs[0].row(name), runs[-1].row(name)
        cells.append(NONE if first is None or last is None else change(first.record, last.record))
        rows.append(tuple(cells))
    if not any(c != NONE for row in rows for c in row[1:]):
        return None
    change_title = f"{runs[-1].name} against {runs[0].name}"
    columns = (
        Column("Artefact"),
        *(Column(run.name, numeric=True) for run in runs),
        Column(change_title, numeric=True),
    )
    return Table(title, caption, columns, tuple(rows), dense=True)


def _size(record: ArtifactRecord) -> Cell:
    return num(wording.count(record.size.raw), record.size.raw)


def _size_change(first: ArtifactRecord, last: ArtifactRecord) -> Cell:
    if first.size.raw == 0:
        return NONE
    share = last.size.raw / first.size.raw - 1.0
    return num(_signed(share * 100.0, 1, " %"), share, tone=_tone(-share))


def _metric_change(first: ArtifactRecord, last: ArtifactRecord) -> Cell:
    before, after = first.evaluation, last.evaluation
    if before is None or after is None or before.metric != after.metric or before.metric not in METRICS:
        return NONE
    better = -drop_points(before.metric, before.value, after.value)
    unit = f" {wording.drop_unit(before.metric)}"
    error = math.hypot(before.standard_error, after.standard_error)
    is_sure = abs(after.value - before.value) > 2.0 * error
    return num(_signed(better, 2, unit), better, tone=_tone(better) if is_sure else "")


def _latency_change(first: ArtifactRecord, last: ArtifactRecord) -> Cell:
    before, after = _first_latency(first), _first_latency(last)
    if before is None or after is None or before.ratio is None or after.ratio is None:
        return NONE
    change = after.ratio.value - before.ratio.value
    is_sure = after.ratio.low > before.ratio.high or after.ratio.high < before.ratio.low
    return num(_signed(change, 2, "\N{MULTIPLICATION SIGN}"), change, tone=_tone(-change) if is_sure else "")


def _signed(value: float, digits: int, unit: str) -> str:
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return f"{text}{unit}"
    return f"{'+' if value > 0 else wording.MINUS}{text}{unit}"


def _tone(better: float) -> Tone:
    return "good" if better > 0.0 else "bad" if better < 0.0 else ""


def _metric(record: ArtifactRecord) -> Cell:
    evaluation = record.evaluation
    if evaluation is None:
        return NONE
    value = wording.metric_value(evaluation.metric, evaluation.value)
    shown = f"{value} \N{PLUS-MINUS SIGN} {wording.evaluation_error(evaluation)}"
    return num(shown, evaluation.value)


def _latency(record: ArtifactRecord) -> Cell:
    latency = _first_latency(record)
    if latency is None:
        return NONE
    ratio = "" if latency.ratio is None else f" ({latency.ratio.value:.2f}\N{MULTIPLICATION SIGN})"
    return num(f"{wording.microseconds(latency.p50_ns)}{ratio}", latency.p50_ns)


def _first_latency(record: ArtifactRecord) -> LatencyRecord | None:
    """Return the latency on the CPU with the fewest threads."""
    return min(record.latency, key=lambda item: (item.device != "cpu", item.num_threads, item.batch), default=None)
