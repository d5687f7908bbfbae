"""The answer to a user's question: does the model fit the device, in what file, and at what cost in accuracy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from edgetool.records import Decision, Manifest, RuntimeFit, ValidationSplit
from edgetool.report import wording
from edgetool.report.float_share import float_sentence
from edgetool.report.row import Row
from edgetool.targets import DEFAULT_TARGET
from edgetool.tasks import in_points

__all__ = ["Answer", "answer_of", "budget_lines", "head_lines", "split_lines", "with_failures"]

#: How many failed recipes and artefacts a headline names.
MAX_NAMED = 4

#: Half of a 95 % interval, in standard errors.
TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the question a user has.

    Attributes:
        fits: None: the run did not come so far.
        headline: one or two sentences.
        details: one sentence for each purpose.
        notes: what the choice takes on the device, how it is built in, and what it was decided on.
    """

    fits: bool | None
    headline: str
    details: tuple[str, ...]
    notes: tuple[str, ...] = ()


def answer_of(manifest: Manifest, rows: Sequence[Row], *, name: str, metric: str) -> Answer:
    """Return the answer of a run.

    Args:
        manifest: The manifest of the run.
        rows: its artefacts.
        name: The name of the run's folder, which the command that embeds the chosen artefact needs.
        metric: The metric of the run; empty without labels.
    """
    if not manifest.decisions:
        last = manifest.stages[-1].name if manifest.stages else None
        state = f"the last finished stage is {last!r}" if last else "no stage is finished"
        return Answer(None, f"No answer yet: the run is {manifest.status}, and {state}.", ())
    by_name = {row.name: row for row in rows}
    details = tuple(_decision_line(decision) for decision in manifest.decisions)
    chosen = next((decision for decision in manifest.decisions if decision.artifact in by_name), None)
    if chosen is None or chosen.artifact is None:
        unit = wording.drop_unit(metric)
        limit = f"within {wording.points(manifest.max_drop_points, unit)} of the source model"
        return Answer(False, f"No: no artefact fits {manifest.target} {limit}.", details)
    best = by_name[chosen.artifact]
    notes = [*budget_lines(manifest, chosen, best, name), *split_lines(manifest, best), *head_lines(best)]
    headline = f"Yes: {best.name} fits {manifest.target} in {_takes(manifest, chosen, best)}, {_cost_in_words(best)}."
    floats = float_sentence(best.record)
    headline += f" {floats}" if floats else ""
    return Answer(True, headline + _decided_on(manifest.decided_on), details, tuple(notes))


def with_failures(answer: Answer, manifest: Manifest, rows: Sequence[Row]) -> Answer:
    """Name what failed in the headline; without any sound reference that is the answer."""
    failed = {failure.name: str(failure) for failure in manifest.failures}
    failed |= {row.name: row.problems[0] for row in rows if row.problems}
    if answer.fits is None or not failed:
        return answer
    references = [row for row in rows if row.record.is_reference]
    if references and all(row.problems for row in references):
        row = references[0]
        headline = f"No: {row.name}, which others are compared with, failed: {row.problems[0]}"
        return dataclasses.replace(answer, fits=False, headline=headline)
    names = list(failed)
    listed = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
    return dataclasses.replace(answer, headline=f"{answer.headline} Failed: {listed}.")


def budget_lines(manifest: Manifest, decision: Decision, row: Row, name: str) -> list[str]:
    """Return what the chosen artefact takes of each budget of the device, and the command that builds it in."""
    device = manifest.device
    fit = _fit(decision, row)
    if device is None or fit is None or device.name == DEFAULT_TARGET:
        return []
    lines = []
    of_what = {"flash": "constants; code comes on top" if fit.runtime == "c" else "the file", "RAM": "activations"}
    for what, needed, available in (
        ("flash", fit.flash_bytes, device.flash_bytes),
        ("RAM", fit.ram_bytes, device.ram_bytes),
    ):
        if available is not None:
            share = wording.percent(needed / available)
            lines.append(f"Of {device.name}'s {what}: {needed:,} of {available:,} bytes, {share} ({of_what[what]}).")
    runtime = fit.runtime if fit.runtime in ("c", "tflm") else "linux"
    lines.append(f"Build it in: edgetool embed {name} --runtime {runtime} -o {name}-bundle")
    return lines


def head_lines(row: Row) -> list[str]:
    """Return the metric of each output behind the first one, and how much worse it is than the source model's."""
    record = row.record.evaluation or row.record.validation
    lines = []
    for head in () if record is None else record.heads:
        value = wording.metric_value(head.metric, head.value)
        against = " against the source model's own answers" if head.labels == "source" else ""
        change = ""
        if head.drop is not None:
            how = "worse" if head.drop > 0 else "better"
            unit = wording.drop_unit(head.metric)
            size = f"{wording.drop(abs(head.drop))}{unit if unit == '%' else f' {unit}'}"
            change = f", {size} {how} than the source model" if head.drop else ", the same as the source model's"
        lines.append(f"Output {head.name}: {head.metric} {value}{against}{change}.")
    return lines


def split_lines(manifest: Manifest, row: Row) -> list[str]:
    """Return what the validation split can show: the smallest step, the interval of the drop, limits below the step."""
    split, drop = manifest.decided_on, row.validation_drop
    if split is None or drop is None or row.record.validation is None:
        return []
    unit = drop.unit if drop.unit == "%" else f" {drop.unit}"
    lines = []
    if drop.standard_error is not None:
        half = TWO_SIDED_95 * drop.standard_error
        low, high = wording.drop(drop.value - half), wording.drop(drop.value + half)
        lines.append(
            f"The drop of {row.name} on validation is {wording.drop(drop.value)}{unit}, 95 % interval {low} to {high}."
        )
    if row.record.validation.metric in ("accuracy", "top5") and in_points(row.record.validation.metric):
        step = 100.0 / split.num_answers
        lines.append(f"One answer of {split.num_answers:,} on validation is {step:.2g} points.")
        if manifest.max_drop_points < step:
            lines.append(
                f"The limit of {wording.points(manifest.max_drop_points, 'points')} is below that step: "
                "give more validation samples, or a larger --max-drop."
            )
    if split.is_seen:
        lines.append("Give x_val and y_val that the model was not trained on to decide on unseen samples.")
    return lines


def _takes(manifest: Manifest, decision: Decision, row: Row) -> str:
    """Say the size, with its share of the device's flash, and how much smaller than float32 that is."""
    fit, device = _fit(decision, row), manifest.device
    num_bytes = row.record.size.raw if fit is None else fit.flash_bytes
    text = wording.kilobytes(num_bytes)
    if fit is not None and device is not None and device.flash_bytes is not None:
        text += f" ({wording.percent(num_bytes / device.flash_bytes)} of its flash)"
    if row.size_ratio and row.size_ratio < 0.995:
        factor = wording.times(1.0 / row.size_ratio)
        text += f", {factor}\N{MULTIPLICATION SIGN} smaller than {row.reference}"
    return text


def _fit(decision: Decision, row: Row) -> RuntimeFit | None:
    return next((fit for fit in row.record.fits if fit.runtime == decision.runtime), None)


def _decided_on(split: ValidationSplit | None) -> str:
    """Say in the headline where decisions stand on samples that the model may know."""
    if split is None or not split.is_seen:
        return ""
    return f" Decided on {wording.plural(split.num_samples, 'sample')} of its own training data."


def _cost_in_words(row: Row) -> str:
    record, drop = row.record.evaluation, row.drop
    if record is None:
        return "with no labels to measure a metric on"
    value = wording.metric_value(record.metric, record.value)
    if drop is None:
        return f"at {value} test {record.metric}"
    unit = drop.unit if drop.unit == "%" else f" {drop.unit}"
    size = wording.drop(abs(drop.value))
    if float(size) == 0.0:
        return f"with test {record.metric} {value}, the same as the source model's"
    how = "worse" if drop.value > 0 else "better"
    return f"with test {record.metric} {value}, {size}{unit} {how} than the source model"


def _decision_line(decision: Decision) -> str:
    return f"{decision.purpose.capitalize()}: {decision.artifact or 'none'}. {decision.reason}"
