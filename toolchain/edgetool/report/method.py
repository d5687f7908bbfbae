"""The tables about how a run was made and checked: parity, invariants, layers, passes, machine, data."""

from __future__ import annotations

from edgetool.invariants import from_record
from edgetool.records import InvariantRecord, LayerRecord, Machine, Manifest, ParityRecord
from edgetool.report import wording
from edgetool.report.collect import Run
from edgetool.report.notes import NO_LABELS
from edgetool.report.row import Row
from edgetool.report.table import NONE, Cell, Column, Table, heads, num, text
from edgetool.report.tables import name_cell

__all__ = [
    "data_facts",
    "invariant_table",
    "layer_table",
    "machine_facts",
    "parity_table",
    "pass_table",
    "run_facts",
    "skipped_table",
    "stage_table",
]


def parity_table(run: Run) -> Table:
    """Return how far outputs are apart."""
    titles = ["Artefact", "Against", "Kind", "#max |error|", "#max rel. error", "#SQNR dB", "#Top-1 agreement"]
    titles += ["#Samples", "Result", "Tolerance"]
    rows = tuple(_parity_row(row, record) for row in run.rows for record in row.record.parity)
    caption = (
        "Outputs on the same inputs, never of the test split. Float artefacts are judged by absolute error and SQNR, "
        "quantised ones by agreement and SQNR, the TFLite and the ONNX file of one recipe against each other."
    )
    return Table("Parity", caption, heads(titles), rows, dense=True).without_empty_columns()


def _parity_row(row: Row, record: ParityRecord) -> tuple[Cell, ...]:
    agreement = record.top1_agreement
    return (
        name_cell(row),
        text(record.reference),
        text(record.kind),
        num(f"{record.max_abs_error:.2e}", record.max_abs_error),
        num(f"{record.max_rel_error:.2e}", record.max_rel_error),
        num(", ".join(f"{value:.1f}" for value in record.sqnr_db), min(record.sqnr_db, default=None)),
        NONE if agreement is None else num(wording.percent(agreement), agreement),
        num(wording.count(record.num_samples), record.num_samples, hint=f"{record.split} split"),
        Cell("passed", tone="good") if record.passed else Cell("failed", tone="bad", hint=record.reason),
        text(record.limits),
    )


def invariant_table(run: Run) -> Table | None:
    """Return what passes ensured, as found in the exported files; None where nothing was checked.

    Kernels that were only checked for not being wholly zero, and are not, make one row an artefact.
    """
    rows: list[tuple[Cell, ...]] = []
    for row in run.rows:
        sound = [r for r in row.record.invariants if r.kind == "nonzero" and r.passed]
        others = [r for r in row.record.invariants if not (r.kind == "nonzero" and r.passed)]
        rows += [_invariant_row(row, record) for record in others]
        if sound:
            layers = text(f"{wording.plural(len(sound), 'kernel')}", hint=", ".join(r.layer for r in sound))
            result = Cell("passed", tone="good")
            rows.append((name_cell(row), layers, text("none wholly zero"), NONE, NONE, result))
    if not rows:
        return None
    titles = ["Artefact", "Layer", "Ensured", "#Asked", "#Found", "Result"]
    caption = "What each pass promised, counted again in the tensors of the file that ships."
    return Table("Invariants in the exported files", caption, heads(titles), tuple(rows), dense=True)


def _invariant_row(row: Row, record: InvariantRecord) -> tuple[Cell, ...]:
    promise = from_record(record)
    return (
        name_cell(row),
        text(record.layer, hint=f"tensor {record.tensor}" if record.tensor else ""),
        text(promise.title),
        num(promise.show_expected(), record.expected),
        num(promise.show(record.found), record.found) if record.found >= 0 else text("no such kernel"),
        Cell("passed", tone="good") if record.passed else Cell("failed", tone="bad"),
    )


def layer_table(row: Row, max_layers: int) -> Table:
    """Return the operators of an artefact in order, the `max_layers` heaviest where it has more.

    Args:
        row: the artefact.
        max_layers: how many operators to show.
    """
    layers = row.record.layers
    left_out = ""
    if len(layers) > max_layers:
        heaviest = sorted(range(len(layers)), key=lambda i: (-layers[i].num_bytes, -layers[i].macs, i))[:max_layers]
        shown = [layers[i] for i in sorted(heaviest)]
        left_out = f"The {max_layers} heaviest of {len(layers)} operators; results.json has all. "
    else:
        shown = list(layers)
    columns = (
        Column("Layer"),
        Column("Operator"),
        Column("Parameters", numeric=True),
        Column("Bytes", numeric=True),
        Column("MACs", numeric=True),
        Column("Zeros", numeric=True),
        Column("Unique values", numeric=True),
        Column("Type"),
    )
    most_bytes = max((layer.num_bytes for layer in layers), default=0)
    most_macs = max((layer.macs for layer in layers), default=0)
    rows = tuple(_layer_row(layer, most_bytes, most_macs) for layer in shown)
    caption = f"{left_out}Bytes are those of the weights in the file; zeros and unique values are counted in them."
    legend = "Bars compare bytes and MACs with the largest of the artefact."
    return Table(row.name, caption, columns, rows, dense=True, legend=legend)


def _layer_row(layer: LayerRecord, most_bytes: int, most_macs: int) -> tuple[Cell, ...]:
    weights = layer.weights
    return (
        Cell(layer.name, is_head=True),
        text(layer.op),
        num(wording.count(layer.num_params), layer.num_params) if layer.num_params else NONE,
        Cell(wording.count(layer.num_bytes), bar=_bar(layer.num_bytes, most_bytes)) if layer.num_bytes else NONE,
        Cell(wording.count(layer.macs), bar=_bar(layer.macs, most_macs)) if layer.macs > 0 else NONE,
        NONE if weights is None else num(wording.percent(weights.zeros), weights.zeros),
        NONE if weights is None else num(wording.count(weights.palette or 0), weights.palette or 0),
        text(layer.dtype),
    )


def _bar(value: int, most: int) -> int:
    return max(1, round(20 * value / most)) if most > 0 else 0


def pass_table(run: Run) -> Table | None:
    """Return what each pass of each recipe did; None where no pass ran."""
    rows = [
        (
            Cell(stage.recipe or stage.name, is_head=True),
            text(record.name),
            text("changed" if record.modified else "left as it was"),
            num(f"{record.seconds:,.1f}", record.seconds),
            text(", ".join(f"{key} {_fact(value)}" for key, value in record.facts.items())),
        )
        for stage in run.manifest.stages
        for record in stage.passes
    ]
    if not rows:
        return None
    titles = ["Recipe", "Pass", "Model", "#Seconds", "Facts"]
    caption = "In the order in which they ran; calibration and fine-tuning are among the facts."
    return Table("Passes", caption, heads(titles), tuple(rows), dense=True)


def _fact(value: float | int | str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def skipped_table(run: Run) -> Table | None:
    """Return the layers that steps left alone; None where there are none."""
    rows = [
        (
            Cell(stage.recipe or stage.name, is_head=True),
            text(skipped.layer),
            text(skipped.step),
            text(skipped.reason),
        )
        for stage in run.manifest.stages
        for skipped in stage.skipped_layers
    ]
    if not rows:
        return None
    caption = "Layers that a step does not support or need not touch; they were left as they are."
    return Table("Skipped layers", caption, heads(["Recipe", "Layer", "Step", "Reason"]), tuple(rows), dense=True)


def stage_table(run: Run) -> Table:
    """Return how long each stage took."""
    rows = tuple(
        (
            Cell(stage.name, is_head=True),
            num(f"{stage.seconds:,.1f}", stage.seconds),
            text(stage.finished),
        )
        for stage in run.manifest.stages
    )
    total = sum(stage.seconds for stage in run.manifest.stages)
    return Table("Stages", f"{total:,.0f} s in all.", heads(["Stage", "#Seconds", "Finished"]), rows, dense=True)


def run_facts(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return what was asked for, and of which model."""
    unit = wording.drop_unit("accuracy" if manifest.data is None else manifest.data.metric)
    facts = [
        ("Command", manifest.command),
        ("Started", manifest.created),
        ("State", manifest.status),
        ("Target", manifest.target),
        ("Allowed drop", f"{wording.points(manifest.max_drop_points, unit)}, on the validation split"),
        ("Recipes", ", ".join(manifest.recipes)),
        ("Seed", str(manifest.seed)),
        ("edgetool", manifest.edgetool_version),
    ]
    if manifest.source is not None:
        source = manifest.source
        facts[1:1] = [
            ("Source model", f"{source.path} ({source.format}, {wording.count(source.num_bytes)} bytes)"),
            ("Source SHA-256", source.digest),
            ("Source parameters", wording.count(source.num_params)),
        ]
    return tuple(facts)


def data_facts(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return what the data are, with their digest, splits and preprocessing."""
    data = manifest.data
    if data is None:
        return ()
    splits = ", ".join(f"{name} {wording.count(size)}" for name, size in data.splits.items())
    facts = [
        ("Name", data.name),
        ("Source", data.source),
        ("SHA-256", data.digest),
        ("Splits", splits),
        ("Preprocessing", data.preprocessing),
        ("Task", data.task),
        ("Metric", data.metric),
        *((key[:1].upper() + key[1:], value) for key, value in data.facts.items()),
    ]
    if data.labels == "source":
        facts.append(("Labels", NO_LABELS))
    return tuple((title, value) for title, value in facts if value)


def machine_facts(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return what made the artefacts, and what ran them where that was another machine."""
    machine = manifest.machine
    if machine is None:
        return ()
    others = [other for other in manifest.machines if other != machine]
    return (
        ("CPU", f"{machine.cpu}, {wording.plural(machine.num_cpus, 'core')} usable"),
        ("Instruction sets", ", ".join(machine.isa) or "none of those looked for"),
        ("Memory", wording.kilobytes(machine.memory_bytes)),
        ("GPU", machine.gpu or "none"),
        ("System", machine.system),
        ("Python", machine.python),
        *((name, version) for name, version in machine.versions.items()),
        *(("Artefacts ran on", _machine_in_words(other)) for other in others),
    )


def _machine_in_words(machine: Machine) -> str:
    """Say in one line what a machine is and what it ran artefacts with."""
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    cores = wording.plural(machine.num_cpus, "core")
    memory = wording.kilobytes(machine.memory_bytes)
    return f"{machine.cpu}, {cores} usable, {memory}; {machine.system}; Python {machine.python}; {versions}"
