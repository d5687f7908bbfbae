"""`edgetool verify`: do two model files give the same answers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.cli.console import Console
from edgetool.options.commands import VerifyOptions
from edgetool.options.groups import ProgressOptions

if TYPE_CHECKING:
    from edgetool.records import ParityRecord
    from edgetool.verify.files import Verification
    from edgetool.verify.inputs import InputLoader


def verify(options: VerifyOptions, output: ProgressOptions) -> None:
    """Run REFERENCE and CANDIDATE on the same inputs and compare what they give; exit code 41 if they disagree."""
    from edgetool.pipeline.verify import compare_files, input_loader
    from edgetool.verify.parity import require_parity

    console = Console.of(output)
    load = input_loader(options)
    is_c, candidate = _bundle_kind(options.candidate)
    if is_c:
        _verify_bundle(options, load, console)
        return
    try:
        verification = compare_files(options, candidate, load, progress=console.progress)
    finally:
        console.close()
    _print_table(console, verification)
    console.result(verification)
    require_parity(verification.parity)


def _bundle_kind(candidate: str) -> tuple[bool, str]:
    """Return whether it is a bundle of C, and what is to be checked: of a bundle for Linux, the model file in it."""
    from pathlib import Path

    from edgetool.embed.bundles.check_bundle import bundled_model, is_bundle

    if not is_bundle(Path(candidate)):
        return False, candidate
    model = bundled_model(Path(candidate))
    return model is None, candidate if model is None else str(model)


def _verify_bundle(options: VerifyOptions, load: InputLoader | None, console: Console) -> None:
    from pathlib import Path

    from edgetool.embed.bundles.check_bundle import check_bundle, require_equal

    candidate = options.candidate
    found = check_bundle(
        Path(options.reference),
        Path(candidate),
        data=load,
        num_samples=options.samples,
        seed=options.seed,
        trust=options.source.trust,
    )
    verdict = "equal, bit for bit" if found.max_difference == 0 else f"equal within {found.max_difference:.1e}"
    if found.num_different:
        verdict = f"DIFFERENT in {found.num_different:,}"
    console.result(
        found, f"{candidate} against {found.reference}: {found.inputs}, compiled by {found.compiler}: {verdict}"
    )
    require_equal(found)


def _print_table(console: Console, found: Verification) -> None:
    parity = found.parity
    columns = ["output", "SQNR dB", "max |error|", "max relative error", "top-1 agreement", "verdict"]
    verdict = "agree" if parity.passed else "DISAGREE"
    rows = []
    for index, sqnr in enumerate(parity.sqnr_db):
        worst = index == parity.worst_output
        rows.append(
            [
                str(index),
                _decibels(sqnr),
                f"{parity.max_abs_error:.3g}" if worst else "-",
                f"{parity.max_rel_error:.3g}" if worst else "-",
                f"{parity.top1_agreement:.4f}" if index == 0 and parity.top1_agreement is not None else "-",
                verdict if worst else "-",
            ]
        )
    console.table(f"{parity.artifact} against {parity.reference}", columns, rows)
    for line in _notes(found, parity):
        console.say(line)


def _decibels(sqnr_db: float) -> str:
    return "equal" if sqnr_db >= 200.0 else f"{sqnr_db:.1f}"


def _notes(found: Verification, parity: ParityRecord) -> list[str]:
    lines = [f"inputs: {found.inputs}", f"limits ({parity.kind}): {parity.limits}"]
    if parity.max_abs_error > 0.0:
        lines.append(f"largest deviation in output {parity.worst_output}, sample {parity.worst_sample}")
    if parity.split == "random" and parity.kind != "float":
        lines.append("ranges were calibrated for real inputs: --data gives a verdict that counts")
    return lines
