"""A run of `compress` as an object: what a program asks of it, and how a notebook shows it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.errors import UsageError, nearest

if TYPE_CHECKING:
    from edgetool.records import ArtifactRecord, Manifest
    from edgetool.report.collect import Run
    from edgetool.report.row import Row

__all__ = ["CompressionRun"]

HEADS = ("artefact", "bytes", "of float32", "metric", "p50 us", "chosen as", "problems")


@dataclass(frozen=True, slots=True)
class CompressionRun:
    """A run folder and the records in it.

    Attributes:
        path: the run folder.
        manifest: the records, as `manifest.json` has them.
    """

    path: Path
    manifest: Manifest

    @property
    def artifacts(self) -> tuple[ArtifactRecord, ...]:
        """The artefacts, in the order of the recipes; one that failed has its `failure`."""
        return self.manifest.artifacts

    @property
    def recommended(self) -> ArtifactRecord | None:
        """The artefact that the run recommends; None where no artefact keeps the accuracy and fits the target."""
        for decision in self.manifest.decisions:
            if decision.purpose == "recommended" and decision.artifact is not None:
                return self.artifact(decision.artifact)
        return None

    @property
    def headline(self) -> str:
        """The answer in one sentence, as the report gives it."""
        return self._collected().answer.headline

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / "report.html"

    def artifact(self, name: str) -> ArtifactRecord:
        """Return the artefact of that name.

        Raises:
            UsageError: there is none.
        """
        names = [artifact.name for artifact in self.artifacts]
        if name not in names:
            raise UsageError(
                name, found="no artefact of that name", expected=", ".join(names), next_step=nearest(name, names)
            )
        return self.artifacts[names.index(name)]

    def file(self, name: str) -> Path:
        """Return the path of an artefact's file.

        Raises:
            UsageError: there is no artefact of that name.
        """
        return self.path / self.artifact(name).artifact.path

    def __repr__(self) -> str:
        return f"CompressionRun({str(self.path)!r}: {self.headline})"

    def _repr_html_(self) -> str:
        """Return the headline and a table of the artefacts, for notebooks."""
        collected = self._collected()
        head = "".join(f"<th>{html.escape(text)}</th>" for text in HEADS)
        body = "".join(_html_row(row, collected) for row in collected.rows)
        return (
            f"<p>{html.escape(collected.answer.headline)}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>report: {html.escape(str(self.report))}</p>"
        )

    def _collected(self) -> Run:
        from edgetool.report.collect import collect_run

        return collect_run(self.manifest, self.path.resolve().name)


def _html_row(row: Row, run: Run) -> str:
    from edgetool.report import wording

    evaluation = row.record.evaluation
    metric = "-" if evaluation is None else wording.metric_value(evaluation.metric, evaluation.value)
    latency = row.latency(run.main_setting)
    cells = (
        row.name,
        f"{row.record.size.raw:,}",
        "-" if row.size_ratio is None else wording.percent(row.size_ratio),
        metric,
        "-" if latency is None else f"{latency.p50_ns / 1e3:,.1f}",
        ", ".join(row.chosen_as),
        "; ".join(row.problems),
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
