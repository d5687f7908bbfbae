"""Run the TensorFlow converter quietly and turn its failures into errors that name the layer."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection, Iterator
from types import ModuleType
from typing import IO, TYPE_CHECKING

from edgetool.data.batching import affordable_samples
from edgetool.data.dataset import Array, Split
from edgetool.data.uneven_columns import uneven_columns
from edgetool.errors import ExportError
from edgetool.exporters.tflite.file import unpack
from edgetool.exporters.tflite.quantize.calibrate import clip_ranges, stated_ranges
from edgetool.exporters.tflite.quantize.mixed import float_operators
from edgetool.exporters.tflite.rewrite.joined import join_ranges
from edgetool.exporters.tracing import FLOAT_MASK_OFFSET, plain_operators
from edgetool.exporters.uneven_inputs import float_front_tflite
from edgetool.exporters.unrolling import MAX_STEPS, LoopedLayer, looped_layers, unrolled
from edgetool.exporters.written_out import next_step_without, written_out
from edgetool.invariants import NumClusters
from edgetool.passes.base import Context, ModelState, QuantizationScheme

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras
    from tensorflow import Tensor

#: What is added to scores that a mask hides, by the type that attention is computed in. Softmax gives int8 in steps of
#: 1/256, and a wider range would coarsen the scores that are seen; 16 bits have room.
MASK_OFFSETS = {"float32": FLOAT_MASK_OFFSET, "int8": -16.0, "int16": -100.0}

#: Steps of the range of an activation, by its type.
NUM_STEPS = {"float32": 0, "int8": 255, "int16": 65535}

#: Samples that range clipping runs at once, where the batch is open.
CALIBRATION_BATCH = 16

#: The converter makes a GELU of what holds one of these, and has no kernel for it elsewhere.
_PARTS_OF_GELU = ("math.erf", "math.erfc")

__all__ = ["calibration_split", "convert", "input_names", "quiet"]


def calibration_split(scheme: QuantizationScheme, context: Context, name: str) -> Split | None:
    """Return the seeded choice of samples that activation ranges are measured on; None where the mode needs none.

    Taken from the training split, or from validation where there is no training split; never from test. Of large
    samples there are fewer than the scheme asks for, as many as memory is meant for.

    Raises:
        ExportError: `static` without either split.
    """
    if scheme.mode != "static":
        return None
    split = context.dataset.train if context.dataset.train is not None else context.dataset.val
    if split is None:
        raise ExportError(
            name,
            found="neither a training nor a validation split",
            expected="samples to calibrate activation ranges on",
            next_step="give --data with x_train, or the recipe w8_dynamic, which needs none",
        )
    num_samples = affordable_samples([array.shape for array in split.inputs], scheme.num_calibration_samples)
    return split.take(num_samples, seed=context.seed)


def convert(state: ModelState, samples: Split | None, *, batch: int | None, mixed: bool = False) -> bytes:
    """Convert the Keras model of `state` by its quantization scheme.

    Args:
        state: model and scheme.
        samples: for `static`; inputs in the model's order.
        batch: 1, or None to leave the batch dimension open.
        mixed: operators without an integer kernel may stay float32.

    Returns:
        the flatbuffer; its signature names inputs as Keras does and outputs `output_0`, `output_1`, ...

    Raises:
        ExportError: the converter refused; names operator and layer.
    """
    try:
        return _convert(state, samples, batch=batch, mixed=mixed, but_for=_PARTS_OF_GELU)
    except ExportError as exc:
        if not {name.partition(".")[2].capitalize() for name in _PARTS_OF_GELU} & set(re.findall(r"\w+", exc.found)):
            raise
    return _convert(state, samples, batch=batch, mixed=mixed, but_for=())


def _convert(
    state: ModelState, samples: Split | None, *, batch: int | None, mixed: bool, but_for: Collection[str]
) -> bytes:
    """Convert with TensorFlow's own operators for the functions `but_for`."""
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    # The converter traces the model once more, so that this lasts to its end.
    activations = state.quantization.activations
    plain = plain_operators(
        mask_offset=FLOAT_MASK_OFFSET if state.quantization.has_float_attention else MASK_OFFSETS[activations],
        num_steps=NUM_STEPS[activations],
        apart=_normalisations_before_clusters(state),
    )
    in_integers = state.quantization.mode == "static"
    # The one operator of an LSTM has int8 activations alone.
    loops = looped_layers(state.model, fused_lstm=activations == "int8") if in_integers else []
    _require_short(loops)
    with quiet() as log, plain, written_out("tflite", but_for=but_for), unrolled(loops):
        try:
            converter = _converter(tf, state.model, batch)
            _configure(tf, converter, state, samples, mixed=mixed)
            if samples is not None and activations == "int8":
                return _convert_clipped(converter, state, samples, 1 if batch else CALIBRATION_BATCH)
            return bytes(converter.convert())
        except (ConverterError, RuntimeError, ValueError, TypeError, NotImplementedError) as exc:
            log.seek(0)
            raise _explain(str(exc) + "\n" + log.read(), state.model) from exc


def _require_short(loops: list[LoopedLayer]) -> None:
    """Refuse loops that integers are asked for, and that are too long to be written out.

    Raises:
        ExportError: names the layer and its steps.
    """
    for loop in loops:
        if loop.num_steps is None or loop.num_steps > MAX_STEPS:
            raise ExportError(
                loop.name,
                found=f"a recurrent layer of {loop.num_steps or 'an open number of'} steps, a loop in TFLite",
                expected=f"an LSTM that starts at zero, or at most {MAX_STEPS} steps, which are written out",
                next_step="build the layer with unroll=True, or take the recipe w8_dynamic",
            )


def _normalisations_before_clusters(state: ModelState) -> list[str]:
    """Return the names of the LayerNormalization layers that a clustered layer reads."""
    clustered = {invariant.layer for invariant in state.invariants if isinstance(invariant, NumClusters)}
    return [
        str(source.name)
        for layer in state.model.layers
        if layer.name in clustered
        for node in layer.inbound_nodes
        for source, *_ in node.iterate_inbound()
        if type(source).__name__ == "LayerNormalization"
    ]


def input_names(model: tf_keras.Model) -> list[str]:
    """Return the names of a Keras model's inputs, in its order."""
    return [str(tensor.name).partition(":")[0] for tensor in model.inputs]


def _converter(tf: ModuleType, model: tf_keras.Model, batch: int | None) -> tf.lite.TFLiteConverter:
    """Return a converter for inference of `model`, batch dimension as asked."""
    specs = [
        tf.TensorSpec([batch, *tensor.shape[1:]], tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, input_names(model), strict=True)
    ]

    def infer(*inputs: Tensor) -> dict[str, Tensor]:
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        flat = tf.nest.flatten(outputs)
        return {f"output_{index}": tensor for index, tensor in enumerate(flat)}

    function = tf.function(infer).get_concrete_function(*specs)
    # The converter saves what owns the variables. To save a Keras model would trace every layer once more, which takes
    # most of the time (an LSTM: 25 s in place of 3), and fails where a layer that is written out was not built so.
    variables = tf.Module()
    variables.held = model.variables
    return tf.lite.TFLiteConverter.from_concrete_functions([function], variables)


def _configure(
    tf: ModuleType, converter: tf.lite.TFLiteConverter, state: ModelState, samples: Split | None, *, mixed: bool
) -> None:
    scheme = state.quantization
    if scheme.mode == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme.mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
        return
    # Private, and the only switch for it up to TensorFlow 2.21; tests hold it to one scale per kernel.
    converter._experimental_disable_per_channel = not scheme.per_channel
    if scheme.mode == "dynamic":
        return
    integer = tf.int16 if scheme.activations == "int16" else tf.int8
    if samples is not None:
        wide = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        operators = [wide if scheme.activations == "int16" else tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.target_spec.supported_ops = [*operators, tf.lite.OpsSet.TFLITE_BUILTINS] if mixed else operators
        converter.representative_dataset = _feed(samples, input_names(state.model))
    if all(tensor.dtype == tf.float32 for tensor in state.model.inputs):
        converter.inference_input_type = integer
    if all(tensor.dtype == tf.float32 for tensor in state.model.outputs):
        converter.inference_output_type = integer


def _convert_clipped(converter: tf.lite.TFLiteConverter, state: ModelState, samples: Split, batch_size: int) -> bytes:
    """Calibrate, cut the ranges, quantise: the steps of `convert()`, taken apart as TensorFlow's own debugger does."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.convert_phase import ConverterError

    input_type, output_type = converter.inference_input_type, converter.inference_output_type
    converter._experimental_calibrate_only = True
    calibrated = bytes(converter.convert())
    kept = _kept_in_float(calibrated) if state.quantization.has_float_attention else set()
    front = _float_front(calibrated, samples, input_names(state.model))
    if front:
        kept |= front
        input_type = tf.float32

    def quantize(content: bytes) -> bytes:
        return bytes(
            mlir_quantize(
                content,
                denylisted_nodes=kept or None,
                disable_per_channel=not state.quantization.per_channel,
                input_data_type=input_type,
                output_data_type=output_type,
            )
        )

    clipped = clip_ranges(calibrated, samples, input_names(state.model), batch_size)
    try:
        return quantize(clipped)
    except (ConverterError, RuntimeError):
        return quantize(join_ranges(clipped))


def _kept_in_float(calibrated: bytes) -> set[str]:
    """Return the operators that stay in float32, by what they write, as `mlir_quantize` names them."""
    model = unpack(calibrated)
    graph = model.subgraphs[0]
    writing = (graph.operators[position] for position in float_operators(model, stated_ranges(model)))
    return {graph.tensors[int(index)].name.decode() for operator in writing for index in operator.outputs}


def _float_front(calibrated: bytes, samples: Split, names: list[str]) -> set[str]:
    """Return the operators that bring uneven columns to one size, by what they write; they stay in float32."""
    model = unpack(calibrated)
    graph = model.subgraphs[0]
    tensors = {entry.name.decode(): int(entry.tensorIndex) for entry in model.signatureDefs[0].inputs}
    uneven = [tensors[names[index]] for index in uneven_columns(samples, 8)]
    positions = float_front_tflite(model, uneven)
    return {graph.tensors[int(graph.operators[position].outputs[0])].name.decode() for position in positions}


def _feed(samples: Split, names: list[str]) -> Callable[[], Iterator[dict[str, Array]]]:
    """Return a generator function of single samples, by input name: the converter may reorder inputs."""

    def batches() -> Iterator[dict[str, Array]]:
        for inputs, _ in samples.batches(1):
            yield dict(zip(names, inputs, strict=True))

    return batches


@contextlib.contextmanager
def quiet() -> Iterator[IO[str]]:
    """Send everything written to stdout and stderr, by Python or C++, to the file that is given.

    The converter prints from C++, past `sys.stderr`, whatever the log levels say.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        saved = [os.dup(1), os.dup(2)]
        try:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield log
        finally:
            for target, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, target)
                os.close(descriptor)


#: What the converter writes about operators that it has no TFLite form for.
_UNSUPPORTED = (
    re.compile(r"TF Select ops:\s*([^\n]+)"),
    re.compile(r"Custom ops:\s*([^\n]+)"),
    re.compile(r"'(tf\.\w+)' op is neither a custom op nor a flex op"),
    re.compile(r"Quantization not yet supported for op:\s*'?(\w+)"),
    re.compile(r"(?:op|operator) '?(\w+)'? is not (?:currently )?supported", re.IGNORECASE),
)


def _explain(text: str, model: tf_keras.Model) -> ExportError:
    """Return the error for what the converter said: the operators and, where it told, the layers."""
    operators: list[str] = []
    for pattern in _UNSUPPORTED:
        for match in pattern.findall(text):
            operators += [name.strip().removeprefix("tf.") for name in match.split(",")]
    operators = list(dict.fromkeys(name for name in operators if name))
    places = re.findall(r'"([^"\s]+/[^"\s]+)"', text)
    named = {part.partition("@")[0] for place in places for part in re.split(r"[/;]", place)}
    layers = [str(layer.name) for layer in model.layers if str(layer.name) in named]
    subject = ", ".join(layers[:5]) if layers and operators else str(model.name)
    if operators:
        return ExportError(
            subject,
            found=f"operators without a TFLite kernel: {', '.join(operators[:8])}",
            expected="operators of the TFLite builtin set (SELECT_TF_OPS does not run on small devices)",
            next_step=next_step_without(operators, "replace these layers by supported ones, or export to ONNX only"),
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ExportError(
        subject,
        found=f"the TensorFlow converter failed: {lines[0][:300] if lines else 'no message'}",
        expected="a model that it converts",
        next_step="run again with --debug for the converter's whole message",
    )
