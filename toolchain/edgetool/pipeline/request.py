"""From what a user typed to a checked `CompressRequest`: everything that can be refused before work begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from pathlib import Path

from edgetool.artifact import Format
from edgetool.data.load import is_function, require_data
from edgetool.data.options import parse_image_size, preprocessing_from
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import MissingFileError, UsageError, nearest
from edgetool.importers import source_kind
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.ir.summary import reading_seconds
from edgetool.options.commands import CompressOptions, TrainOptions
from edgetool.options.declare import build
from edgetool.options.groups import ScalingOptions
from edgetool.passes.base import TrainingSettings
from edgetool.passes.quantize import QuantizeStatic
from edgetool.paths import is_there
from edgetool.pipeline.compress import CompressRequest
from edgetool.pipeline.setup import Setup
from edgetool.recipes.recipe import Recipe, resolve_recipes
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan
from edgetool.runners.child import call_function
from edgetool.targets import Target, choose_target
from edgetool.tasks import METRICS, TASKS
from edgetool.training.builder import recorded_card
from edgetool.zoo import ModelCard, find_model, model_names, require_trains

__all__ = [
    "build_request",
    "model_card",
    "preprocessing_of",
    "require_source",
]


def build_request(
    options: CompressOptions,
    *,
    command: str,
    progress: Callable[[str, int, int], None],
    dry_run: bool = False,
) -> CompressRequest:
    """Check every option; train the model first when MODEL is a zoo name.

    Args:
        options: as typed.
        command: what the user called, for the manifest.
        progress: called with (what, done, total) while a zoo model is trained.
        dry_run: train nothing.

    Raises:
        EdgetoolError: an option is wrong, a file is missing or of another format, a name is unknown.
    """
    judgement = options.judgement
    target = choose_target(options.target)
    recipes = tuple(_suited(recipe, target) for recipe in resolve_recipes(",".join(options.recipe) or None))
    _require_known("--task", judgement.task, TASKS)
    _require_known("--metric", judgement.metric, METRICS)
    card = model_card(options.model, options.preprocessing.card)
    if card is not None and options.model == card.name:
        require_trains(card)
    data = _data_of(options, card)
    out = Path(options.run.out or f"{_stem(options.model)}-run")
    model = options.model
    if not is_there(Path(model)) and model in model_names():
        model = model if dry_run else str(_train(model, data, out, options.run.seed, progress))
    else:
        require_source(model, trust=options.source.trust)
    setup = Setup(
        model=model,
        data=data,
        cache="",
        seed=options.run.seed,
        trust=options.source.trust,
        label_column=options.data.label_column,
        image_size=parse_image_size(options.data.image_size),
        preprocessing=preprocessing_of(card, options.preprocessing),
        training=_training(options, card),
        task=judgement.task or (card.task if card is not None else None),
        metric=judgement.metric or (card.metric if card is not None else None),
        input_shapes=parse_input_shapes(options.source.input_shape),
        max_test_samples=judgement.max_test_samples,
        transpose=options.data.transpose,
        accept_source=judgement.accept_source,
    )
    return CompressRequest(
        setup=setup,
        recipes=recipes,
        target=target,
        max_drop_points=judgement.max_drop,
        out=out,
        overwrite=options.run.overwrite,
        settings=_settings(judgement.bench_seconds, target),
        bench_seconds=judgement.bench_seconds,
        command=command,
    )


def _require_known(option: str, value: str | None, valid: Collection[str]) -> None:
    if value is not None and value not in valid:
        raise UsageError(option, found=repr(value), expected="a known name", next_step=nearest(value, list(valid)))


def _data_of(options: CompressOptions, card: ModelCard | None) -> str:
    """Return the data that the options or the card name, once they are there."""
    data = options.data.data or (card.data if card is not None else "")
    if not data:
        raise UsageError(
            "--data", found="nothing", expected="the data that the model was trained on", next_step="give --data D"
        )
    require_data(data)
    return data


def _suited(recipe: Recipe, target: Target) -> Recipe:
    """Return the recipe as a target takes it: all in integers where the cores do not compute in float32."""
    if target.has_fpu:
        return recipe
    passes = tuple(
        dataclasses.replace(step, params={"integer_only": True, **step.params})
        if step.name == QuantizeStatic.name
        else step
        for step in recipe.passes
    )
    return dataclasses.replace(recipe, passes=passes)


def require_source(model: str, *, trust: bool) -> Format:
    """Refuse what is no model that can come in, before any framework is loaded; returns its format.

    Raises:
        MissingFileError, FileFormatError: not there, damaged, or of an unknown format.
        UnsupportedModelError: a pickle.
        UntrustedModelError: it carries code and `trust` is not set.
        InterpreterTimeoutError: HDF5 loops in a damaged file.
    """
    path = Path(model)
    if not is_there(path) and not is_function(model):
        raise MissingFileError(
            model[:300],
            found="no such file or folder, and no model of the zoo",
            expected="a .keras, .h5, .onnx, .tflite or .pt2 file, a SavedModel folder, module:function, or a zoo name",
            next_step=f"check the path; {nearest(model, model_names())}",
        )
    found = source_kind(model)
    if found != "function":
        params = {"path": model, "trust": trust}
        call_function("edgetool.importers.trust:probe", params, subject=model, timeout_s=reading_seconds(path))
    return found


def _stem(model: str) -> str:
    """Return what a run folder is called after: a file's name, or a function's."""
    return model.rpartition(":")[2] if is_function(model) else Path(model).stem


def model_card(model: str, card: str | None) -> ModelCard | None:
    """Return the card that `card` (--card), a zoo name or the `train.json` beside the model names; None without any."""
    if card is not None:
        return find_model(card)
    path = Path(model)
    if not is_there(path):
        return find_model(model) if model in model_names() else None
    record = path.parent / "train.json"
    return recorded_card(record) if path.is_file() and record.is_file() else None


def _train(name: str, data: str, out: Path, seed: int, progress: Callable[[str, int, int], None]) -> Path:
    """Train a zoo model beside the run folder (`<out>-model`), or take it from there if that was done before."""
    from edgetool.training.train import train_model

    folder = out.with_name(f"{out.name}-model")
    if (folder / "model.keras").is_file():
        progress(f"trained before: {folder / 'model.keras'}", 1, 1)
        return folder / "model.keras"
    options = build(TrainOptions, {"name": name, "data": data, "out": str(folder), "seed": seed})
    train_model(options, progress=progress)
    return folder / "model.keras"


def preprocessing_of(card: ModelCard | None, options: ScalingOptions) -> Preprocessing:
    """Return the card's preprocessing (or none), with what options replace in it.

    Raises:
        UsageError: an option is no number, divides by zero or names an unknown type.
    """
    default = card.preprocessing if card is not None else Preprocessing()
    return preprocessing_from(default, options)


def _training(options: CompressOptions, card: ModelCard | None) -> TrainingSettings:
    """Return the card's fine-tuning, with classes weighed and labels smoothed as in training, and the options."""
    chosen = card.finetuning if card is not None else TrainingSettings()
    if card is not None:
        chosen = dataclasses.replace(
            chosen,
            balanced=chosen.balanced or card.training.balanced,
            label_smoothing=chosen.label_smoothing or card.training.label_smoothing,
        )
    given = options.finetuning
    return dataclasses.replace(
        chosen,
        learning_rate=chosen.learning_rate if given.learning_rate is None else given.learning_rate,
        batch_size=chosen.batch_size if given.batch_size is None else given.batch_size,
        epochs_scale=chosen.epochs_scale * given.effort,
        max_train_samples=given.max_train_samples or chosen.max_train_samples,
    )


def _settings(bench_seconds: float | None, target: Target) -> tuple[RunPlan, ...]:
    """Return one thread and all cores, batch 1, pinned; nothing when benchmarks are off."""
    if bench_seconds == 0.0:
        return ()
    num_cpus = open_runner(target).probe().num_cpus
    counts = (1,) if num_cpus == 1 else (1, num_cpus)
    return tuple(RunPlan(num_threads=count, pin=True, timeout_s=600.0) for count in counts)
