"""`edgetool compress`: the whole way from a trained model to measured artefacts."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import (
    ClockOption,
    Console,
    DebugOption,
    FlashOption,
    InputShapeOption,
    JsonOption,
    OutOption,
    OverwriteOption,
    QuietOption,
    RamOption,
    SeedOption,
    TargetOption,
)

if TYPE_CHECKING:
    from edgetool.pipeline.compress import CompressRequest
    from edgetool.records import ArtifactRecord, Manifest


def compress(
    model: Annotated[
        str,
        typer.Argument(
            help="A .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel, module:function, or a zoo name."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", help="A .npz, .csv or .parquet file, an image folder, module:function, or a name."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option("--recipe", "-r", help="Recipe names or .toml files, separated by commas; may be repeated."),
    ] = None,
    target: TargetOption = None,
    flash: FlashOption = None,
    ram: RamOption = None,
    clock: ClockOption = None,
    max_drop: Annotated[
        float, typer.Option("--max-drop", help="Largest drop of a chosen artefact, in points.", min=0.0)
    ] = 1.0,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    seed: SeedOption = 0,
    card: Annotated[
        str | None, typer.Option("--card", help="Take preprocessing and training from this zoo card.")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="classification, binary, regression, reconstruction.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="accuracy, auc, mae, mse, rmse, r2, top5.")] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Factor on raw inputs, e.g. 0.00392157.")] = None,
    mean: Annotated[
        str | None, typer.Option("--mean", help="Subtracted after --scale; one value or one a channel.")
    ] = None,
    std: Annotated[
        str | None, typer.Option("--std", help="Divided by after --mean; one value or one a channel.")
    ] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Type that the float model takes.")] = None,
    one_hot: Annotated[bool, typer.Option("--one-hot", help="Train on one-hot labels.")] = False,
    label_column: Annotated[str | None, typer.Option("--label-column", help="Target column of a table.")] = None,
    image_size: Annotated[str | None, typer.Option("--image-size", help="HEIGHTxWIDTH of an image folder.")] = None,
    transpose: Annotated[
        bool, typer.Option("--transpose", help="Data are channels first, [N, C, ...]: move their channels last.")
    ] = False,
    accept_source: Annotated[
        bool, typer.Option("--accept-source", help="Go on although the source model's own answers look wrong.")
    ] = False,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Of fine-tuning.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Of fine-tuning.", min=1)] = None,
    effort: Annotated[float, typer.Option("--effort", help="Factor on every pass's training epochs.", min=0.0)] = 1.0,
    max_train_samples: Annotated[
        int | None, typer.Option("--max-train-samples", help="Fine-tune on at most so many samples.", min=1)
    ] = None,
    max_test_samples: Annotated[
        int | None, typer.Option("--max-test-samples", help="Measure accuracy on at most so many samples.", min=1)
    ] = None,
    bench_seconds: Annotated[
        float | None,
        typer.Option(
            "--bench-seconds",
            help="Time each artefact for so long a setting; 0: do not. Default: 2, less where timing would take more "
            "than a third of the run.",
            min=0.0,
        ),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load models that carry code (Lambda layers).")] = False,
    input_shape: InputShapeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, stop.")] = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compress MODEL by recipes, prove the exports agree, measure them, write a report into RUN."""
    from edgetool.pipeline.compress import compress as run_compress
    from edgetool.pipeline.request import RequestOptions, build_request
    from edgetool.targets import TargetOptions

    console = Console(json_output=json_output, quiet=quiet or json_output)
    options = RequestOptions(
        model=model,
        data=data,
        recipe=",".join(recipe or ()) or None,
        target=TargetOptions(target, flash, ram, clock),
        max_drop_points=max_drop,
        out=out,
        overwrite=overwrite,
        seed=seed,
        card=card,
        task=task,
        metric=metric,
        scale=scale,
        mean=mean,
        std=std,
        dtype=dtype,
        one_hot=one_hot,
        label_column=label_column,
        image_size=image_size,
        transpose=transpose,
        accept_source=accept_source,
        learning_rate=learning_rate,
        batch_size=batch_size,
        effort=effort,
        max_train_samples=max_train_samples,
        max_test_samples=max_test_samples,
        bench_seconds=bench_seconds,
        trust=trust,
        input_shape=tuple(input_shape or ()),
        command=shlex.join(["edgetool", *sys.argv[1:]]),
    )
    try:
        request = build_request(options, progress=console.progress, dry_run=dry_run)
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
