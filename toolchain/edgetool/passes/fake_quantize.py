"""Train a model as int8 files will compute it: weights on their grid, activations in the steps of their ranges.

The float layers stay what they are: each is called inside a wrapper that swaps its kernels for rounded ones while it
runs. So every layer can take part, with its state (the mean of a Normalization, moving averages) and its own
activation function, and what is trained is a float model again, which exporters quantise as they quantise any other.
TF-MOT's `quantize_apply` builds a new model from a list of known layers instead; its quantisers are used here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgetool.passes.layers import walk
from edgetool.records import SkippedLayer

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras
    from tf_keras.src.engine.keras_tensor import KerasTensor

__all__ = ["Grid", "fake_quantize", "find_grids", "is_fused", "round_kernels", "without_range"]

#: Layer kind -> kernel -> axes that share a scale: all but the output channels, as TFLite and ONNX store them.
GRIDS: dict[str, dict[str, tuple[int, ...]]] = {
    "Conv1D": {"kernel": (0, 1)},
    "Conv1DTranspose": {"kernel": (0, 2)},
    "Conv2D": {"kernel": (0, 1, 2)},
    "Conv2DTranspose": {"kernel": (0, 1, 3)},
    "Conv3D": {"kernel": (0, 1, 2, 3)},
    "Conv3DTranspose": {"kernel": (0, 1, 2, 4)},
    "Dense": {"kernel": (0,)},
    "DepthwiseConv1D": {"depthwise_kernel": (0,)},
    "DepthwiseConv2D": {"depthwise_kernel": (0, 1)},
    "SeparableConv1D": {"depthwise_kernel": (0,), "pointwise_kernel": (0, 1)},
    "SeparableConv2D": {"depthwise_kernel": (0, 1), "pointwise_kernel": (0, 1, 2)},
}

#: Layers that move or select values: the range of their input is that of their output.
MOVES = frozenset(
    {
        "ActivityRegularization",
        "AlphaDropout",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Dropout",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "Identity",
        "InputLayer",
        "Masking",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Permute",
        "RepeatVector",
        "Reshape",
        "SlicingOpLambda",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "UpSampling1D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
    }
)

#: Layers that files compute in float, or by steps of their own: only what a kernel reads of them has a range.
FLOAT_INSIDE = frozenset(
    {
        "AdditiveAttention",
        "Attention",
        "Bidirectional",
        "GRU",
        "GroupNormalization",
        "LSTM",
        "LayerNormalization",
        "MultiHeadAttention",
        "SimpleRNN",
        "TFOpLambda",
        "TimeDistributed",
        "UnitNormalization",
    }
)

#: Layers that runtimes fuse a ReLU behind them into.
FUSING = (*GRIDS, "Add", "Average", "BatchNormalization", "Multiply", "Subtract")

#: Activations that runtimes fuse into the layer: between kernel and activation there is no range.
FUSED_ACTIVATIONS = ("", "linear", "relu", "relu6")

#: Largest integer of an int8 weight: symmetric and narrow, -127..127.
LEVELS = 127.0
#: The smallest scale, of a channel whose weights are all zero.
TINY = 1e-30


@dataclass(frozen=True, slots=True)
class Grid:
    """One kernel and which of its weights share a scale.

    Attributes:
        layer: the layer that owns it.
        attribute: its name in the layer.
        axes: axes of the kernel that share a scale.
    """

    layer: tf_keras.layers.Layer
    attribute: str
    axes: tuple[int, ...]


def fake_quantize(
    model: tf_keras.Model, *, per_channel: bool, float_inputs: Collection[int] = ()
) -> tuple[tf_keras.Model, list[SkippedLayer]]:
    """Return a model to train that shares its variables with `model` and computes as int8 files do.

    Args:
        model: tf_keras, functional or sequential; its layers are used, its graph is left as it is.
        per_channel: one scale an output channel of a kernel; otherwise one a kernel.
        float_inputs: inputs that files take as they are.

    Returns:
        the model to train, and the layers with weights of which none is rounded in training.
    """
    import tf_keras

    wrappers: dict[str, tf_keras.layers.Wrapper] = {}
    skipped: list[SkippedLayer] = []
    kind = _wrapper_class()
    for layer in model.layers:
        grids = find_grids(layer, per_channel=per_channel)
        if not grids and any(_is_matrix(weight.shape) for weight in layer.weights):
            reason = f"{type(layer).__name__} is trained in float and quantised by calibration"
            skipped.append(SkippedLayer(layer.name, "qat", reason))
        wrappers[layer.name] = kind(layer, grids, behind=not without_range(model, layer), name=f"quant_{layer.name}")

    def call(layer: tf_keras.layers.Layer, given: tuple[object, ...], arguments: dict[str, object]) -> Any:
        return wrappers[layer.name](*given, **arguments)

    starts = [
        tensor if index in float_inputs else _quantized_input(tensor) for index, tensor in enumerate(model.inputs)
    ]
    return tf_keras.Model(model.inputs, walk(model, starts, call), name=model.name), skipped


def find_grids(layer: tf_keras.layers.Layer, *, per_channel: bool) -> list[Grid]:
    """Return the kernels of a layer, and of the layers inside it, that int8 files store on a grid."""
    grids: list[Grid] = []
    for inner in layer._flatten_layers():
        if type(inner).__name__ == "EinsumDense":
            grids.append(Grid(inner, "kernel", _contracted(inner.equation) if per_channel else ()))
            continue
        kind = next((base.__name__ for base in type(inner).__mro__ if base.__name__ in GRIDS), None)
        if kind is not None:
            grids += [Grid(inner, name, axes if per_channel else ()) for name, axes in GRIDS[kind].items()]
    return [grid for grid in grids if getattr(grid.layer, grid.attribute, None) is not None]


def round_kernels(model: tf_keras.Model, *, per_channel: bool) -> int:
    """Put every kernel onto the grid that it was trained on, in place, so that exporters store just these values.

    Returns:
        How many kernels there are.
    """
    grids = [grid for layer in model.layers for grid in find_grids(layer, per_channel=per_channel)]
    for grid in grids:
        variable = getattr(grid.layer, grid.attribute)
        variable.assign(_rounded(variable, grid.axes))
    return len(grids)


def is_fused(model: tf_keras.Model, layer: tf_keras.layers.Layer) -> bool:
    """Tell whether a layer feeds only a ReLU, with which runtimes fuse it: only what comes out of that has a range."""
    followers = _followers(model, layer)
    kind = type(layer).__name__
    return kind in FUSING and _activation(layer) in ("", "linear") and len(followers) == 1 and _is_relu(followers[0])


def without_range(model: tf_keras.Model, layer: tf_keras.layers.Layer) -> bool:
    """Tell whether what a layer gives has no range of its own in training."""
    kind = type(layer).__name__
    if kind in MOVES or is_fused(model, layer):
        return True
    if kind == "UpSampling2D" and layer.interpolation == "nearest":
        return True
    outputs = layer.output if hasattr(layer, "inbound_nodes") and len(layer.inbound_nodes) == 1 else None
    if isinstance(outputs, list | tuple | dict):
        return True
    if kind not in FLOAT_INSIDE and not hasattr(layer, "layers"):
        return False
    return not any(type(follower).__name__ in GRIDS for follower in _followers(model, layer))


def _is_matrix(shape: Sequence[int]) -> bool:
    """Tell whether weights of a shape are more than a row of values, of which int8 files keep some in 32 bits."""
    return sum(int(size) > 1 for size in shape) > 1


def _followers(model: tf_keras.Model, layer: tf_keras.layers.Layer) -> list[tf_keras.layers.Layer]:
    """Return the layers of `model` that read what `layer` gives."""
    inside = {id(item) for item in model.layers}
    return [node.layer for node in layer.outbound_nodes if id(node.layer) in inside]


def _is_relu(layer: tf_keras.layers.Layer) -> bool:
    if type(layer).__name__ == "Activation":
        return _activation(layer) in ("relu", "relu6")
    return type(layer).__name__ == "ReLU" and not layer.negative_slope and not layer.threshold


def _activation(layer: tf_keras.layers.Layer) -> str:
    function = getattr(layer, "activation", None)
    return "" if function is None else str(getattr(function, "__name__", type(function).__name__))


def _contracted(equation: str) -> tuple[int, ...]:
    """Return the axes of an EinsumDense kernel that it sums over: those that the output does not have."""
    given, _, output = equation.partition("->")
    kernel = given.partition(",")[2]
    return tuple(axis for axis, letter in enumerate(kernel) if letter not in output)


def _rounded(kernel: tf.Tensor | tf.Variable, axes: tuple[int, ...]) -> tf.Tensor:
    """Return the nearest values on the grid of 255 steps between minus and plus the largest magnitude."""
    import tensorflow as tf

    largest = tf.reduce_max(tf.abs(kernel), axis=axes or None, keepdims=True)
    scale = tf.maximum(largest / LEVELS, TINY)
    return tf.round(kernel / scale) * scale


def _quantized_input(tensor: KerasTensor) -> KerasTensor:
    """Return a model's input as files take it; integers are taken as they are."""
    import tf_keras

    if not tensor.dtype.is_floating:
        return tensor
    name = str(tensor.name).partition(":")[0]
    identity = tf_keras.layers.Activation("linear", name=f"{name}_as_given")
    return _wrapper_class()(identity, [], behind=True, name=f"quant_{name}")(tensor)


_cached: list[type[tf_keras.layers.Wrapper]] = []


def _wrapper_class() -> type[tf_keras.layers.Wrapper]:
    """Return the wrapper's class; built on first use, because its base needs TensorFlow."""
    if not _cached:
        _cached.append(_make_wrapper_class())
    return _cached[0]


def _make_wrapper_class() -> type[tf_keras.layers.Wrapper]:
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras

    quantizer = tfmot.quantization.keras.quantizers.MovingAverageQuantizer(
        num_bits=8, per_axis=False, symmetric=False, narrow_range=False
    )

    class FakeQuantized(tf_keras.layers.Wrapper):  # type: ignore[misc]  # no types there
        """A layer that computes with rounded kernels, and gives what it computes in 255 steps."""

        def __init__(self, layer: tf_keras.layers.Layer, grids: list[Grid], *, behind: bool, name: str) -> None:
            super().__init__(layer, name=name)
            self.supports_masking = True
            self._grids = grids
            self._behind = behind
            self._in_front = bool(grids) and grids[0].layer is layer and _activation(layer) not in FUSED_ACTIVATIONS
            self._ranges: dict[str, Any] = {}

        def build(self, input_shape: tf.TensorShape | None = None) -> None:
            super().build(input_shape)
            for place, has_range in (("pre_activation", self._in_front), ("output", self._behind)):
                if has_range:
                    self._ranges[place] = quantizer.build(None, place, self)

        def call(
            self, inputs: object, *args: object, training: bool | tf.Tensor | None = None, **kwargs: object
        ) -> Any:
            with _swapped(self._replacements(bool(training))):
                outputs = self.layer(inputs, *args, **kwargs)
            if isinstance(outputs, tf.Tensor) and outputs.dtype.is_floating:
                return self._quantized("output", outputs, bool(training))
            return outputs

        def compute_mask(self, inputs: object, mask: object = None) -> Any:
            return self.layer.compute_mask(inputs, mask)

        def _quantized(self, place: str, values: tf.Tensor, training: bool) -> tf.Tensor:
            return quantizer(values, training, self._ranges[place]) if place in self._ranges else values

        def _replacements(self, training: bool) -> list[tuple[tf_keras.layers.Layer, str, object]]:
            """Return (layer, attribute, value) of what differs while the layer runs."""
            replacements = []
            for grid in self._grids:
                kernel = tf.convert_to_tensor(getattr(grid.layer, grid.attribute))
                straight_through = kernel + tf.stop_gradient(_rounded(kernel, grid.axes) - kernel)
                replacements.append((grid.layer, grid.attribute, straight_through))
            if self._in_front:
                function = self.layer.activation
                replacements.append(
                    (
                        self.layer,
                        "activation",
                        lambda values: function(self._quantized("pre_activation", values, training)),
                    )
                )
            return replacements

    return FakeQuantized


@contextmanager
def _swapped(replacements: list[tuple[tf_keras.layers.Layer, str, object]]) -> Iterator[None]:
    """Give attributes other values for a while, past Keras, which would forget the variable that stood there."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
    try:
        for owner, name, value in replacements:
            object.__setattr__(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            object.__setattr__(owner, name, value)
