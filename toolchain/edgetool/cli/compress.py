"""`edgetool compress`: the whole way from a trained model to measured artefacts."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.commands import CompressOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.pipeline.compress import CompressRequest
    from edgetool.records import ArtifactRecord, Manifest


def compress(
    options: CompressOptions,
    output: ProgressOptions,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, stop.")] = False,
) -> None:
    """Compress MODEL by recipes, prove the exports agree, measure them, write a report into RUN."""
    from edgetool.pipeline.compress import compress as run_compress
    from edgetool.pipeline.request import build_request

    console = Console.of(output)
    command = shlex.join(["edgetool", *sys.argv[1:]])
    try:
        request = build_request(options, command=command, progress=console.progress, dry_run=dry_run)
        if dry_run:
            _print_plan(console, request)
            return
        outcome = run_compress(request, progress=console.progress)
    finally:
        console.close()
    print_summary(console, outcome.manifest, str(request.out))
    if outcome.errors:
        raise outcome.errors[0]  # the summary names the others


def _print_plan(console: Console, request: CompressRequest) -> None:
    from edgetool.pipeline.plan import plan_recipes

    lines = [
        f"model:   {request.setup.model}",
        f"data:    {request.setup.data} ({request.setup.preprocessing.describe()})",
        f"target:  {request.target.name}",
        f"out:     {request.out}",
        "recipes:",
    ]
    planned = plan_recipes(request)
    for recipe in planned:
        steps = " -> ".join(recipe.steps) or "no pass"
        lines.append(f"  {recipe.name}: {recipe.refusal or f'{steps} -> ' + ', '.join(recipe.exports)}")
    console.result({"model": request.setup.model, "recipes": planned}, "\n".join(lines))


def print_summary(console: Console, manifest: Manifest, out: str) -> None:
    """Print the table of artefacts, the decisions and the report's path."""
    metric = next((a.evaluation.metric for a in manifest.artifacts if a.evaluation is not None), "metric")
    columns = ["artefact", "bytes", "gzip", metric, "± s.e.", "p50 us", "x", "parity"]
    title = f"{metric} of the test split; p50: median of one inference; x: over float32's"
    rows = [_row(artifact) for artifact in manifest.artifacts]
    console.table(title, columns, rows, optional=("gzip", "± s.e."))
    from edgetool.report.collect import collect_run

    run = collect_run(manifest, out)
    console.say(run.answer.headline)
    for decision in manifest.decisions:
        chosen = decision.artifact or "none"
        console.say(f"{decision.purpose}: {chosen} ({decision.reason})")
    for note in run.answer.notes:
        console.say(note)
    for failure in run.failures:
        console.say(f"FAILED {failure}")
    for note in run.notes:
        console.say(f"note: {note}")
    console.say(f"report: {out}/report.html")
    console.result(manifest)


def _row(artifact: ArtifactRecord) -> list[str]:
    from edgetool.report import wording

    evaluation = artifact.evaluation
    value = error = "-"
    if evaluation is not None:
        value = wording.metric_value(evaluation.metric, evaluation.value)
        error = wording.evaluation_error(evaluation)
    single = next((record for record in artifact.latency if record.num_threads == 1), None)
    p50 = f"{single.p50_ns / 1e3:,.1f}" if single else "-"
    ratio = f"{single.ratio.value:.2f}" if single and single.ratio else "-"
    parity = "ok" if all(record.passed for record in artifact.parity) else "differs"
    if artifact.failure is not None:
        parity = "FAILED"
    return [artifact.name, f"{artifact.size.raw:,}", f"{artifact.size.gzip:,}", value, error, p50, ratio, parity]
