"""Options of `compress`, checked before work begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import FileFormatError, MissingFileError, RecipeError, TargetError, UsageError
from edgetool.ir.input_shapes import InputShape
from edgetool.options.commands import CompressOptions
from edgetool.options.declare import build
from edgetool.options.groups import ScalingOptions
from edgetool.pipeline.compress import CompressRequest
from edgetool.pipeline.request import build_request, model_card, preprocessing_of

GOLDEN = Path(__file__).parents[2] / "golden" / "models"
OPTIONS = {"model": str(GOLDEN / "tiny.keras"), "data": "digits", "recipe": ("float16",), "seed": 3, "effort": 0.5}


def request_of(**changes: object) -> CompressRequest:
    options = build(CompressOptions, {**OPTIONS, "bench_seconds": 1.0, **changes})
    return build_request(options, command="edgetool compress", progress=lambda what, done, total: None)


def test_defaults() -> None:
    request = request_of()
    assert str(request.out) == "tiny-run" and request.setup.seed == 3
    assert [recipe.name for recipe in request.recipes] == ["float16"]
    assert request.setup.training.epochs_scale == 0.5 and request.setup.max_test_samples is None
    assert request.settings[0].num_threads == 1 and request.settings[0].pin


def test_a_standard_set_runs_without_recipes() -> None:
    assert len(request_of(recipe=()).recipes) >= 4


def test_a_target_without_floating_point_gets_integers_all_through() -> None:
    def asked(target: str) -> list[object]:
        steps = request_of(recipe=("w8a8_static,w8_dynamic",), target=target).recipes
        return [step.params.get("integer_only") for recipe in steps for step in recipe.passes]

    assert asked("cortex-m3-qemu") == [True, None]
    assert asked("cortex-m4-qemu") == asked("host") == [None, None]


def test_no_benchmark() -> None:
    assert request_of(bench_seconds=0.0).settings == ()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"recipe": ("w8a8_statik",)}, RecipeError, "w8a8_static"),
        ({"target": "hots"}, TargetError, "host"),
        ({"task": "binry"}, UsageError, "binary"),
        ({"metric": "acuracy"}, UsageError, "accuracy"),
        ({"data": None}, UsageError, "--data"),
        ({"model": "none.keras"}, MissingFileError, "zoo"),
        ({"model": "{cut}"}, FileFormatError, "no known model format"),
        ({"input_shape": ("1x3x0",)}, UsageError, "--input-shape"),
        ({"input_shape": ("1,b",)}, UsageError, "1x3x32x32"),
        ({"mean": "a,b"}, UsageError, "--mean"),
        ({"image_size": "32"}, UsageError, "--image-size"),
    ],
)
def test_mistakes(changes: dict[str, object], error: type[Exception], text: str, tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(b"hello")
    if changes.get("model") == "{cut}":
        changes = {"model": str(tmp_path / "cut.onnx")}
    with pytest.raises(error) as caught:
        request_of(**changes)
    assert text in f"{caught.value} {getattr(caught.value, 'next_step', '')}"


def test_the_card_of_a_trained_model_is_found_beside_it(tmp_path: Path) -> None:
    model = tmp_path / "model.keras"
    model.write_bytes(b"PK")
    assert model_card(str(model), None) is None
    (tmp_path / "train.json").write_text('{"model": "document-cnn"}')
    card = model_card(str(model), None)
    assert card is not None and card.name == "document-cnn"
    (tmp_path / "train.json").write_text("{")
    assert model_card(str(model), None) is None


def test_fine_tuning_weighs_classes_where_training_did(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes((GOLDEN / "tiny.keras").read_bytes())
    for name, expected in (("xray-cnn", True), ("document-cnn", False)):
        (tmp_path / "train.json").write_text(f'{{"model": "{name}"}}')
        assert request_of(model=str(tmp_path / "model.keras")).setup.training.balanced is expected


def test_options_replace_the_cards_preprocessing() -> None:
    card = model_card("document-cnn", None)
    assert preprocessing_of(card, ScalingOptions()).scale == card.preprocessing.scale  # type: ignore[union-attr]
    assert preprocessing_of(card, ScalingOptions(scale=2.0)).scale == 2.0


@pytest.mark.parametrize("name", ["tiny.onnx", "tiny_float32.tflite", "tiny.h5", "package.module:build"])
def test_every_way_in_is_taken(name: str) -> None:
    model = name if ":" in name else str(GOLDEN / name)
    request = request_of(model=model, input_shape=("1x3x32x32, 1x10", "state=2x1x128"))
    assert request.setup.model == model
    assert request.setup.input_shapes == (
        InputShape((1, 3, 32, 32)),
        InputShape((1, 10)),
        InputShape((2, 1, 128), "state"),
    )
    assert str(request.out) == ("build-run" if ":" in name else f"{Path(name).stem}-run")
