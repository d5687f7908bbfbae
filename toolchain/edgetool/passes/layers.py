"""What passes know of Keras layers: which have kernels, how to copy a model, how to name a layer left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from types import FunctionType
from typing import Any

from edgetool.errors import PassError
from edgetool.passes.base import layer_kernels
from edgetool.store.manifest import SkippedLayer

__all__ = ["choose_layers", "clone", "require_some", "walk"]

#: Layers whose kernel can be pruned and clustered. TF-MOT prunes more kinds, but a depthwise kernel is a fraction of
#: a percent of a model and loses accuracy first, and recurrent cells quantise badly once pruned.
KERNEL_LAYERS = ("Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Dense")


def choose_layers(
    model: Any, *, step: str, min_elements: int, kinds: Collection[str] = KERNEL_LAYERS
) -> tuple[list[str], list[SkippedLayer]]:
    """Return the names of the layers that a pass works on, and those with weights that it leaves alone.

    Args:
        model: a tf_keras model.
        step: the pass's name, for the reasons.
        min_elements: smaller kernels are left alone.
        kinds: class names of layers that the pass supports.
    """
    chosen: list[str] = []
    skipped: list[SkippedLayer] = []
    kernels = layer_kernels(model)
    for layer in model.layers:
        kernel = kernels.get(layer.name)
        kind = type(layer).__name__
        if hasattr(layer, "layers"):
            skipped.append(SkippedLayer(layer.name, step, "a nested model is left as it is"))
        elif kernel is None:
            if layer.weights and kind not in ("BatchNormalization", "LayerNormalization"):
                skipped.append(SkippedLayer(layer.name, step, f"{kind} is not supported"))
        elif kind not in kinds:
            skipped.append(SkippedLayer(layer.name, step, f"{kind} is not supported"))
        elif kernel.size < min_elements:
            reason = f"{kernel.size} weights, fewer than {min_elements}: accuracy would be lost for no size"
            skipped.append(SkippedLayer(layer.name, step, reason))
        else:
            chosen.append(layer.name)
    return chosen, skipped


def require_some(chosen: list[str], skipped: list[SkippedLayer], *, step: str) -> None:
    """Refuse a model in which there is nothing to work on.

    Raises:
        PassError: `chosen` is empty.
    """
    if not chosen:
        reasons = "; ".join(f"{item.layer}: {item.reason}" for item in skipped[:4]) or "no layer has weights"
        raise PassError(
            f"pass {step!r}",
            found=f"no layer to work on ({reasons})",
            expected=f"at least one of {', '.join(KERNEL_LAYERS)} with enough weights",
            next_step="leave this recipe out, or lower min_elements in a recipe of your own",
        )


def clone(model: Any, replace: Callable[[Any], Any] | None = None) -> Any:
    """Return a copy of `model` with its weights; `replace` may give another layer (a wrapper) for each one."""
    import tf_keras

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(getattr(layer, "activation", None), FunctionType) and config.get("activation") is not None:
            config["activation"] = layer.activation  # a function of the user's: Keras cannot make it from its code
        fresh = layer.__class__.from_config(config)
        return fresh if replace is None else replace(fresh)

    copied = tf_keras.models.clone_model(model, clone_function=copy)
    for old, new in zip(model.layers, copied.layers, strict=True):
        inner = getattr(new, "layer", new) if replace is not None else new
        if old.weights:
            inner.set_weights(old.get_weights())
    return copied


def walk(model: Any, inputs: Sequence[Any], call: Callable[[Any, Any, dict[str, Any]], Any]) -> list[Any]:
    """Call every layer of a functional model in order, through `call`, and return the model's outputs.

    Args:
        model: functional.
        inputs: tensors or arrays in place of the model's inputs.
        call: gets the layer, its input or list of inputs, and keyword arguments; returns the output or outputs.
    """
    tensors: dict[int, Any] = {id(old): new for old, new in zip(model.inputs, inputs, strict=True)}

    def resolve(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [resolve(item) for item in value]
        return tensors.get(id(value), value)

    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            # Masks, and the values of an attention, are tensors too.
            others = zip(node.layer._call_spec.arg_names[1:], node.call_args[1:], strict=False)
            given = {**dict(others), **node.call_kwargs}
            arguments = {key: resolve(value) for key, value in given.items() if key != "training"}
            results = call(node.layer, resolve(node.input_tensors), arguments)
            for old, new in zip(_listed(node.output_tensors), _listed(results), strict=True):
                tensors[id(old)] = new
    return [tensors[id(tensor)] for tensor in model.outputs]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
