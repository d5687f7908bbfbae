"""Numbers in words: one place decides units, digits and signs for every format of the report."""

from __future__ import annotations

from edgetool.records import EvaluationRecord, LatencyRecord
from edgetool.tasks import in_points

__all__ = [
    "count",
    "drop",
    "drop_unit",
    "evaluation_error",
    "kilobytes",
    "metric_unit",
    "metric_value",
    "microseconds",
    "number",
    "p_value",
    "percent",
    "plural",
    "points",
    "setting",
    "times",
]

#: Shares that readers know in percent; other metrics keep their own unit.
_IN_PERCENT = frozenset({"accuracy", "top5"})

MINUS = "\N{MINUS SIGN}"


def count(value: int) -> str:
    """Return a whole number with thousands separated."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """Return `value` and `noun`, with an s unless there is one."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def points(value: float, unit: str) -> str:
    """Return a limit or difference with its unit: `1 point`, `0.5 points`, `2 %`."""
    if unit == "%":
        return f"{value:g} %"
    return f"{value:g} point" if value == 1 else f"{value:g} points"


def kilobytes(num_bytes: int) -> str:
    """Return bytes in B, kB or MB (powers of 1000), three digits."""
    if num_bytes < 1000:
        return f"{num_bytes} B"
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        value = num_bytes / size
        if value < 999.5 or unit == "GB":
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError("unreachable")


def percent(share: float, digits: int = 1) -> str:
    """Return a share, 0..1, in percent."""
    return f"{share * 100:.{digits}f} %"


def number(value: float) -> str:
    """Return a real number with four significant digits."""
    text = f"{value:.4g}"
    return text.replace("-", MINUS) if value < 0 else text


def millions(value: float | None, *, digits: int = 0) -> str:
    """Return a value in millions of its unit; a dash where there is none."""
    return "-" if value is None else f"{value / 1e6:,.{digits}f}"


def times(value: float) -> str:
    """Return a factor: two decimals below 10, one below 100."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def microseconds(nanoseconds: float) -> str:
    """Return a time in microseconds, without the unit: one decimal below 1000."""
    value = nanoseconds / 1e3
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def metric_unit(metric: str) -> str:
    """Return `%` for metrics that are given in percent, else nothing."""
    return "%" if metric in _IN_PERCENT else ""


def metric_value(metric: str, value: float) -> str:
    """Return a metric's value in its unit: `87.15 %`, or four significant digits."""
    return percent(value, 2) if metric in _IN_PERCENT else f"{value:.4g}"


def evaluation_error(record: EvaluationRecord) -> str:
    """Return the standard error in the unit of `metric_value`, without the unit."""
    if record.metric in _IN_PERCENT:
        return f"{record.standard_error * 100:.2f}"
    return f"{record.standard_error:.2g}"


def drop_unit(metric: str) -> str:
    """Return the unit of a drop, see `edgetool.tasks.drop_points`."""
    return "points" if in_points(metric) else "%"


def drop(value: float) -> str:
    """Return a drop with two decimals, positive where the artefact is worse."""
    text = f"{abs(value):.2f}"
    return text if value >= 0 or float(text) == 0.0 else MINUS + text


def p_value(value: float) -> str:
    """Return a p-value with two significant digits, or its bound below 0.001."""
    if value < 0.001:
        return "< 0.001"
    return "1" if value > 0.995 else f"{value:.2g}"


def setting(record: LatencyRecord) -> str:
    """Return the setting of a latency record: device, threads and batch."""
    threads = "" if record.device == "gpu" else f", {plural(record.num_threads, 'thread')}"
    batch = "" if record.batch == 1 else f", batch {record.batch}"
    return f"{record.device.upper()}{threads}{batch}"
