"""What a dry run says of each way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.options.commands import CompressOptions
from edgetool.options.declare import build
from edgetool.pipeline.plan import PlannedRecipe, plan_recipes
from edgetool.pipeline.request import build_request

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def plan(model: str, recipe: str) -> dict[str, PlannedRecipe]:
    options = build(CompressOptions, {"model": model, "data": "digits", "recipe": (recipe,)})
    request = build_request(options, command="edgetool compress", progress=lambda what, done, total: None, dry_run=True)
    return {found.name: found for found in plan_recipes(request)}


@pytest.mark.parametrize(
    ("name", "exports", "trains"),
    [
        ("tiny.keras", ("tflite", "onnx"), True),
        ("tiny.h5", ("tflite", "onnx"), True),
        ("tiny.onnx", ("onnx",), False),
        ("tiny_float32.tflite", ("tflite",), False),
    ],
)
def test_each_way_in_has_its_formats(name: str, exports: tuple[str, ...], trains: bool) -> None:
    found = plan(str(GOLDEN / name), "w8a8_static,w8a8_qat")
    assert list(found) == ["float32", "w8a8_static", "w8a8_qat"]
    assert found["w8a8_static"].exports == exports and not found["w8a8_static"].refusal
    assert found["w8a8_static"].steps == ("quantize_static",)
    assert bool(found["w8a8_qat"].refusal) is not trains
    if not trains:
        assert "qat" in found["w8a8_qat"].refusal and "Keras" in found["w8a8_qat"].refusal


def test_a_recipe_for_another_format_alone_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text('description = "TFLite alone."\nexports = ["tflite"]\n')
    found = plan(str(GOLDEN / "tiny.onnx"), str(recipe))["small"]
    assert "cannot become tflite" in found.refusal and ".pt2" in found.refusal


@pytest.mark.parametrize("model", ["document-cnn", "package.module:build"])
def test_what_is_not_loaded_yet_is_not_refused(model: str) -> None:
    assert not any(found.refusal for found in plan(model, "w8a8_qat").values())
