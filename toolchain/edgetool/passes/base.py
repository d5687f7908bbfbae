"""The contract of a pass, checked by the base class.

A pass takes a `ModelState` and gives a new one. It never knows of another pass: what earlier ones ensured reaches it as
`Invariant`s of the state (a share of zeros, a number of clusters), which it must keep and which are checked again after
every later stage and in the exported file.
"""

from __future__ import annotations

import abc
import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from edgetool.data.dataset import Dataset
from edgetool.errors import InvariantError, PassError
from edgetool.passes.frozen import FrozenModel
from edgetool.records import FLOAT16, FLOAT32, INT8, SkippedLayer, WeightFormat
from edgetool.schema import parse

if TYPE_CHECKING:
    import tf_keras

    from edgetool.data.dataset import Array
    from edgetool.invariants import Invariant

__all__ = [
    "Context",
    "Facts",
    "ModelState",
    "NoParams",
    "Pass",
    "PassResult",
    "QuantizationScheme",
    "TrainingSettings",
    "check_invariants",
    "layer_kernels",
]

Facts = dict[str, float | int | str | bool]
Mode = Literal["none", "float16", "dynamic", "static"]
Activations = Literal["float32", "int8", "int16"]
Property = Literal["layers", "float_weights", "train_data", "calibration_data"]


@dataclass(frozen=True, slots=True)
class QuantizationScheme:
    """How the exporters are to store weights and compute activations.

    Attributes:
        weights: their format. Clustered kernels keep their number of values only with one scale per tensor.
        activations: their type; integer ones have ranges from calibration.
        num_calibration_samples: taken from the training split.
        integer_only: compute everything in integers where activations are, attention and normalisation too.
    """

    weights: WeightFormat = FLOAT32
    activations: Activations = "float32"
    num_calibration_samples: int = 500
    integer_only: bool = False

    @classmethod
    def of(
        cls,
        mode: Mode,
        activations: Activations = "float32",
        *,
        per_channel: bool = True,
        num_calibration_samples: int = 500,
        integer_only: bool = False,
    ) -> QuantizationScheme:
        """Return the scheme of a mode; `static` without a type of activations means int8."""
        weights = {"none": FLOAT32, "float16": FLOAT16}.get(mode, INT8)
        if weights.is_integer and not per_channel:
            weights = weights.per_tensor()
        if mode == "static" and activations == "float32":
            activations = "int8"
        return cls(weights, activations, num_calibration_samples, integer_only)

    @property
    def mode(self) -> Mode:
        """How values are computed.

        `none`: in float32. `float16`: likewise, with weights in half precision. `dynamic`: integer weights, activations
        quantised while the model runs. `static`: activations quantised by calibrated ranges.
        """
        if self.activations != "float32":
            return "static"
        if self.weights.is_integer:
            return "dynamic"
        return "float16" if self.weights.bits == 16 else "none"

    @property
    def per_channel(self) -> bool:
        """Whether each output channel of a kernel has a scale of its own."""
        return self.weights.granularity != "tensor"

    @property
    def has_float_attention(self) -> bool:
        """Whether TFLite files compute attention and normalisation in float32 between int8 products."""
        return self.mode == "static" and self.activations == "int8" and not self.integer_only


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How passes that train call `fit`: from the model's card or the command line.

    Attributes:
        loss: tf_keras loss name; labels are integers for `sparse_categorical_crossentropy`.
        from_logits: the model's last layer has no softmax or sigmoid.
        per_position: labels are `[N, ...]`, one a position or pixel; those below 0 do not count.
        metric: tf_keras metric name to watch.
        learning_rate: of fine-tuning with Adam.
        batch_size: samples a step.
        epochs_scale: factor on every pass's epochs (tests and demos use less).
        max_train_samples: fine-tune on at most so many training samples; None: all.
        balanced: weigh samples so that every class counts the same; for losses of classes.
        label_smoothing: share of each label that is spread over all classes; likewise.
    """

    loss: str = "sparse_categorical_crossentropy"
    from_logits: bool = False
    per_position: bool = False
    metric: str = "accuracy"
    learning_rate: float = 1e-4
    batch_size: int = 64
    epochs_scale: float = 1.0
    max_train_samples: int | None = None
    balanced: bool = False
    label_smoothing: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a pass may use besides the model.

    Attributes:
        dataset: preprocessed; its test split is None: no pass may see it.
        training: how to fit; its loss is that of the first output.
        seed: for every random choice.
        workdir: a folder for scratch files.
        progress: called with (what, done, total) while long work runs.
        heads: settings of the outputs behind the first one. Outputs without labels learn the answers of the model as
            it came.
    """

    dataset: Dataset
    training: TrainingSettings
    seed: int
    workdir: Path
    progress: Callable[[str, int, int], None]
    heads: tuple[TrainingSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model on its way through a recipe.

    Attributes:
        model: functional or sequential `tf_keras.Model`, weights as they will be exported (no training wrappers, but
            TF-MOT's quantise wrappers once `quantization.mode` is `qat`); or a `FrozenModel`, which passes that require
            `layers` refuse.
        quantization: what the exporters are to do.
        invariants: what passes so far ensured.
        skipped: layers that passes left alone.
    """

    model: Any
    quantization: QuantizationScheme = field(default_factory=QuantizationScheme)
    invariants: tuple[Invariant, ...] = ()
    skipped: tuple[SkippedLayer, ...] = ()

    def weight_format(self, layer: str) -> WeightFormat:
        """Return what is asked of a layer's weights: the scheme's format, with the layer's own palette and zeros."""
        asked = self.quantization.weights
        for invariant in self.invariants:
            if invariant.layer == layer:
                asked = invariant.ask_of(asked)
        return asked


@dataclass(frozen=True, slots=True)
class PassResult:
    """The new state, whether anything changed, and facts for the report."""

    state: ModelState
    modified: bool
    facts: Facts
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoParams:
    """Parameters of a pass that has none."""


class Pass(abc.ABC):
    """One technique. Subclasses set `name`, `Params` and `requires`, and implement `apply`.

    Args:
        params: plain values from a recipe; unknown keys are refused with the nearest valid name.

    Raises:
        RecipeError: a parameter is unknown or has the wrong type.
    """

    name: ClassVar[str]
    Params: ClassVar[type] = NoParams
    requires: ClassVar[frozenset[Property]] = frozenset()

    def __init__(self, params: Mapping[str, object] | None = None) -> None:
        from edgetool.errors import RecipeError

        self.params: Any = parse(self.Params, params or {}, source=f"pass {self.name!r}", error=RecipeError)

    @abc.abstractmethod
    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Do the work on a copy; `state.model` is left as it is."""

    def run(self, state: ModelState, context: Context) -> PassResult:
        """Check what the pass requires, apply it, and check every invariant of the state it gives back.

        Raises:
            PassError: a requirement is missing.
            InvariantError: something that was ensured (now or earlier) does not hold after the pass.
        """
        self._check_requirements(state, context)
        start = time.monotonic()
        result = self.apply(state, context)
        shapes_before = [tuple(t.shape) for t in (*state.model.inputs, *state.model.outputs)]
        shapes_after = [tuple(t.shape) for t in (*result.state.model.inputs, *result.state.model.outputs)]
        if shapes_before != shapes_after:
            raise InvariantError(
                f"pass {self.name!r}",
                found=f"input and output shapes {shapes_after}",
                expected=f"unchanged shapes {shapes_before}",
                next_step="report this as a defect of the pass",
            )
        check_invariants(result.state, step=self.name)
        return dataclasses.replace(result, seconds=time.monotonic() - start)

    def _check_requirements(self, state: ModelState, context: Context) -> None:
        if "layers" in self.requires and isinstance(state.model, FrozenModel):
            raise PassError(
                f"pass {self.name!r}",
                found=f"{state.model.origin}, whose layers cannot be changed or trained",
                expected="a model with Keras layers",
                next_step=f"{state.model.instead}; or take a recipe that only quantises "
                "(float16, w8_dynamic, w8a8_static, w8a16_static)",
            )
        if "train_data" in self.requires and context.dataset.train is None:
            raise PassError(
                f"pass {self.name!r}",
                found="no training split",
                expected="data to fine-tune on",
                next_step="give --data with x_train, or a recipe without training (w8a8_static)",
            )
        if "calibration_data" in self.requires and context.dataset.train is None and context.dataset.val is None:
            raise PassError(
                f"pass {self.name!r}",
                found="neither a training nor a validation split",
                expected="samples to calibrate activation ranges on",
                next_step="give --data with x_train, or the recipe w8_dynamic, which needs none",
            )
        if "float_weights" in self.requires and state.quantization.mode != "none":
            raise PassError(
                f"pass {self.name!r}",
                found=f"a model already quantised ({state.quantization.mode})",
                expected="float weights",
                next_step="put this pass before the quantising one in the recipe",
            )


def layer_kernels(model: tf_keras.Model) -> dict[str, Array]:
    """Return the main kernel of every layer that has one, by layer name, as NumPy arrays in Keras layout.

    TF-MOT's quantise wrappers are looked through; the kernel of a depthwise layer is its depthwise kernel. A row that
    scales features (a learned position table has one) is no kernel.
    """
    kernels: dict[str, Any] = {}
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)
        for attribute in ("kernel", "depthwise_kernel", "pointwise_kernel", "embeddings"):
            variable = getattr(inner, attribute, None)
            if variable is None or not hasattr(variable, "numpy"):
                # A quantise wrapper puts a symbolic tensor in the attribute's place and keeps the variable itself.
                owned = [weight for weight in layer.weights if weight.name == f"{inner.name}/{attribute}:0"]
                variable = owned[0] if layer is not inner and owned else None
            if variable is not None and variable.numpy().ndim > 1:
                kernels[str(inner.name)] = variable.numpy()
                break
    return kernels


def check_invariants(state: ModelState, *, step: str) -> None:
    """Check every invariant of `state` in its Keras kernels.

    Raises:
        InvariantError: names the layer, what was found and what was ensured.
    """
    if not state.invariants:
        return
    kernels = layer_kernels(state.model)
    for invariant in state.invariants:
        if invariant.layer not in kernels:
            raise InvariantError(
                invariant.layer,
                found=f"no such layer after {step!r}",
                expected="the layer",
                next_step="report a defect",
            )
        measured = invariant.measure(kernels[invariant.layer])
        if not measured.holds:
            raise InvariantError(
                invariant.layer,
                found=f"{invariant.describe_found(measured.found)} after {step!r}",
                expected=f"{invariant.describe()}, as an earlier pass ensured",
                next_step="change the order of passes in the recipe",
            )
