"""From what a user typed to a checked `CompressRequest`: everything that can be refused before work begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgetool.artifact import Format
from edgetool.data.load import is_function, require_data
from edgetool.data.options import parse_image_size, preprocessing_from
from edgetool.data.preprocess import Preprocessing
from edgetool.errors import MissingFileError, UsageError, nearest
from edgetool.importers import source_kind
from edgetool.ir.input_shapes import parse_input_shapes
from edgetool.ir.summary import reading_seconds
from edgetool.passes.base import TrainingSettings
from edgetool.passes.quantize import QuantizeStatic
from edgetool.paths import is_there
from edgetool.pipeline.compress import CompressRequest
from edgetool.pipeline.workshop import Setup
from edgetool.recipes.recipe import Recipe, resolve_recipes
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan
from edgetool.runners.child import call_function
from edgetool.targets import Target, TargetOptions, choose_target
from edgetool.tasks import METRICS, TASKS
from edgetool.training.builder import recorded_card
from edgetool.zoo import ModelCard, find_model, model_names, require_trains

__all__ = [
    "RequestOptions",
    "build_request",
    "model_card",
    "preprocessing_of",
    "require_source",
]


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """The options of `edgetool compress`, as typed; None where an option was not given."""

    model: str
    data: str | None
    recipe: str | None
    target: TargetOptions
    max_drop_points: float
    out: str | None
    overwrite: bool
    seed: int
    card: str | None
    task: str | None
    metric: str | None
    scale: float | None
    mean: str | None
    std: str | None
    dtype: str | None
    one_hot: bool
    label_column: str | None
    image_size: str | None
    learning_rate: float | None
    batch_size: int | None
    effort: float
    max_train_samples: int | None
    max_test_samples: int | None
    bench_seconds: float | None
    trust: bool
    input_shape: tuple[str, ...]
    command: str
    transpose: bool = False
    accept_source: bool = False


def build_request(
    options: RequestOptions, *, progress: Callable[[str, int, int], None], dry_run: bool = False
) -> CompressRequest:
    """Check every option; train the model first when MODEL is a zoo name.

    Raises:
        EdgetoolError: an option is wrong, a file is missing or of another format, a name is unknown.
    """
    target = choose_target(options.target)
    recipes = tuple(_suited(recipe, target) for recipe in resolve_recipes(options.recipe))
    for name, value, valid in (("--task", options.task, TASKS), ("--metric", options.metric, METRICS)):
        if value is not None and value not in valid:
            raise UsageError(name, found=repr(value), expected="a known name", next_step=nearest(value, list(valid)))
    card = model_card(options.model, options.card)
    if card is not None and options.model == card.name:
        require_trains(card)
    data = options.data or (card.data if card is not None else "")
    if not data:
        raise UsageError(
            "--data", found="nothing", expected="the data that the model was trained on", next_step="give --data D"
        )
    require_data(data)
    out = Path(options.out or f"{_stem(options.model)}-run")
    model = options.model
    if not is_there(Path(model)) and model in model_names():
        model = str(_train(model, data, out, options, progress)) if not dry_run else model
    else:
        require_source(model, trust=options.trust)
    setup = Setup(
        model=model,
        data=data,
        cache="",
        seed=options.seed,
        trust=options.trust,
        label_column=options.label_column,
        image_size=parse_image_size(options.image_size),
        preprocessing=preprocessing_of(
            card,
            scale=options.scale,
            mean=options.mean,
            std=options.std,
            dtype=options.dtype,
            one_hot=options.one_hot,
        ),
        training=_training(options, card),
        task=options.task or (card.task if card is not None else None),
        metric=options.metric or (card.metric if card is not None else None),
        input_shapes=parse_input_shapes(options.input_shape),
        max_test_samples=options.max_test_samples,
        transpose=options.transpose,
        accept_source=options.accept_source,
    )
    return CompressRequest(
        setup=setup,
        recipes=recipes,
        target=target,
        max_drop_points=options.max_drop_points,
        out=out,
        overwrite=options.overwrite,
        settings=_settings(options, target),
        bench_seconds=options.bench_seconds,
        command=options.command,
    )


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


def _train(name: str, data: str, out: Path, options: RequestOptions, progress: Callable[[str, int, int], None]) -> Path:
    """Train a zoo model beside the run folder (`<out>-model`), or take it from there if that was done before."""
    from edgetool.training.train import train_model

    folder = out.with_name(f"{out.name}-model")
    if (folder / "model.keras").is_file():
        progress(f"trained before: {folder / 'model.keras'}", 1, 1)
        return folder / "model.keras"
    train_model(name, data, folder, seed=options.seed, progress=progress)
    return folder / "model.keras"


def preprocessing_of(
    card: ModelCard | None,
    *,
    scale: float | None = None,
    mean: str | None = None,
    std: str | None = None,
    dtype: str | None = None,
    one_hot: bool = False,
) -> Preprocessing:
    """Return the card's preprocessing (or none), with what options replace in it.

    Raises:
        UsageError: an option is no number, divides by zero or names an unknown type.
    """
    default = card.preprocessing if card is not None else Preprocessing()
    return preprocessing_from(default, scale=scale, mean=mean, std=std, dtype=dtype, one_hot=one_hot)


def _training(options: RequestOptions, card: ModelCard | None) -> TrainingSettings:
    """Return the card's fine-tuning, with classes weighed and labels smoothed as in training, and the options."""
    chosen = card.finetuning if card is not None else TrainingSettings()
    if card is not None:
        chosen = dataclasses.replace(
            chosen,
            balanced=chosen.balanced or card.training.balanced,
            label_smoothing=chosen.label_smoothing or card.training.label_smoothing,
        )
    return dataclasses.replace(
        chosen,
        learning_rate=chosen.learning_rate if options.learning_rate is None else options.learning_rate,
        batch_size=chosen.batch_size if options.batch_size is None else options.batch_size,
        epochs_scale=chosen.epochs_scale * options.effort,
        max_train_samples=options.max_train_samples or chosen.max_train_samples,
    )


def _settings(options: RequestOptions, target: Target) -> tuple[RunPlan, ...]:
    """Return one thread and all cores, batch 1, pinned; nothing when benchmarks are off."""
    if options.bench_seconds == 0.0:
        return ()
    num_cpus = open_runner(target).probe().num_cpus
    counts = (1,) if num_cpus == 1 else (1, num_cpus)
    return tuple(RunPlan(num_threads=count, pin=True, timeout_s=600.0) for count in counts)
