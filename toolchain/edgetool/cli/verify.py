"""`edgetool verify`: do two model files give the same answers?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console, DebugOption, InputShapeOption, JsonOption, QuietOption, SeedOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetool.records import ParityRecord
    from edgetool.verify.files import Verification
    from edgetool.verify.inputs import InputLoader, VerifyInputs


def verify(
    reference: Annotated[str, typer.Argument(help="What is trusted: a model file, a SavedModel or module:function.")],
    candidate: Annotated[
        str,
        typer.Argument(
            help="What is checked, of any of these kinds, or a folder of `edgetool embed`, of C or for Linux."
        ),
    ],
    data: Annotated[
        str | None, typer.Option("--data", help="Compare on its validation split, else on its training split.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="How many samples to compare on.", min=1)] = 256,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="Largest absolute error, in place of the stated limits.", min=0)
    ] = None,
    min_sqnr: Annotated[float | None, typer.Option("--min-sqnr", help="Least SQNR of each output, in dB.")] = None,
    min_agreement: Annotated[
        float | None, typer.Option("--min-agreement", help="Least share of equal classes, 0..1.", min=0, max=1)
    ] = None,
    card: Annotated[str | None, typer.Option("--card", help="Take preprocessing from this zoo card.")] = None,
    scale: Annotated[
        float | None, typer.Option("--scale", help="Factor on raw inputs, for example 0.00392157.")
    ] = None,
    mean: Annotated[
        str | None, typer.Option("--mean", help="Subtracted from scaled inputs: one or per channel.")
    ] = None,
    std: Annotated[str | None, typer.Option("--std", help="Divisor of scaled inputs: one or per channel.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load models that carry code; run bundles that others wrote.")
    ] = False,
    input_shape: InputShapeOption = None,
    seed: SeedOption = 0,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Run REFERENCE and CANDIDATE on the same inputs and compare what they give; exit code 41 if they disagree."""
    from edgetool.ir.input_shapes import parse_input_shapes
    from edgetool.runners import open_runner
    from edgetool.verify.files import verify_files
    from edgetool.verify.parity import require_parity, tolerance_from

    _check_options(data, card, scale, mean, std)

    def load(dtypes: Sequence[str]) -> VerifyInputs:
        from edgetool.pipeline.request import model_card, preprocessing_of
        from edgetool.verify.inputs import data_inputs

        preprocessing = preprocessing_of(model_card(reference, card), scale=scale, mean=mean, std=std)
        return data_inputs(str(data), samples, preprocessing, seed=seed, dtypes=dtypes)

    console = Console(json_output=json_output, quiet=quiet or json_output)
    is_c, candidate = _bundle_kind(candidate)
    if is_c:
        _verify_bundle(reference, candidate, load if data is not None else None, samples, seed, console, trust=trust)
        return
    try:
        found = verify_files(
            reference,
            candidate,
            runner=open_runner(),
            data=None if data is None else load,
            num_samples=samples,
            seed=seed,
            trust=trust,
            input_shapes=parse_input_shapes(input_shape or ()),
            progress=console.progress,
            tolerance=tolerance_from(tolerance, min_sqnr, min_agreement),
        )
    finally:
        console.close()
    _print_table(console, found)
    console.result(found)
    require_parity(found.parity)


def _bundle_kind(candidate: str) -> tuple[bool, str]:
    """Return whether it is a bundle of C, and what is to be checked: of a bundle for Linux, the model file in it."""
    from pathlib import Path

    from edgetool.embed.bundles.check_bundle import bundled_model, is_bundle

    if not is_bundle(Path(candidate)):
        return False, candidate
    model = bundled_model(Path(candidate))
    return model is None, candidate if model is None else str(model)


def _verify_bundle(
    reference: str,
    candidate: str,
    load: InputLoader | None,
    samples: int,
    seed: int,
    console: Console,
    *,
    trust: bool,
) -> None:
    from pathlib import Path

    from edgetool.embed.bundles.check_bundle import check_bundle, require_equal

    found = check_bundle(Path(reference), Path(candidate), data=load, num_samples=samples, seed=seed, trust=trust)
    verdict = "equal, bit for bit" if found.max_difference == 0 else f"equal within {found.max_difference:.1e}"
    if found.num_different:
        verdict = f"DIFFERENT in {found.num_different:,}"
    console.result(
        found, f"{candidate} against {found.reference}: {found.inputs}, compiled by {found.compiler}: {verdict}"
    )
    require_equal(found)


def _check_options(data: str | None, card: str | None, scale: float | None, mean: str | None, std: str | None) -> None:
    from edgetool.errors import UsageError

    given = {"--card": card, "--scale": scale, "--mean": mean, "--std": std}
    names = [name for name, value in given.items() if value is not None]
    if data is None and names:
        raise UsageError(
            ", ".join(names),
            found="preprocessing without data",
            expected="--data, whose samples it is applied to",
            next_step="give --data D, or leave the option out",
        )


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
