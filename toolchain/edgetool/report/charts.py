"""The scatter plots: the metric against size and against latency, drawn as SVG without any library."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgetool.records import EvaluationRecord
from edgetool.report import wording
from edgetool.report.axis import Axis, make_axis
from edgetool.report.collect import Run
from edgetool.report.labels import Box, Placed, place_labels
from edgetool.report.row import Row, Setting
from edgetool.tasks import METRICS, in_points, worst_allowed

__all__ = ["Chart", "Mark", "comparison_chart", "run_charts"]

WIDTH, HEIGHT = 940, 500
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 16, 52
#: Estimated width of a character of a label in the widest common font, and the height of its line, pixels.
CHAR_WIDTH, LINE_HEIGHT = 7.2, 15.0
#: What the key calls the formats.
FORMAT_NAMES = {"tflite": "TFLite", "onnx": "ONNX"}
#: Points that are worse by more than so many times the limit lie at the edge when they would crush the others.
FAR_DROPS = 5.0


@dataclass(frozen=True, slots=True)
class Point:
    """One artefact in a chart.

    Attributes:
        x: bytes, or nanoseconds; `x_low` and `x_high` are the ends of its error bar.
        y: metric; `y_error` is its standard error, `pair_error` that of the paired difference from the source.
        series: the format, which decides colour and marker.
        strong: chosen, or the reference.
    """

    label: str
    series: str
    x: float
    x_low: float
    x_high: float
    y: float
    y_error: float
    pair_error: float
    strong: bool
    hint: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with everything in pixels, as the template draws it."""

    point: Point
    x: float
    y: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    pair_low: float
    pair_high: float
    outside: bool
    label: Placed | None
    label_text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A scatter plot, laid out.

    Attributes:
        ident: unique in the page, for ids.
        description: The text for readers who cannot see the chart.
        series_names: what the key calls each series.
        source_y: pixel of the source model's metric; None without one.
        limit_y: pixel of the worst metric within the allowed drop.
    """

    ident: str
    title: str
    description: str
    x_title: str
    y_title: str
    x_axis: Axis
    y_axis: Axis
    marks: tuple[Mark, ...]
    series: tuple[str, ...]
    source_y: float | None
    source_text: str
    limit_y: float | None
    limit_text: str
    has_pairs: bool
    has_x_bars: bool
    series_names: dict[str, str] = field(default_factory=lambda: dict(FORMAT_NAMES))
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def run_charts(run: Run, ident: str) -> tuple[Chart, ...]:
    """Return the charts of a run: metric against size, and against latency in each setting that was measured.

    Args:
        run: without a metric there is nothing to plot.
        ident: prefix of ids in the page.
    """
    if not run.metric:
        return ()
    name = run.metric.capitalize() if len(run.metric) > 4 else run.metric.upper()
    charts = []
    points = [point for row in run.rows if (point := _point(row, float(row.record.size.raw)))]
    if points:
        charts.append(
            _chart(
                run,
                points,
                ident=f"{ident}-size",
                title=f"{name} against size",
                x_title="size of the file (bytes)",
                tick_text=_bytes_text,
            )
        )
    for index, setting in enumerate(run.settings):
        points = [point for row in run.rows if (point := _latency_point(row, setting))]
        if not points:
            continue
        record = next(latency for row in run.rows if (latency := row.latency(setting)) is not None)
        charts.append(
            _chart(
                run,
                points,
                ident=f"{ident}-latency{index}",
                title=f"{name} against latency, {wording.setting(record)}",
                x_title="median latency of one inference",
                tick_text=_time_text,
            )
        )
    return tuple(charts)


def comparison_chart(runs: Sequence[Run]) -> Chart | None:
    """Return one chart of the artefacts of all runs, metric against size; None where their metrics differ.

    A series is a run. The reference and what was chosen in each run have labels.
    """
    metrics = {run.metric for run in runs}
    if len(metrics) != 1 or not runs[0].metric:
        return None
    points = []
    for index, run in enumerate(runs):
        for row in run.rows:
            point = _point(row, float(row.record.size.raw))
            if point is not None:
                label = row.name if point.strong else ""
                hint = f"{run.name}: {point.hint}"
                points.append(dataclasses.replace(point, series=f"run{index}", label=label, hint=hint))
    if not points:
        return None
    chart = _chart(
        runs[0],
        points,
        ident="side-size",
        title="All runs: metric against size",
        x_title="size of the file (bytes)",
        tick_text=_bytes_text,
        has_source=False,
    )
    names = {f"run{index}": run.name for index, run in enumerate(runs)}
    return dataclasses.replace(chart, series_names=names)


def _bytes_text(value: float) -> str:
    return wording.kilobytes(round(value))


def _time_text(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("\N{GREEK SMALL LETTER MU}s", 1e3)):
        if nanoseconds >= size * 0.9995:
            return f"{nanoseconds / size:g} {unit}"
    return f"{nanoseconds:g} ns"


def _point(row: Row, x: float) -> Point | None:
    record = row.record.evaluation
    if record is None:
        return None
    return Point(
        label=row.record.recipe,
        series=row.record.artifact.format,
        x=x,
        x_low=x,
        x_high=x,
        y=record.value,
        y_error=record.standard_error,
        pair_error=_pair_error(record),
        strong=bool(row.chosen_as) or row.record.is_reference,
        hint=_hint(row, record),
    )


def _latency_point(row: Row, setting: Setting) -> Point | None:
    latency = row.latency(setting)
    point = None if latency is None else _point(row, latency.p50_ns)
    if latency is None or point is None:
        return None
    extra = f"; p50 {wording.microseconds(latency.p50_ns)} \N{GREEK SMALL LETTER MU}s"
    if latency.ratio is None or latency.ratio.value <= 0:
        return dataclasses.replace(point, hint=point.hint + extra)
    ratio = latency.ratio
    return dataclasses.replace(
        point,
        x_low=point.x * ratio.low / ratio.value,
        x_high=point.x * ratio.high / ratio.value,
        hint=f"{point.hint}{extra}, {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) of {ratio.reference}",
    )


def _pair_error(record: EvaluationRecord) -> float:
    """Return the standard error of the difference from the source in the metric's unit; 0 where it has none."""
    if record.paired is None or record.metric not in ("accuracy", "top5", "auc", "mae", "mse"):
        return 0.0
    return record.paired.difference_standard_error or 0.0


def _hint(row: Row, record: EvaluationRecord) -> str:
    value = wording.metric_value(record.metric, record.value)
    parts = [f"{row.name}: {record.metric} {value} \N{PLUS-MINUS SIGN} {wording.evaluation_error(record)}"]
    if row.drop is not None:
        parts.append(f"drop {wording.drop(row.drop.value)} {row.drop.unit}")
    parts.append(f"{wording.count(row.record.size.raw)} bytes")
    return "; ".join(parts)


def _chart(
    run: Run,
    points: Sequence[Point],
    *,
    ident: str,
    title: str,
    x_title: str,
    tick_text: Callable[[float], str],
    has_source: bool = True,
) -> Chart:
    """Lay a chart out; `has_source` draws the source model's metric and the allowed drop of `run`."""
    source = None if run.manifest.source is None or not has_source else run.manifest.source.evaluation
    limit = None if source is None else worst_allowed(source.metric, source.value, run.manifest.max_drop_points)
    x_axis = make_axis(
        [value for point in points for value in (point.x_low, point.x_high)],
        (LEFT, WIDTH - RIGHT),
        tick_text=tick_text,
        may_be_log=True,
        num_ticks=8,
    )
    y_axis = _y_axis(run.metric, points, source, limit)
    source_y = None if source is None else y_axis.position(source.value)
    marks = _marks(points, x_axis, y_axis, run.metric, source_y)
    better = "higher is better" if METRICS.get(run.metric, True) else "lower is better"
    return Chart(
        ident=ident,
        title=title,
        description=f"{len(points)} artefacts: {x_title} across, test {run.metric} up. The tables have all figures.",
        x_title=x_title,
        y_title=f"test {run.metric} ({better})",
        x_axis=x_axis,
        y_axis=y_axis,
        marks=marks,
        series=tuple(dict.fromkeys(point.series for point in points)),
        source_y=source_y,
        source_text="" if source is None else f"source model, {wording.metric_value(source.metric, source.value)}",
        limit_y=None if limit is None else y_axis.position(limit),
        limit_text=f"allowed drop, {wording.points(run.manifest.max_drop_points, wording.drop_unit(run.metric))}",
        has_pairs=any(point.pair_error > 0 for point in points),
        has_x_bars=any(point.x_high > point.x_low for point in points),
    )


def _y_axis(metric: str, points: Sequence[Point], source: EvaluationRecord | None, limit: float | None) -> Axis:
    """Return the axis of the metric. Points far beyond the limit are left out where they would crush the others."""
    near = list(points)
    if source is not None and limit is not None:
        reach = max(abs(source.value - limit), 2.0 * source.standard_error) * FAR_DROPS
        close = [point for point in points if abs(point.y - source.value) <= reach]
        spread = [abs(point.y - source.value) for point in points]
        if close and max(spread) > 2.0 * reach:
            near = close
    values = [value for point in near for value in (point.y - point.y_error, point.y + point.y_error)]
    if source is not None and limit is not None:
        values += [source.value, limit]
    in_percent = wording.metric_unit(metric) == "%"
    return make_axis(
        values,
        (HEIGHT - BOTTOM, TOP),
        tick_text=lambda value: f"{value * 100:g} %" if in_percent else f"{value:g}",
        may_be_log=False,
        highest=1.0 if in_points(metric) and max(values) <= 1.02 else None,
    )


def _marks(
    points: Sequence[Point], x_axis: Axis, y_axis: Axis, metric: str, source_y: float | None
) -> tuple[Mark, ...]:
    labelled = [index for index, point in enumerate(points) if point.label]
    order = sorted(labelled, key=lambda i: (not points[i].strong, points[i].y, points[i].x))
    texts = {}
    for index, point in enumerate(points):
        outside = not y_axis.low <= point.y <= y_axis.high
        texts[index] = f"{point.label} {wording.metric_value(metric, point.y)}" if outside else point.label
    places = place_labels(
        [(x_axis.position(points[i].x), y_axis.position(points[i].y)) for i in order],
        [(CHAR_WIDTH * len(texts[i]) + 4, LINE_HEIGHT) for i in order],
        frame=Box(LEFT + 2, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM - 2),
        bars=_lines(points, x_axis, y_axis, source_y),
        other_points=[(x_axis.position(point.x), y_axis.position(point.y)) for point in points if not point.label],
    )
    place_of = dict(zip(order, places, strict=True))
    return tuple(_mark(point, x_axis, y_axis, place_of.get(index), texts[index]) for index, point in enumerate(points))


def _lines(points: Sequence[Point], x_axis: Axis, y_axis: Axis, source_y: float | None) -> list[Box]:
    """Return what would strike a label through: error bars, intervals, the line of the source model."""
    lines = [] if source_y is None else [Box(LEFT, source_y - 1, WIDTH - RIGHT, source_y + 1)]
    for point in points:
        x, y = x_axis.position(point.x), y_axis.position(point.y)
        lines.append(
            Box(x - 1, y_axis.position(point.y + point.y_error), x + 1, y_axis.position(point.y - point.y_error))
        )
        if point.x_high > point.x_low:
            lines.append(Box(x_axis.position(point.x_low), y - 1, x_axis.position(point.x_high), y + 1))
    return lines


def _mark(point: Point, x_axis: Axis, y_axis: Axis, label: Placed | None, label_text: str) -> Mark:
    return Mark(
        point=point,
        x=x_axis.position(point.x),
        y=y_axis.position(point.y),
        x_low=x_axis.position(point.x_low),
        x_high=x_axis.position(point.x_high),
        y_low=y_axis.position(point.y - point.y_error),
        y_high=y_axis.position(point.y + point.y_error),
        pair_low=y_axis.position(point.y - point.pair_error),
        pair_high=y_axis.position(point.y + point.pair_error),
        outside=not y_axis.low <= point.y <= y_axis.high,
        label=label,
        label_text=label_text,
    )
