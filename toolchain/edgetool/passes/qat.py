"""Quantisation-aware training by TF-MOT, which keeps the zeros and clusters that earlier passes ensured.

TF-MOT's own preserving schemes are not used: prune-preserving QAT zeroes some 1x1 convolutions
(tensorflow/model-optimization#979, open in 0.8.1), cluster-preserving QAT loses clusters of convolutions, whose weights
it quantises channel by channel (#1056; 62 values for 32 clusters on the document's CNN), and it searches every
weight's centroid anew in every step. Here zeros and clusters are restored after every step, and a clustered kernel has
one scale, so that each of its values becomes one integer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from edgetool.errors import PassError
from edgetool.passes.activation_ranges import calibrate_ranges
from edgetool.passes.base import Context, ModelState, Pass, PassResult, QuantizationScheme
from edgetool.passes.training import fine_tune, make_projections
from edgetool.store.manifest import SkippedLayer

__all__ = ["QuantizationAwareTraining"]


@dataclass(frozen=True, slots=True)
class QatParams:
    """Parameters of a recipe.

    Attributes:
        epochs: of fine-tuning with fake quantisation.
        learning_rate_factor: on the fine-tuning rate.
        distillation: share of the unquantised model's answers in the targets, 0..1; labels have the rest.
    """

    epochs: float = 2.0
    learning_rate_factor: float = 0.3
    distillation: float = 0.0


class QuantizationAwareTraining(Pass):
    """Fake-quantise weights (int8, symmetric) and activations (int8) and fine-tune; ranges are learned with it.

    With labels a model may go on learning, and answers otherwise than before more often. With `distillation` the
    targets are the answers of the model as it came: quantisation is undone, nothing else is learned, in twice the time.
    MLPerf Tiny's ResNet-8 agreed with itself on 95.3 % of the validation samples after labels, on 98.4 % after its own
    answers; labels gave the better validation accuracy.
    """

    name = "qat"
    Params = QatParams
    requires = frozenset({"layers", "float_weights", "train_data"})

    def apply(self, state: ModelState, context: Context) -> PassResult:
        """Wrap a copy of the model; layers that TF-MOT does not know stay float and are named."""
        params: QatParams = self.params
        clustered = {item.layer for item in state.invariants if item.kind == "num_clusters"}
        model, skipped = _wrap(state.model, clustered, self.name)
        assert context.dataset.train is not None
        num_ranges = calibrate_ranges(model, context.dataset.train)
        facts = fine_tune(
            model,
            context,
            what=self.name,
            epochs=params.epochs,
            learning_rate_factor=params.learning_rate_factor,
            projections=make_projections(_kernel_variables(model), state.invariants),
            teacher=state.model,
            distillation=params.distillation,
        )
        facts |= {"unquantised_layers": len(skipped), "calibrated_ranges": num_ranges}
        scheme = QuantizationScheme(mode="qat", activations="int8", per_channel=not clustered)
        new = dataclasses.replace(state, model=model, quantization=scheme, skipped=(*state.skipped, *skipped))
        return PassResult(new, modified=True, facts=facts)


def _wrap(model: Any, clustered: set[str], step: str) -> tuple[Any, list[SkippedLayer]]:
    """Return the quantise-wrapped copy of `model`, and the layers left as they are.

    Raises:
        PassError: TF-MOT knows no layer of the model, or refuses the model.
    """
    import tensorflow_model_optimization as tfmot
    import tf_keras
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry_module,
    )

    from edgetool.passes.layers import clone

    registry = registry_module.Default8BitQuantizeRegistry()
    keras = tfmot.quantization.keras
    skipped: list[SkippedLayer] = []
    source = clone(model)

    def annotate(layer: Any) -> Any:
        if isinstance(layer, tf_keras.layers.InputLayer):
            return layer
        if hasattr(layer, "layers") or not registry.supports(layer):
            skipped.append(
                SkippedLayer(layer.name, step, f"TF-MOT cannot quantise {type(layer).__name__}: left in float")
            )
            return layer
        if layer.name in clustered:
            return keras.quantize_annotate_layer(
                layer, _per_tensor_config(layer, before_activation(source, layer.name))
            )
        return keras.quantize_annotate_layer(layer)

    with keras.quantize_scope(_custom_objects()):
        annotated = tf_keras.models.clone_model(source, clone_function=annotate)
        if not any(type(layer).__name__ == "QuantizeAnnotate" for layer in annotated.layers):
            kinds = ", ".join(sorted({type(layer).__name__ for layer in model.layers}))
            raise PassError(
                f"pass {step!r}",
                found=f"no layer that TF-MOT can quantise ({kinds})",
                expected="at least one Conv2D, Dense, ...",
                next_step="use w8a8_static, which needs no knowledge of layers",
            )
        try:
            wrapped = keras.quantize_apply(annotated)
        except (ValueError, RuntimeError, TypeError, AttributeError) as exc:
            raise PassError(
                f"pass {step!r}",
                found=f"TF-MOT refuses the model: {' '.join(str(exc).split())[:300]}",
                expected="a model that it can wrap",
                next_step="use w8a8_static, or replace the layer that is named",
            ) from None
    return wrapped, skipped


def before_activation(model: Any, name: str) -> bool:
    """Tell whether a layer feeds only an activation layer, whose output is what gets quantised."""
    layer = model.get_layer(name)
    followers = [node.layer for node in layer.outbound_nodes]
    linear = getattr(getattr(layer, "activation", None), "__name__", "") == "linear"
    return linear and len(followers) == 1 and type(followers[0]).__name__ in ("Activation", "ReLU")


def _per_tensor_config(layer: Any, skip_output: bool) -> Any:
    return _config_class()("kernel", has_activation=hasattr(layer, "activation"), skip_output=skip_output)


def _custom_objects() -> dict[str, Any]:
    return {"PerTensorQuantizeConfig": _config_class()}


_cached_class: list[Any] = []


def _config_class() -> Any:
    """Return TF-MOT's configuration for a clustered layer; built on first use, because its base needs TensorFlow."""
    if _cached_class:
        return _cached_class[0]
    import tensorflow_model_optimization as tfmot

    quantizers = tfmot.quantization.keras.quantizers

    class PerTensorQuantizeConfig(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]  # no types there
        """int8 symmetric weights with one scale for the whole kernel; int8 moving-average activations."""

        def __init__(self, weight: str, *, has_activation: bool, skip_output: bool) -> None:
            self.weight, self.has_activation, self.skip_output = weight, has_activation, skip_output
            self.weight_quantizer = quantizers.LastValueQuantizer(
                num_bits=8, per_axis=False, symmetric=True, narrow_range=True
            )
            self.activation_quantizer = quantizers.MovingAverageQuantizer(
                num_bits=8, per_axis=False, symmetric=False, narrow_range=False
            )

        def get_weights_and_quantizers(self, layer: Any) -> Any:
            return [(getattr(layer, self.weight), self.weight_quantizer)]

        def get_activations_and_quantizers(self, layer: Any) -> Any:
            if not self.has_activation or self.skip_output:
                return []
            return [(layer.activation, self.activation_quantizer)]

        def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
            setattr(layer, self.weight, quantize_weights[0])

        def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
            if quantize_activations:
                layer.activation = quantize_activations[0]

        def get_output_quantizers(self, layer: Any) -> Any:  # noqa: ARG002 - TF-MOT's signature
            return []

        def get_config(self) -> dict[str, Any]:
            return {"weight": self.weight, "has_activation": self.has_activation, "skip_output": self.skip_output}

    _cached_class.append(PerTensorQuantizeConfig)
    return PerTensorQuantizeConfig


def _kernel_variables(model: Any) -> dict[str, Any]:
    """Return the float kernel behind each quantise wrapper, by the inner layer's name."""
    found: dict[str, Any] = {}
    for wrapper in model.layers:
        inner: Any = getattr(wrapper, "layer", None)
        for variable, _, _ in getattr(wrapper, "_weight_vars", []):
            found.setdefault(str(inner.name), variable)
    return found
