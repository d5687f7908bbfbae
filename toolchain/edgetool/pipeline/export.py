"""`edgetool export`: a model through one recipe into one file."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from edgetool.errors import EdgetoolError, RunExistsError, UnsupportedModelError, UsageError
from edgetool.importers import IMPORTERS
from edgetool.pipeline.request import model_card, parse_input_shapes, preprocessing_of, require_source
from edgetool.pipeline.workshop import Setup
from edgetool.recipes.recipe import find_recipe
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.store.manifest import ArtifactRecord

__all__ = ["export_file"]

FORMATS: dict[str, Literal["tflite", "onnx"]] = {".tflite": "tflite", ".onnx": "onnx"}


def export_file(
    model: str,
    out: str,
    *,
    recipe: str,
    data: str | None,
    card: str | None,
    scale: float | None,
    trust: bool,
    input_shape: str | None,
    overwrite: bool,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> ArtifactRecord:
    """Write `out` and return what is known about it.

    Raises:
        EdgetoolError: a bad option, a file in the way, or whatever the recipe's passes and the exporter raise.
    """
    path = Path(out)
    if path.suffix not in FORMATS:
        raise UsageError(
            "--out", found=repr(out), expected="a name that ends in .tflite or .onnx", next_step="choose one of the two"
        )
    if path.exists() and not overwrite:
        raise RunExistsError(
            out, found="a file of that name", expected="a new name", next_step="choose another, or give --overwrite"
        )
    source = IMPORTERS[require_source(model, trust=trust)]
    if FORMATS[path.suffix] not in source.exports:
        raise UnsupportedModelError(
            model,
            found=f"{source.title}, which cannot become {path.suffix}",
            expected=f"--out with a name that ends in {' or '.join(f'.{name}' for name in source.exports)}",
            next_step=source.instead,
        )
    found_card = model_card(model, card)
    wanted = dataclasses.replace(find_recipe(recipe), exports=(FORMATS[path.suffix],))
    with tempfile.TemporaryDirectory(prefix="edgetool-") as cache, Child(subject=model) as workshop:
        setup = Setup(
            model=model,
            data=data,
            cache=cache,
            seed=seed,
            trust=trust,
            preprocessing=preprocessing_of(found_card, scale=scale),
            input_shapes=parse_input_shapes(input_shape),
        )
        answer = workshop.call(
            "edgetool.pipeline.workshop:export_one",
            {"setup": to_builtins(setup), "recipe": to_builtins(wanted), "out": str(path.resolve())},
            on_event=lambda event: progress(str(event["what"]), int(event["done"]), int(event["total"])),
        )
    record = parse(ArtifactRecord, answer, source=out, error=EdgetoolError)
    return dataclasses.replace(record, artifact=dataclasses.replace(record.artifact, path=out))
