"""`edgetool report`: the report of run folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.groups import ConsoleOptions, OutputOptions

if TYPE_CHECKING:
    from pathlib import Path


def report(
    runs: Annotated[list[str], typer.Argument(help="Run folders; several are put side by side.")],
    place: OutputOptions,
    output: ConsoleOptions,
    formats: Annotated[str, typer.Option("--format", "-f", help="Of html, md, csv, json.")] = "html,md,csv,json",
) -> None:
    """Write the report of RUNS: HTML, Markdown, CSV, JSON. Of one run it goes into the run folder itself."""
    from pathlib import Path

    from edgetool.errors import UsageError
    from edgetool.report.collect import collect_runs
    from edgetool.report.render import render
    from edgetool.report.results import make_results
    from edgetool.store.manifest_io import load_whole_manifest

    chosen, out = _formats(formats), place.out
    if out is None and len(runs) > 1:
        raise UsageError(
            "--out",
            found=f"{len(runs)} runs and no place for their report",
            expected="a folder",
            next_step="give -o DIR",
        )
    for run in runs:
        load_whole_manifest(Path(run))
    collected = collect_runs([Path(run) for run in runs])
    if out is not None and Path(out).resolve() != Path(runs[0]).resolve():
        _refuse_existing(Path(out), chosen, overwrite=place.overwrite)
    written = render(collected, chosen, Path(out if out is not None else runs[0]))
    console = Console.of(output)
    for path in written:
        console.say(f"wrote {path}")
    answers = [f"{run.name}: {run.answer.headline}" for run in collected]
    console.result(make_results(collected) if output.json_output else None, "\n".join(answers))


def _formats(text: str) -> tuple[str, ...]:
    from edgetool.errors import UsageError, nearest
    from edgetool.report.render import FORMATS

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names or ("",):
        if name not in FORMATS:
            raise UsageError(
                "--format", found=repr(name), expected="known formats", next_step=nearest(name, list(FORMATS))
            )
    return names


def _refuse_existing(out: Path, formats: tuple[str, ...], *, overwrite: bool) -> None:
    from edgetool.errors import RunExistsError
    from edgetool.report.render import FORMATS

    there = [FORMATS[name] for name in formats if (out / FORMATS[name]).exists()]
    if there and not overwrite:
        raise RunExistsError(
            str(out / there[0]),
            found="a file of this name",
            expected="a new file",
            next_step="choose another -o/--out or give --overwrite",
        )
