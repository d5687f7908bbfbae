"""The tables about artefacts: summary, size, accuracy, latency, classes."""

from __future__ import annotations

from collections.abc import Sequence

from edgetool.records import EvaluationRecord, LatencyRecord
from edgetool.report import wording
from edgetool.report.collect import Run
from edgetool.report.row import Row
from edgetool.report.table import NONE, Cell, Table, Tone, heads, num, text
from edgetool.runners import runs_models
from edgetool.store.sizes import ZSTD_LEVEL
from edgetool.targets import DEFAULT_TARGET

__all__ = ["accuracy_table", "class_table", "latency_table", "size_table", "summary_table"]

#: Classes that a page can show side by side; of more, those that changed most.
MAX_CLASSES = 20


def summary_table(run: Run) -> Table:
    """Return one row an artefact with the figures that decide."""
    setting = run.main_setting
    where = "" if setting is None else "p50 \N{GREEK SMALL LETTER MU}s"
    titles = ["Artefact", "#Bytes", "#\N{MULTIPLICATION SIGN} float32 size", f"#Test {run.metric or 'metric'}"]
    titles += ["#\N{PLUS-MINUS SIGN} s.e.", f"#Drop, {wording.drop_unit(run.metric)}"]
    titles += [f"#{where or 'p50'}", "#\N{MULTIPLICATION SIGN} float32 time", "#95 % interval", "Checks"]
    rows = tuple(_summary_row(row, run) for row in run.rows)
    measured = next((row.latency(setting) for row in run.rows if row.latency(setting)), None)
    parts = ["Drop: how much worse than the source model on the test split; below zero: better."]
    if measured is not None:
        parts.append(f"Latency: median of one inference, {wording.setting(measured)}.")
    parts.append("Ratios are to the float32 artefact of the same format; below 1: smaller, faster.")
    return Table("Summary", " ".join(parts), heads(titles), rows).without_empty_columns()


def _summary_row(row: Row, run: Run) -> tuple[Cell, ...]:
    record = row.record
    latency = row.latency(run.main_setting)
    value, error = _metric_cells(record.evaluation)
    return (
        name_cell(row, badges=True),
        num(wording.count(record.size.raw), record.size.raw),
        _size_ratio(row),
        value,
        error,
        _drop_cell(row, run),
        NONE if latency is None else num(wording.microseconds(latency.p50_ns), latency.p50_ns),
        _ratio_cell(latency),
        _interval_cell(latency),
        _checks_cell(row, latency),
    )


def name_cell(row: Row, *, badges: bool = False) -> Cell:
    """Return the cell that names an artefact; with badges for what it was chosen as."""
    words = row.chosen_as if badges else ()
    if badges and row.record.is_reference:
        words = (*words, "reference")
    return Cell(row.name, badges=words, is_head=True)


def _metric_cells(record: EvaluationRecord | None) -> tuple[Cell, Cell]:
    if record is None:
        return NONE, NONE
    return (
        num(wording.metric_value(record.metric, record.value), record.value),
        num(wording.evaluation_error(record), record.standard_error, hint=record.method),
    )


def _drop_cell(row: Row, run: Run) -> Cell:
    if row.drop is None:
        return NONE
    tone: Tone = "bad" if row.drop.value > run.manifest.max_drop_points + 1e-9 else ""
    if row.drop.standard_error is not None:
        hint = f"paired standard error {row.drop.standard_error:.2f} {row.drop.unit}"
        return num(wording.drop(row.drop.value), row.drop.value, tone=tone, hint=hint)
    return num(wording.drop(row.drop.value), row.drop.value, tone=tone)


def _size_ratio(row: Row) -> Cell:
    if row.size_ratio is None or row.record.is_reference:
        return NONE
    return num(f"{row.size_ratio:.3f}", row.size_ratio, hint=f"of {row.reference}")


def _ratio_cell(latency: LatencyRecord | None) -> Cell:
    if latency is None or latency.ratio is None:
        return NONE
    ratio = latency.ratio
    tone: Tone = "good" if ratio.high < 1.0 else "bad" if ratio.low > 1.0 else ""
    return num(f"{ratio.value:.2f}", ratio.value, tone=tone, hint=f"of {ratio.reference}")


def _interval_cell(latency: LatencyRecord | None) -> Cell:
    if latency is None or latency.ratio is None:
        return NONE
    return num(f"{latency.ratio.low:.2f}\N{EN DASH}{latency.ratio.high:.2f}", latency.ratio.low)


def _checks_cell(row: Row, latency: LatencyRecord | None) -> Cell:
    if row.problems:
        return Cell("failed", tone="bad", hint="; ".join(row.problems))
    if latency is not None and latency.noise != "quiet":
        said = {"noisy": "noisy timing", "unusable": "timing unusable"}[latency.noise]
        return Cell(f"passed; {said}", tone="warn", hint=f"latency: {latency.noise_reason}")
    if not row.record.parity:
        return Cell("not checked", tone="warn")
    return Cell("passed", tone="good")


def size_table(run: Run) -> Table:
    """Return raw and compressed bytes, parameters, operations and activation memory."""
    titles = ["Artefact", "#Raw bytes", "#gzip -9", f"#zstd -{ZSTD_LEVEL}", "#\N{MULTIPLICATION SIGN} float32 raw"]
    titles += ["#gzip / raw", "#Parameters", "#MACs", "#Arena bytes", "SHA-256"]
    rows = tuple(
        (
            name_cell(row),
            num(wording.count(row.record.size.raw), row.record.size.raw),
            num(wording.count(row.record.size.gzip), row.record.size.gzip),
            num(wording.count(row.record.size.zstd), row.record.size.zstd),
            _size_ratio(row),
            num(f"{row.record.size.gzip / max(1, row.record.size.raw):.3f}", row.record.size.gzip / row.record.size.raw)
            if row.record.size.raw
            else NONE,
            num(wording.count(row.record.num_params), row.record.num_params),
            num(wording.count(row.record.macs), row.record.macs) if row.record.macs >= 0 else text("unknown"),
            num(wording.count(row.record.arena_bytes), row.record.arena_bytes),
            Cell(row.record.artifact.digest[:12], hint=row.record.artifact.digest),
        )
        for row in run.rows
    )
    caption = (
        "MACs: multiply-accumulates of one sample. Arena: planned peak of activation memory, without weights. "
        "gzip and Zstandard show what pruned and clustered weights save in a package or an update."
    )
    return Table("Size and memory", caption, heads(titles), rows, dense=True)


def accuracy_table(run: Run) -> Table:
    """Return the metric on both splits, and the paired comparison with the source model."""
    unit = wording.drop_unit(run.metric)
    titles = ["Artefact", f"#Test {run.metric}", "#\N{PLUS-MINUS SIGN} s.e.", f"#Drop, {unit}"]
    titles += ["#\N{PLUS-MINUS SIGN} paired s.e.", "#Changed", "#Fixed", "#Broken", "#McNemar p"]
    titles += [f"#Validation {run.metric}", f"#Validation drop, {unit}"]
    source = run.manifest.source
    rows = [_accuracy_row(row, run) for row in run.rows if row.record.evaluation or row.record.validation]
    if source is not None and (source.evaluation or source.validation) is not None:
        value, error = _metric_cells(source.evaluation)
        validation, _ = _metric_cells(source.validation)
        name = Cell("source model", badges=(source.format,), is_head=True)
        rows.insert(0, (name, value, error, *[NONE] * 6, validation, NONE))
    return Table(_accuracy_title(run), _accuracy_caption(run), heads(titles), tuple(rows), dense=True)


def _accuracy_title(run: Run) -> str:
    return f"Test {run.metric}, in pairs with the source model" if run.metric else "Accuracy"


def _accuracy_caption(run: Run) -> str:
    records = [row.record.evaluation for row in run.rows if row.record.evaluation is not None]
    if not records:
        return "No labelled test split."
    first = records[0]
    test = "" if first.paired is None else f" p: {first.paired.test or 'two-sided McNemar test'}."
    return (
        f"Measured with the exported file itself on {wording.plural(first.num_samples, 'test sample')}, the same for "
        f"all. s.e.: {first.method}. Changed: other answers than the source model; fixed: wrong before, right now; "
        f"broken: right before, wrong now.{test} Choices are made on the validation split; the test split only reports."
    )


def _accuracy_row(row: Row, run: Run) -> tuple[Cell, ...]:
    value, error = _metric_cells(row.record.evaluation)
    validation, _ = _metric_cells(row.record.validation)
    paired = None if row.record.evaluation is None else row.record.evaluation.paired
    drop, earlier = row.drop, row.validation_drop
    limit = run.manifest.max_drop_points + 1e-9
    compared: tuple[Cell, ...] = (NONE, NONE, NONE, NONE)
    if paired is not None:
        compared = (
            num(wording.count(paired.num_changed), paired.num_changed),
            num(wording.count(paired.num_fixed), paired.num_fixed),
            num(wording.count(paired.num_broken), paired.num_broken),
            num(wording.p_value(paired.mcnemar_p), paired.mcnemar_p, tone="warn" if paired.mcnemar_p < 0.05 else ""),
        )
    return (
        name_cell(row),
        value,
        error,
        _drop_cell(row, run),
        NONE if drop is None or drop.standard_error is None else num(f"{drop.standard_error:.2f}", drop.standard_error),
        *compared,
        validation,
        NONE
        if earlier is None
        else num(wording.drop(earlier.value), earlier.value, tone="bad" if earlier.value > limit else ""),
    )


def latency_table(run: Run) -> Table:
    """Return one row an artefact and setting."""
    mu = "\N{GREEK SMALL LETTER MU}s"
    titles = ["Artefact", "Runtime", "Setting", f"#min {mu}", f"#p50 {mu}", f"#mean {mu}", f"#p90 {mu}", f"#p99 {mu}"]
    titles += [f"#std {mu}", f"#MLPerf p90 {mu}", "#\N{MULTIPLICATION SIGN} float32", "#95 % interval", "Noise"]
    titles += ["#Samples/s", "#Load ms", "#Peak RSS MB", "#mJ", "#Runs"]
    rows = tuple(_latency_row(row, record) for row in run.rows for record in row.record.latency)
    caption = (
        f"One inference, after warm-up, on {_measured_on(run)}; all artefacts interleaved in one run, "
        "each in a process of its own. Ratio of medians to the float32 artefact of the same format in the same "
        "setting, with its 95 % bootstrap interval. Peak RSS is the whole process with its runtime."
    )
    return Table("Latency", caption, heads(titles), rows, dense=True).without_empty_columns()


def _measured_on(run: Run) -> str:
    """Return where latency was measured: on the target only where it has a runner of model files."""
    target, device = run.manifest.target, run.manifest.device
    if target == DEFAULT_TARGET:
        return "the machine below"
    if device is not None and device.name == target and runs_models(device):
        return f"{target}, described below"
    return f"the machine below, not on {target}"


def _latency_row(row: Row, record: LatencyRecord) -> tuple[Cell, ...]:
    times = (record.min_ns, record.p50_ns, record.mean_ns, record.p90_ns, record.p99_ns, record.std_ns)
    pinned = f"pinned to CPU {', '.join(map(str, record.pinned_cpus))}" if record.pinned_cpus else "not pinned"
    nodes = "; ".join(f"{wording.plural(n, 'node')} on {name}" for name, n in record.node_providers.items())
    noise_tone: Tone = {"quiet": "good", "noisy": "warn", "unusable": "bad"}[record.noise]  # type: ignore[assignment]
    energy = record.energy_per_inference_j
    return (
        name_cell(row),
        text(record.runtime, hint=nodes),
        text(wording.setting(record), hint=pinned),
        *(num(wording.microseconds(value), value) for value in times),
        NONE
        if record.mlperf_p90_ns is None
        else num(wording.microseconds(record.mlperf_p90_ns), record.mlperf_p90_ns, hint="median of 5 windows"),
        _ratio_cell(record),
        _interval_cell(record),
        Cell(record.noise, tone=noise_tone, hint=record.noise_reason),
        num(f"{record.throughput_per_s:,.0f}", record.throughput_per_s),
        num(wording.millions(record.load_ns, digits=1), record.load_ns),
        num(wording.millions(record.peak_rss_bytes), record.peak_rss_bytes),
        NONE if energy is None else num(f"{energy * 1e3:.3f}", energy, hint=record.energy_method),
        num(wording.count(record.num_samples), record.num_samples, hint=f"{record.num_warmup} warm-up runs before"),
    )


def class_table(run: Run) -> Table | None:
    """Return the test accuracy of every class, coloured by its distance from the source model; None without classes.

    Of generated images it is the share that the judge takes for each class.
    """
    rows = [(row.name, row.record.evaluation) for row in run.rows]
    scored = [(name, record) for name, record in rows if record is not None and record.per_class]
    if not scored:
        return None
    first = scored[0][1]
    names = first.class_names or tuple(str(index) for index in range(len(first.per_class)))
    source = run.manifest.source
    base = () if source is None or source.evaluation is None else source.evaluation.per_class
    shown, more = _classes_to_show([record.per_class for _, record in scored], base)
    cells = [_class_row(name, record.per_class, base, shown) for name, record in scored]
    if base:
        cells.insert(0, _class_row("source model", base, (), shown))
    generated = first.metric == "inception_score"
    title = "Share of each class" if generated else "Accuracy of each class"
    caption = "Share of each class's test samples that are right, in %."
    if generated:
        caption = "Share of the generated images that the judge takes for each class, in %."
    if more:
        caption += f" The {len(shown)} classes that changed most of {len(names)}; results.json has all."
    titles = ["Artefact", *(f"#{names[i]}" if i < len(names) else f"#{i}" for i in shown)]
    legend = "Coloured by the difference from the source model." if base else ""
    return Table(title, caption, heads(titles), tuple(cells), dense=True, legend=legend)


def _classes_to_show(values: Sequence[tuple[float, ...]], base: tuple[float, ...]) -> tuple[list[int], bool]:
    num_classes = len(values[0])
    if num_classes <= MAX_CLASSES:
        return list(range(num_classes)), False
    against = base or values[0]
    change = [max(abs(v[i] - against[i]) for v in values if len(v) == num_classes) for i in range(num_classes)]
    worst = sorted(range(num_classes), key=lambda i: (-change[i], i))[:MAX_CLASSES]
    return sorted(worst), True


def _class_row(name: str, values: tuple[float, ...], base: tuple[float, ...], shown: Sequence[int]) -> tuple[Cell, ...]:
    cells = [Cell(name, is_head=True)]
    for index in shown:
        if index >= len(values) or values[index] < 0:
            cells.append(NONE)  # a class without samples
            continue
        heat = None
        if index < len(base) and base[index] >= 0:
            heat = max(-5, min(5, round((values[index] - base[index]) * 100.0 / 2.0)))
        cells.append(Cell(f"{values[index] * 100:.1f}", heat=heat))
    return tuple(cells)
