"""`report.html`: one file that opens offline and asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from edgetool.report import method, tables, wording
from edgetool.report.charts import Chart, comparison_chart, run_charts
from edgetool.report.collect import Run
from edgetool.report.row import Row
from edgetool.report.side_by_side import side_by_side
from edgetool.report.table import Table
from edgetool.version import __version__

__all__ = ["MAX_BYTES", "render_html"]

#: The page stays below this.
MAX_BYTES = 2_000_000
#: Operators shown of each artefact: the most that keep the page below `MAX_BYTES`.
LAYER_LIMITS = (400, 120, 40, 12)


@dataclass(frozen=True, slots=True)
class Card:
    """One of the figures at the top: what was chosen, and its numbers."""

    title: str
    name: str
    figures: tuple[tuple[str, str], ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the template shows of one run."""

    ident: str
    run: Run
    cards: tuple[Card, ...]
    charts: tuple[Chart, ...]
    summary: Table
    details: tuple[Table, ...]
    checks: tuple[Table, ...]
    noise: tuple[str, ...]
    notes: tuple[str, ...]
    layers: tuple[Table, ...]
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    history: tuple[Table, ...]


def render_html(runs: Sequence[Run]) -> str:
    """Return the report of runs as one HTML page of less than `MAX_BYTES`.

    Everything in it is inline, and its content security policy allows only its own style and script, by digest.
    """
    page = ""
    for limit in LAYER_LIMITS:
        page = _render(runs, limit)
        if len(page.encode()) < MAX_BYTES:
            break
    return page


def _render(runs: Sequence[Run], max_layers: int) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgetool.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _asset("report.css"), _asset("report.js")
    pages = [_run_page(run, f"run{index}", max_layers) for index, run in enumerate(runs)]
    return environment.get_template("report.html.j2").render(
        title=" and ".join(run.name for run in runs),
        runs=pages,
        comparison=side_by_side(runs) if len(runs) > 1 else (),
        comparison_chart=comparison_chart(runs) if len(runs) > 1 else None,
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
        version=__version__,
    )


def _asset(name: str) -> str:
    return resources.files("edgetool.report").joinpath("templates", name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _run_page(run: Run, ident: str, max_layers: int) -> RunPage:
    manifest = run.manifest
    details = (
        tables.size_table(run),
        tables.accuracy_table(run) if run.metric else None,
        tables.class_table(run),
        tables.latency_table(run) if run.settings else None,
    )
    facts = (
        ("Run", method.run_facts(manifest)),
        ("Data", method.data_facts(manifest)),
        ("Machine", method.machine_facts(manifest)),
    )
    return RunPage(
        ident=ident,
        run=run,
        cards=_cards(run),
        charts=run_charts(run, ident),
        summary=tables.summary_table(run),
        details=_present(*details),
        checks=_present(method.parity_table(run), method.invariant_table(run)),
        noise=_noise(run),
        notes=(*run.notes, *(f"{row.name}: {note}" for row in run.rows for note in row.notes)),
        layers=tuple(method.layer_table(row, max_layers) for row in run.rows if row.record.layers),
        facts=tuple((title, items) for title, items in facts if items),
        history=_present(method.pass_table(run), method.skipped_table(run), method.stage_table(run)),
    )


def _present(*found: Table | None) -> tuple[Table, ...]:
    return tuple(table for table in found if table is not None and table.rows)


def _noise(run: Run) -> tuple[str, ...]:
    return tuple(
        f"{row.name}, {wording.setting(record)}, {record.noise}: {record.noise_reason}"
        for row in run.rows
        for record in row.record.latency
        if record.noise != "quiet"
    )


def _cards(run: Run) -> tuple[Card, ...]:
    cards = []
    for decision in run.manifest.decisions:
        row = run.row(decision.artifact)
        chosen = () if row is None else _figures(row, decision.purpose)
        cards.append(Card(decision.purpose.capitalize(), decision.artifact or "none", chosen, decision.reason))
    source = run.manifest.source
    if source is not None:
        figures = [("size", wording.kilobytes(source.num_bytes)), ("parameters", wording.count(source.num_params))]
        if source.evaluation is not None:
            found = source.evaluation
            value = wording.metric_value(found.metric, found.value)
            error = wording.evaluation_error(found)
            figures.insert(0, (f"test {found.metric}", f"{value} \N{PLUS-MINUS SIGN} {error}"))
        cards.append(Card("Source model", source.path.rpartition("/")[2], tuple(figures), ""))
    return tuple(cards)


def _figures(row: Row, purpose: str) -> tuple[tuple[str, str], ...]:
    record = row.record
    figures = []
    ratio = (
        ""
        if row.size_ratio is None or record.is_reference
        else f" ({row.size_ratio:.2f}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}float32)"
    )
    figures.append(("size", f"{wording.kilobytes(record.size.raw)}{ratio}"))
    latency = min(record.latency, key=lambda item: item.p50_ns, default=None)
    if purpose != "fastest":
        latency = min(record.latency, key=lambda item: (item.device != "cpu", item.num_threads), default=None)
    if latency is not None:
        times = f"{wording.microseconds(latency.p50_ns)} \N{GREEK SMALL LETTER MU}s"
        against = (
            ""
            if latency.ratio is None
            else f" ({latency.ratio.value:.2f}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}float32)"
        )
        figures.append((f"p50, {wording.setting(latency)}", f"{times}{against}"))
    if record.evaluation is not None:
        found = record.evaluation
        value = wording.metric_value(found.metric, found.value)
        figures.append((f"test {found.metric}", f"{value} \N{PLUS-MINUS SIGN} {wording.evaluation_error(found)}"))
    if row.drop is not None:
        error = "" if row.drop.standard_error is None else f" \N{PLUS-MINUS SIGN} {row.drop.standard_error:.2f}"
        figures.append(("drop", f"{wording.drop(row.drop.value)}{error} {row.drop.unit}"))
    return tuple(figures)
