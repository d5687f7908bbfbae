"""Write a separable convolution as the two layers that it is: a depthwise convolution and a pointwise one.

Files hold two operators for it in any case. As layers of their own both can be pruned, clustered and trained for int8,
and a batch normalisation behind them folds into the pointwise kernel in both formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetool.passes.layers import clone, walk

if TYPE_CHECKING:
    import tf_keras

__all__ = ["split_separable"]

KINDS = ("SeparableConv1D", "SeparableConv2D")


def split_separable(model: tf_keras.Model) -> tf_keras.Model:
    """Return a copy of `model` with two layers for each separable convolution; `model` itself where there is none.

    The pointwise layer has the name, the activation and the bias of the separable one, so that outputs keep their
    names; the depthwise one is called `<name>_depthwise`.
    """
    separable_layers = [layer for layer in getattr(model, "layers", ()) if _can_split(layer)]
    if not separable_layers:
        return model
    import tf_keras

    parts = {layer.name: _parts(layer) for layer in separable_layers}
    copy = clone(model)

    def call(layer: tf_keras.layers.Layer, given: tuple[object, ...], arguments: dict[str, object]) -> Any:
        if layer.name not in parts:
            return layer(*given, **arguments)
        values = given[0]
        for part in parts[layer.name]:
            values = part(values)
        return values

    split = tf_keras.Model(copy.inputs, walk(copy, copy.inputs, call), name=model.name)
    for layer in separable_layers:
        depthwise, pointwise = parts[layer.name][-2:]
        weights = layer.get_weights()
        depthwise.set_weights(weights[:1])
        pointwise.set_weights(weights[1:])
    return clone(split)


def _can_split(layer: tf_keras.layers.Layer) -> bool:
    return type(layer).__name__ in KINDS and layer.data_format == "channels_last"


def _parts(layer: tf_keras.layers.Layer) -> list[tf_keras.layers.Layer]:
    """Return the layers in the place of a separable one; the last two are the depthwise and the pointwise one."""
    from tf_keras import layers

    is_flat = type(layer).__name__ == "SeparableConv1D"
    depthwise = layers.DepthwiseConv1D if is_flat else layers.DepthwiseConv2D
    pointwise = layers.Conv1D if is_flat else layers.Conv2D
    padding_layers = []
    padding = layer.padding
    if padding == "causal":
        reach = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
        padding_layers.append(layers.ZeroPadding1D((reach, 0), name=f"{layer.name}_padding"))
        padding = "valid"
    return [
        *padding_layers,
        depthwise(
            layer.kernel_size,
            strides=layer.strides,
            padding=padding,
            depth_multiplier=layer.depth_multiplier,
            dilation_rate=layer.dilation_rate,
            use_bias=False,
            name=f"{layer.name}_depthwise",
        ),
        pointwise(layer.filters, 1, activation=layer.activation, use_bias=layer.use_bias, name=layer.name),
    ]
