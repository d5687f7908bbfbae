"""`edgetool export`: a model through one recipe into one file."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from edgetool.data.load import require_data
from edgetool.data.options import parse_image_size
from edgetool.errors import EdgetoolError, RunExistsError, UnsupportedModelError, UsageError
from edgetool.importers import IMPORTERS
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.options.commands import ExportOptions
from edgetool.passes import load_pass
from edgetool.passes.base import QuantizationScheme
from edgetool.pipeline.judge import recipe_trains
from edgetool.pipeline.request import model_card, preprocessing_of, require_source
from edgetool.pipeline.setup import Exported, Setup
from edgetool.recipes.recipe import Recipe, find_recipe
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.verify.parity import tolerance_from

__all__ = ["export_file"]

FORMATS: dict[str, Literal["tflite", "onnx"]] = {".tflite": "tflite", ".onnx": "onnx"}

#: What a pass may need of the data -> what that is in words.
_NEEDS = {"calibration_data": "samples to calibrate on", "train_data": "samples to train on"}


def export_file(options: ExportOptions, *, progress: Callable[[str, int, int], None]) -> Exported:
    """Write `options.out` and return what is known about it.

    Raises:
        EdgetoolError: a bad option, a file in the way, whatever the recipe's passes and the exporter raise, or a file
            that does not do what its source does.
    """
    path = Path(options.out)
    tolerance = tolerance_from(options.tolerance)
    recipe = _recipe(options, path)
    setup = _setup(options, recipe)
    with tempfile.TemporaryDirectory(prefix="edgetool-") as cache, Child(subject=options.model) as workshop:
        answer = workshop.call(
            "edgetool.pipeline.workshop:export_one",
            {
                "setup": to_builtins(dataclasses.replace(setup, cache=cache)),
                "recipe": to_builtins(recipe),
                "out": str(path.resolve()),
                "tolerance": None if tolerance is None else to_builtins(tolerance),
            },
            on_event=lambda event: progress(str(event["what"]), int(event["done"]), int(event["total"])),
        )
    exported = parse(Exported, answer, source=options.out, error=EdgetoolError)
    artifact = dataclasses.replace(exported.record.artifact, path=options.out)
    return dataclasses.replace(exported, record=dataclasses.replace(exported.record, artifact=artifact))


def _recipe(options: ExportOptions, path: Path) -> Recipe:
    """Return the recipe with the one export that `--out` asks for, once everything that can be checked is."""
    if path.suffix not in FORMATS:
        raise UsageError(
            "--out",
            found=repr(options.out),
            expected="a name that ends in .tflite or .onnx",
            next_step="choose one of the two",
        )
    if path.exists() and not options.overwrite:
        raise RunExistsError(
            options.out,
            found="a file of that name",
            expected="a new name",
            next_step="choose another, or give --overwrite",
        )
    recipe = find_recipe(options.recipe)
    if options.data.data is None:
        _require_no_data(recipe)
    else:
        require_data(options.data.data)
    source = IMPORTERS[require_source(options.model, trust=options.source.trust)]
    if FORMATS[path.suffix] not in source.exports:
        raise UnsupportedModelError(
            options.model,
            found=f"{source.title}, which cannot become {path.suffix}",
            expected=f"--out with a name that ends in {' or '.join(f'.{name}' for name in source.exports)}",
            next_step=source.instead,
        )
    return dataclasses.replace(recipe, exports=(FORMATS[path.suffix],))


def _require_no_data(recipe: Recipe) -> None:
    """Refuse a recipe that needs data, before a framework is loaded.

    Raises:
        UsageError: it does.
    """
    for step in recipe.passes:
        for need in sorted(load_pass(step.name).requires & _NEEDS.keys()):
            raise UsageError(
                "--data",
                found=f"nothing, and {recipe.name} has the pass {step.name}",
                expected=_NEEDS[need],
                next_step="give --data D with x_train, or take w8_dynamic or float16, which need none",
            )


def _setup(options: ExportOptions, recipe: Recipe) -> Setup:
    card = model_card(options.model, options.preprocessing.card)
    return Setup(
        model=options.model,
        data=options.data.data,
        cache="",
        seed=options.seed,
        trust=options.source.trust,
        label_column=options.data.label_column,
        image_size=parse_image_size(options.data.image_size),
        preprocessing=preprocessing_of(card, options.preprocessing),
        input_shapes=parse_input_shapes(options.source.input_shape),
        transpose=options.data.transpose,
        is_scored=False,
        num_calibration_samples=None if recipe_trains(recipe) else _num_calibration_samples(recipe),
    )


def _num_calibration_samples(recipe: Recipe) -> int:
    """Return the most samples that a pass of the recipe calibrates on."""
    usual = QuantizationScheme().num_calibration_samples
    return max((int(step.params.get("num_calibration_samples", usual)) for step in recipe.passes), default=usual)
