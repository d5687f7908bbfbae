"""`edgetool doctor`: what is installed, what is missing, what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.doctor.record import Finding


def doctor(
    output: ProgressOptions,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Also run a small model in every runtime.")] = True,
) -> None:
    """Say what is installed, what is missing and what to type; fail only if a required piece is broken."""
    from edgetool.doctor.installed import check_data, check_gpu, check_packages, check_programs, check_python

    console = Console.of(output)
    findings = [check_python(), *check_packages()]
    try:
        if run and not any(finding.is_failure for finding in findings):
            from edgetool.doctor.smoke import check_runs

            findings += check_runs(console.progress)
    finally:
        console.close()
    findings += [*check_programs(), check_gpu(), check_data()]
    console.table("", ["", "name", "found", "what for"], [_row(finding) for finding in findings])
    steps = [f"  {finding.next_step:<45} # {finding.purpose}" for finding in findings if finding.next_step]
    if steps:
        console.say("\n".join(["to type, if you want what is missing:", *dict.fromkeys(steps)]))
    console.result(findings)
    _raise_first_failure(findings)


def _row(finding: Finding) -> list[str]:
    mark = "FAIL" if finding.is_failure else finding.status
    return [mark, finding.name, finding.found, finding.purpose]


def _raise_first_failure(findings: list[Finding]) -> None:
    from edgetool.errors import MissingDependencyError

    for finding in findings:
        if finding.is_failure:
            raise MissingDependencyError(
                finding.name, found=finding.found, expected="a piece that works", next_step=finding.next_step
            )
