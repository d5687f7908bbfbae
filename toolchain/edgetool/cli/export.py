"""`edgetool export`: one model, one recipe, one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.cli.console import Console
from edgetool.options.commands import ExportOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.records import ParityRecord


def export(options: ExportOptions, output: ProgressOptions) -> None:
    """Convert MODEL to TFLite or ONNX by any recipe, and compare the file with MODEL before it is kept."""
    from edgetool.pipeline.export import export_file

    console = Console.of(output)
    try:
        exported = export_file(options, progress=console.progress)
    finally:
        console.close()
    record = exported.record
    for note in record.notes:
        console.say(f"note: {note}")
    for parity in record.parity:
        console.say(f"compared with {options.model} on {exported.samples}: {_in_words(parity)}")
    console.result(record, f"{options.out}: {record.size.raw:,} bytes, sha256 {record.artifact.digest}")


def _in_words(parity: ParityRecord) -> str:
    """Return what the comparison with the source gave."""
    worst = min(parity.sqnr_db, default=200.0)
    parts = ["equal" if worst >= 200.0 else f"SQNR {worst:.1f} dB", f"largest error {parity.max_abs_error:.3g}"]
    if parity.top1_agreement is not None:
        parts.append(f"same answer for {parity.top1_agreement:.1%} of {parity.num_samples}")
    verdict = "ok" if parity.passed else "outside the limits"
    return f"{', '.join(parts)}: {verdict} ({parity.limits})"
