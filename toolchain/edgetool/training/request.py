"""What a training run is asked for: options as typed, checked before a process is started."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass, field

from edgetool.errors import UsageError, nearest
from edgetool.options.commands import ComputeOptions, ModelOptions, RecipeOptions
from edgetool.tasks import METRICS, TASKS
from edgetool.zoo import TrainingRecipe, recipe_fault

__all__ = [
    "BACKENDS",
    "REGRESSION_LOSSES",
    "TrainRequest",
    "apply_options",
    "check_request",
]

#: Of Keras 3.
BACKENDS = ("tensorflow", "jax", "torch")

DEVICES = ("auto", "cpu", "gpu")

PRECISIONS = ("float32", "bfloat16", "float16")

#: Losses that regression and reconstruction may take in place of `mse`, as Keras calls them.
REGRESSION_LOSSES = ("mse", "mae", "huber")


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Everything that the training process is given.

    Attributes:
        name: a model of the zoo, or `module:build`.
        data: what `load_dataset` takes.
        out: absolute path of the run's folder.
        max_samples: train on at most so many samples, a seeded choice; None: all.
        seed: of the first weights, the order of samples, augmentation and dropout.
        overwrite: replace a finished run, or an unfinished one with other settings.
        label_column: target column of a table.
        image_size: height and width that the images of a folder are resized to.
    """

    name: str
    data: str
    out: str
    recipe: RecipeOptions = field(default_factory=RecipeOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    max_samples: int | None = None
    seed: int = 0
    overwrite: bool = False
    label_column: str | None = None
    image_size: tuple[int, int] | None = None


def apply_options(recipe: TrainingRecipe, options: RecipeOptions) -> TrainingRecipe:
    """Return the card's recipe with what the options replace.

    Raises:
        UsageError: an option that cannot be trained with; names it.
    """

    def chosen(key: str) -> object:
        given = getattr(options, key)
        return getattr(recipe, key) if given is None else given

    replaced = {item.name: chosen(item.name) for item in dataclasses.fields(RecipeOptions)}
    if options.augmentation is not None:
        replaced["augmentation"] = _names(options.augmentation)
    found = dataclasses.replace(recipe, **replaced)  # type: ignore[arg-type]
    fault = recipe_fault(found)
    if fault is not None:
        raise UsageError(_option(fault.name), found=fault.found, expected=fault.expected, next_step=fault.next_step)
    return found


def _names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list; `none` is the empty one."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    return () if names == ("none",) else names


def check_request(request: TrainRequest, *, has_card: bool) -> None:
    """Check the options that need no model and no data.

    Raises:
        UsageError: an unknown name, a number out of range, or an option that the model's card decides.
    """
    model, compute = request.model, request.compute
    _require_known("--backend", compute.backend, BACKENDS)
    _require_known("--device", compute.device, DEVICES)
    _require_known("--mixed-precision", compute.precision, PRECISIONS)
    _require_known("--task", model.task, TASKS)
    _require_known("--metric", model.metric, METRICS)
    _require_known("--loss", model.loss, REGRESSION_LOSSES)
    for option, number in (("--max-samples", request.max_samples), ("--num-devices", compute.num_devices)):
        if number is not None and number < 1:
            raise UsageError(option, found=str(number), expected="1 or more", next_step="correct it")
    given = [item.name for item in dataclasses.fields(ModelOptions) if getattr(model, item.name) is not None]
    if has_card and given:
        raise UsageError(
            _option(given[0]),
            found=f"given for {request.name}, whose card says it",
            expected="only for module:build, which has no card",
            next_step=f"leave it out (edgetool models {request.name} shows the card)",
        )


def _require_known(option: str, value: str | None, valid: Collection[str]) -> None:
    if value is not None and value not in valid:
        raise UsageError(
            option, found=repr(value), expected=f"a known {option[2:]}", next_step=nearest(value, list(valid))
        )


def _option(field_name: str) -> str:
    return f"--{field_name.replace('_', '-')}"
