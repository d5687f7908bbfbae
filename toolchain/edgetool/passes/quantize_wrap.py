"""Wrap a model's layers in TF-MOT's fake quantisation, where TF-MOT 0.8.1 does it, and beyond where it does not.

TF-MOT quantises no weights of a convolution or dense layer in front of a separate ReLU: its `LayerReLUQuantize` takes
the whole configuration away, also one that the caller gave, where only the output's range has to go. It has none for
Conv1D and MaxPooling1D. Both are mended here by configurations of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgetool.errors import PassError
from edgetool.passes.layers import clone
from edgetool.store.manifest import SkippedLayer

__all__ = ["before_activation", "kernel_variables", "wrap"]

#: Layers of which our configurations quantise the kernel, and the kernel's name in them.
KERNELS = {"Conv1D": "kernel", "Conv2D": "kernel", "DepthwiseConv2D": "depthwise_kernel", "Dense": "kernel"}

#: Layers that stay in float, and whose output gets a range, so that a dense layer behind them computes in int8.
RANGED = ("LayerNormalization",)

#: Activations that TF-MOT takes in a layer, and those of a layer of their own; at any other one it gives up the model.
ACTIVATIONS = ("gelu", "linear", "relu", "sigmoid", "softmax", "swish", "tanh")
SEPARATE_ACTIVATIONS = (*ACTIVATIONS, "relu6")

#: Layers that TF-MOT does not know, and that only move values: the range of their input is that of their output.
MOVES = ("MaxPooling1D",)


def wrap(model: Any, clustered: set[str], step: str) -> tuple[Any, list[SkippedLayer]]:
    """Return the quantise-wrapped copy of `model`, and the layers left as they are.

    Args:
        model: tf_keras, left as it is.
        clustered: layers whose kernel gets one scale, which keeps its number of values.
        step: the pass's name, for the reasons.

    Raises:
        PassError: TF-MOT knows no layer of the model, or refuses the model.
    """
    import tensorflow_model_optimization as tfmot
    import tf_keras

    keras = tfmot.quantization.keras
    skipped: list[SkippedLayer] = []
    source = clone(model)
    supports = _registry().supports

    def annotate(layer: Any) -> Any:
        if isinstance(layer, tf_keras.layers.InputLayer):
            return layer
        known = type(layer).__name__ in (*KERNELS, *MOVES) or supports(layer)
        reason = _why_not(source, layer, known=known)
        if reason:
            skipped.append(SkippedLayer(layer.name, step, reason))
        if reason and not _feeds_kernel(source, layer):
            return layer
        return keras.quantize_annotate_layer(layer, _config(source, layer, layer.name in clustered))

    with keras.quantize_scope(_custom_objects()), _kernels_kept():
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
                found=f"TF-MOT refuses the model: {_first_sentence(exc)}",
                expected="a functional or built sequential model, without layers of your own",
                next_step="use w8a8_static, which needs no knowledge of layers",
            ) from None
    return wrapped, skipped


def _first_sentence(exc: Exception) -> str:
    """Return what an error of TF-MOT or Keras says, without its advice to programmers and its dumps."""
    text = " ".join(str(exc).split())
    return re.split(r"\.(?: |$)| using config=| Received:", text)[0][:160] or type(exc).__name__


def kernel_variables(model: Any) -> dict[str, Any]:
    """Return the float kernel of every layer, wrapped or not, by the inner layer's name."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        inner: Any = getattr(layer, "layer", layer)
        # Behind a wrapper that quantises it, the attribute holds a symbolic tensor.
        variables = [variable for variable, _, _ in getattr(layer, "_weight_vars", [])]
        variables += [getattr(inner, "kernel", None), getattr(inner, "depthwise_kernel", None)]
        variables = [variable for variable in variables if hasattr(variable, "numpy") and hasattr(variable, "assign")]
        if variables:
            found[str(inner.name)] = variables[0]
    return found


def before_activation(model: Any, name: str) -> bool:
    """Tell whether a layer feeds only a ReLU, with which runtimes fuse it: what comes out of that gets quantised."""
    layer = model.get_layer(name)
    followers = [node.layer for node in layer.outbound_nodes]
    return _activation(layer) == "linear" and len(followers) == 1 and _is_relu(followers[0])


def _is_relu(layer: Any) -> bool:
    if type(layer).__name__ == "Activation":
        return _activation(layer) in ("relu", "relu6")
    return type(layer).__name__ == "ReLU" and not layer.negative_slope and not layer.threshold


def _activation(layer: Any) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _unknown_activation(layer: Any) -> str:
    """Return the name of an activation that TF-MOT cannot quantise; empty: it can, or there is none."""
    activation = getattr(layer, "activation", None)
    known = SEPARATE_ACTIVATIONS if type(layer).__name__ == "Activation" else ACTIVATIONS
    name = str(getattr(activation, "__name__", type(activation).__name__))
    return "" if activation is None or name in known else name


def _feeds_kernel(model: Any, layer: Any) -> bool:
    """Tell whether a layer that stays in float gives a layer with an int8 kernel its input.

    TF-MOT itself asks for the range of what any quantised layer reads, and gives up at an unknown activation there.
    """
    followers = {type(node.layer).__name__ for node in model.get_layer(layer.name).outbound_nodes}
    if type(layer).__name__ in (*KERNELS, "Activation") and _unknown_activation(layer):
        return bool(followers)
    return type(layer).__name__ in RANGED and not followers.isdisjoint(KERNELS)


def _why_not(model: Any, layer: Any, *, known: bool) -> str:
    """Return why a layer is left alone; empty: it is not."""
    if hasattr(layer, "layers") or not known:
        return f"TF-MOT cannot quantise {type(layer).__name__}: left in float"
    activation = _unknown_activation(layer)
    if activation:
        return f"TF-MOT cannot quantise the activation {activation}: left in float"
    nodes = model.get_layer(layer.name).inbound_nodes
    given = {tensor.dtype.name for node in nodes for tensor in node.keras_inputs}
    integers = sorted(dtype for dtype in given if not dtype.startswith("float"))
    return f"an input of {', '.join(integers)}, which has no range: left as it is" if integers else ""


def _config(model: Any, layer: Any, clustered: bool) -> Any | None:
    """Return the configuration of a layer; None: TF-MOT's own, if it has one."""
    kind = type(layer).__name__
    if kind in MOVES:
        return _class("NoOpQuantizeConfig")()
    if kind in RANGED or _unknown_activation(layer):
        return _class("Default8BitOutputQuantizeConfig")()
    followed = kind in KERNELS and before_activation(model, layer.name)
    if not (clustered or followed or kind == "Conv1D"):
        return None
    has_activation = hasattr(layer, "activation") and not followed
    # TF-MOT gives dense layers one scale, and so does TFLite's converter. TensorFlow trains no dilated conv2d on a CPU.
    dilated = kind == "Conv1D" and layer.dilation_rate[0] > 1
    per_axis = not clustered and kind != "Dense" and not dilated
    return _class("KernelQuantizeConfig")(KERNELS.get(kind, "kernel"), per_axis=per_axis, has_activation=has_activation)


@contextmanager
def _kernels_kept() -> Iterator[None]:
    """Keep TF-MOT from taking our configuration off a layer in front of a ReLU."""
    from unittest import mock

    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_transforms

    kind = default_8bit_transforms.LayerReLUQuantize
    take_away = kind.replacement

    def replacement(self: Any, match: Any) -> Any:
        metadata = match.input_layers[0].metadata
        config = metadata.get("quantize_config")
        found = take_away(self, match)
        if isinstance(config, _class("KernelQuantizeConfig")):
            metadata["quantize_config"] = config
        return found

    with mock.patch.object(kind, "replacement", replacement):
        yield


def _registry() -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as module,
    )

    return module.Default8BitQuantizeRegistry()


def _custom_objects() -> dict[str, Any]:
    _class("KernelQuantizeConfig")
    return dict(_cached_classes)


def _convolve_rows(layer: Any, kernel: Any) -> Any:
    """Return the `convolution_op` of a Conv1D without dilation, with a kernel `[1, width, in, out]`.

    The converter folds the axis that `tf.nn.conv1d` adds to a kernel, but not behind a fake quantisation by channel.
    """
    import tensorflow as tf

    def convolve(inputs: Any, _: Any) -> Any:
        padding = "VALID" if layer.padding == "causal" else layer.padding.upper()
        rows = tf.nn.conv2d(tf.expand_dims(inputs, 1), kernel, [1, layer.strides[0]], padding)
        return tf.squeeze(rows, 1)

    return convolve


_cached_classes: dict[str, Any] = {}


def _class(name: str) -> Any:
    """Return TF-MOT's or our configuration of that name; built on first use, because its base needs TensorFlow."""
    if _cached_classes:
        return _cached_classes[name]
    import tensorflow_model_optimization as tfmot
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs,
        default_8bit_quantizers,
    )

    quantizers = tfmot.quantization.keras.quantizers

    class ConvWeightsQuantizer(default_8bit_quantizers.Default8BitConvWeightsQuantizer):  # type: ignore[misc]
        """TF-MOT's, which knows kernels of four axes: those of three come back with an axis in front."""

        def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
            kernel = inputs if inputs.shape.rank == 4 else inputs[None]
            return super().__call__(kernel, training, weights, **kwargs)

    class KernelQuantizeConfig(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]  # no types there
        """int8 symmetric kernel, one scale or one an output channel; int8 moving-average activations."""

        def __init__(self, weight: str, *, per_axis: bool, has_activation: bool) -> None:
            self.weight, self.per_axis, self.has_activation = weight, per_axis, has_activation
            self.weight_quantizer = (
                ConvWeightsQuantizer()
                if per_axis
                else quantizers.LastValueQuantizer(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)
            )
            self.activation_quantizer = quantizers.MovingAverageQuantizer(
                num_bits=8, per_axis=False, symmetric=False, narrow_range=False
            )

        def get_weights_and_quantizers(self, layer: Any) -> Any:
            return [(getattr(layer, self.weight), self.weight_quantizer)]

        def get_activations_and_quantizers(self, layer: Any) -> Any:
            return [(layer.activation, self.activation_quantizer)] if self.has_activation else []

        def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
            if type(layer).__name__ == "Conv1D" and self.per_axis:
                layer.convolution_op = _convolve_rows(layer, quantize_weights[0])
            else:
                setattr(layer, self.weight, quantize_weights[0])

        def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
            if quantize_activations:
                layer.activation = quantize_activations[0]

        def get_output_quantizers(self, layer: Any) -> Any:  # noqa: ARG002 - TF-MOT's signature
            return []

        def get_config(self) -> dict[str, Any]:
            return {"weight": self.weight, "per_axis": self.per_axis, "has_activation": self.has_activation}

    _cached_classes["KernelQuantizeConfig"] = KernelQuantizeConfig
    for kind in ("NoOpQuantizeConfig", "Default8BitOutputQuantizeConfig"):
        _cached_classes[kind] = getattr(default_8bit_quantize_configs, kind)
    return _cached_classes[name]
