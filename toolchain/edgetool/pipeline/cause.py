"""Why an integer file is not like its source, in a sentence that names the column or the layer, and what to do."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from edgetool.artifact import Format
from edgetool.data.dataset import Array
from edgetool.errors import EdgetoolError, ParityError
from edgetool.exporters import load_exporter
from edgetool.passes.base import Activations, Context, Mode, ModelState, QuantizationScheme
from edgetool.pipeline.judge import recipe_trains
from edgetool.recipes.recipe import Recipe
from edgetool.records import ParityRecord
from edgetool.runners.child import call_function
from edgetool.schema import parse
from edgetool.store.atomic import save_array
from edgetool.verify.layer_loss import MAX_SAMPLES, LayerLoss, LossReport, LostColumn
from edgetool.verify.parity import require_parity

__all__ = ["Cause", "find_cause", "in_words", "refuse"]

#: Of reading all tensors of both files for a few samples.
TIMEOUT_S = 300.0
#: Quantising is not the cause where the file is so near to the same model in float32.
GOOD_DB = 15.0
MAX_NAMED = 4
#: Mode and type of activations -> recipes that leave more in wider types, the smallest file first.
WIDER: dict[tuple[Mode, Activations], tuple[str, ...]] = {
    ("static", "int8"): ("w8a16_static", "w8_dynamic", "float16"),
    ("static", "int16"): ("w8_dynamic", "float16"),
    ("dynamic", "float32"): ("float16", "float32"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """What was found, and what to type next; either is empty where there is nothing to say."""

    found: str
    next_step: str


def find_cause(
    state: ModelState, format: Format, candidate: Path, context: Context, inputs: tuple[Array, ...], recipe: Recipe
) -> Cause:
    """Compare every tensor of a file with those of the same model's float32 file, which is written for it.

    Args:
        state: what the file was made of.
        format: of the file.
        candidate: the file.
        context: of the exporter.
        inputs: samples, `[N, ...]` each.
        recipe: that made the file; advice does not name it.
    """
    scheme = state.quantization
    advice = _advice(scheme, recipe.name)
    if (scheme.mode, scheme.activations) not in WIDER:
        return Cause("", "")
    plain = dataclasses.replace(state, quantization=QuantizationScheme())
    try:
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            reference = Path(folder) / f"float32.{format}"
            load_exporter(format)(plain, reference, context)
            names = [str(Path(folder) / f"x{index}.npy") for index in range(len(inputs))]
            for name, array in zip(names, inputs, strict=True):
                save_array(Path(name), array[:MAX_SAMPLES])
            answer = call_function(
                "edgetool.verify.layer_loss:report_losses",
                {"reference": str(reference), "candidate": str(candidate), "inputs_npy": names},
                subject=candidate.name,
                timeout_s=TIMEOUT_S,
            )
            report = parse(LossReport, answer, source=candidate.name, error=EdgetoolError)
    except EdgetoolError:
        return Cause("", advice)  # a finding that is missing must not hide what it was looked for
    return in_words(report, advice, trains=recipe_trains(recipe))


def in_words(report: LossReport, advice: str, *, trains: bool) -> Cause:
    """Return the report as a sentence; a column is the cause of what its layers lose.

    Args:
        report: what was found.
        advice: what to type where a layer is the cause.
        trains: the recipe changes what the model answers in float32 too.
    """
    if report.columns:
        return Cause(
            _columns_in_words(report.columns),
            "bring the columns to one size: --mean and --std for each column, or a Normalization layer first in the "
            f"model; or {advice}",
        )
    if trains and report.output_db >= GOOD_DB:
        return Cause(
            f"quantising is not the cause, it leaves {report.output_db:.0f} dB: the passes that train changed the "
            "answers",
            "train more (--effort 4), on more data, or take a recipe that does not train",
        )
    if report.layer is None:
        return Cause("", advice)
    return Cause(_layer_in_words(report.layer), advice)


def refuse(record: ParityRecord, cause: Cause) -> None:
    """Raise for a comparison that did not pass, with its cause.

    Raises:
        ParityError: always, where `record` did not pass.
    """
    try:
        require_parity(record)
    except ParityError as exc:
        if not cause.next_step:
            raise
        found = f"{exc.found}; {cause.found}" if cause.found else exc.found
        raise ParityError(
            exc.subject,
            found=found,
            expected=exc.expected,
            next_step=f"{cause.next_step}; --tolerance allows a larger error",
        ) from None


def _advice(scheme: QuantizationScheme, recipe: str) -> str:
    names = [name for name in WIDER.get((scheme.mode, scheme.activations), ()) if name != recipe]
    if not names:
        return "calibrate on data that is like what the model will see"
    return f"take another recipe ({', '.join(names)}), or calibrate on data that is like what the model will see"


def _columns_in_words(columns: tuple[LostColumn, ...]) -> str:
    first = columns[0]
    numbers = [str(column.column) for column in columns if column.input == first.input]
    more = f" and {len(numbers) - MAX_NAMED} more" if len(numbers) > MAX_NAMED else ""
    listed = ", ".join(numbers[:MAX_NAMED])
    what = "columns" if len(numbers) > 1 else "column"
    return (
        f"input {first.input}: {what} {listed}{more} {'are' if len(numbers) > 1 else 'is'} lost beside column "
        f"{first.widest}, which reaches {first.widest_reach:.4g} where column {first.column} reaches {first.reach:.4g}"
    )


def _layer_in_words(layer: LayerLoss) -> str:
    found = (
        f"SQNR falls most in layer {layer.layer} ({layer.kind}), from {layer.before_db:.0f} to {layer.after_db:.0f} dB "
        "as the mean of its channels"
    )
    if layer.wide_channel < 0:
        return found
    return f"{found}: its channel {layer.wide_channel} reaches {layer.wide_ratio:,.0f} times as far as the usual one"
