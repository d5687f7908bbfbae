"""Models of Keras 3 whose layers neither format has: files of both compute what Keras computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FORMATS = ("tflite", "onnx")


def exported(source: Any, arrays: list[np.ndarray], format_: str, folder: Path) -> list[np.ndarray]:
    """Return what a file of a Keras 3 model gives in its runtime."""
    from edgetool.data.dataset import Dataset
    from edgetool.exporters.onnx.export import export_onnx
    from edgetool.exporters.tflite.export import export_tflite
    from edgetool.importers.keras import carry_checked
    from edgetool.passes.base import Context, ModelState, TrainingSettings
    from edgetool.runners.base import RunPlan
    from edgetool.runners.process import ProcessRunner

    model, _ = carry_checked(source, "model")
    path = folder / f"m.{format_}"
    context = Context(Dataset("none", None, None, None), TrainingSettings(), 0, folder, lambda *_: None)
    (export_tflite if format_ == "tflite" else export_onnx)(ModelState(model), path, context)
    session = ProcessRunner().open(path, RunPlan(num_threads=1, timeout_s=120.0))
    try:
        return list(session.outputs(tuple(arrays)))
    finally:
        session.close()


#: Shape and type of a sample -> layers and operators that neither format has, or only one.
ROWS: dict[tuple[tuple[int, ...], str], dict[str, Callable[[Any, Any], Any]]] = {
    ((4, 6), "float32"): {
        "erf": lambda k, x: k.ops.erf(x * 2.0),
        "erfc": lambda k, x: k.ops.erfc(x),
        "erfinv": lambda k, x: k.ops.erfinv(x * 0.3),
        "average": lambda k, x: k.ops.average(x, axis=1, weights=np.arange(4.0)),
        "atan2": lambda k, x: k.ops.arctan2(x, x[:, :1]),
        "digitize": lambda k, x: k.ops.digitize(x, np.array([-0.5, 0.2, 0.5], "float32")),
        "discretization": lambda k, x: k.layers.Discretization([-0.5, 0.5], output_mode="multi_hot")(x[:, 0]),
        "einsum": lambda k, x: k.ops.einsum("nab,nab->na", x, x),
        "fft": lambda k, x: k.ops.fft((x, x))[1],
        "istft": lambda k, x: k.ops.istft((x[..., :5], x[..., :5]), 8, 4, 8),
        "i0": lambda k, x: k.ops.i0(x * 3.0),
        "nanargmax": lambda k, x: k.ops.nanargmax(x, axis=2),
        "rms": lambda k, x: k.ops.rms_normalization(x),
        "signbit": lambda k, x: k.ops.signbit(x),
        "log1p": lambda k, x: k.ops.binary_crossentropy(k.ops.sigmoid(x), x, from_logits=True),
    },
    ((6, 6, 3), "float32"): {
        "bicubic": lambda k, x: k.layers.Resizing(9, 4, interpolation="bicubic")(x),
        "antialiased": lambda k, x: k.layers.Resizing(3, 4, antialias=True)(x),
        "hsv": lambda k, x: k.ops.image.rgb_to_hsv(k.ops.sigmoid(x)),
        "rgb": lambda k, x: k.ops.image.hsv_to_rgb(k.ops.sigmoid(x)),
        "lanczos": lambda k, x: k.layers.UpSampling2D(2, interpolation="lanczos3")(x),
        "output padding": lambda k, x: k.layers.Conv2DTranspose(2, 3, strides=2, output_padding=1)(x),
        "padded": lambda k, x: k.layers.Resizing(4, 7, pad_to_aspect_ratio=True, fill_value=0.5)(x),
        "sobel": lambda k, x: k.ops.image.sobel_edges(x),
        "unfold": lambda k, x: k.ops.unfold(x, 2, padding=1),
    },
    ((4, 5, 4, 2), "float32"): {
        "conv3d dilated": lambda k, x: k.layers.Conv3D(2, 2, dilation_rate=2)(x),
        "conv3d groups": lambda k, x: k.layers.Conv3D(4, 2, groups=2, padding="same")(x),
        "max volume": lambda k, x: k.layers.MaxPooling3D((2, 3, 1), strides=(1, 2, 1), padding="same")(x),
        "mean volume": lambda k, x: k.layers.AveragePooling3D(3, 2, padding="same")(x),
    },
    ((3, 5, 2), "float32"): {
        "conv lstm": lambda k, x: k.layers.ConvLSTM1D(2, 3, return_sequences=True)(x),
    },
    ((128,), "float32"): {
        "mel": lambda k, x: k.layers.MelSpectrogram(32, 16, num_mel_bins=4, sampling_rate=800, max_freq=400)(x),
    },
    ((4,), "int32"): {
        "and": lambda k, x: k.ops.bitwise_or(k.ops.bitwise_and(x - 5, np.int32(6)), np.int32(-9)),
        "category": lambda k, x: k.layers.CategoryEncoding(8, output_mode="multi_hot")(x),
        "count": lambda k, x: k.layers.CategoryEncoding(8, output_mode="count")(x),
        "lookup": lambda k, x: k.layers.IntegerLookup(vocabulary=[1, 5, 6], num_oov_indices=2)(x),
        "lookup masked": lambda k, x: k.layers.IntegerLookup(vocabulary=[1, 5], mask_token=0)(x),
    },
}


@pytest.mark.parametrize("format_", FORMATS)
def test_what_a_format_lacks_is_written_out(format_: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    inputs = {key: keras.Input(key[0], dtype=key[1]) for key in ROWS}
    outputs = {name: make(keras, inputs[key]) for key, rows in ROWS.items() for name, make in rows.items()}
    source = keras.Model(list(inputs.values()), list(outputs.values()))
    random = np.random.default_rng(2)
    arrays = [
        random.normal(size=(3, *shape)).astype(kind) if kind == "float32" else random.integers(0, 8, (3, *shape), kind)
        for shape, kind in ROWS
    ]
    expected = keras.tree.flatten(source(arrays, training=False))
    found = exported(source, arrays, format_, tmp_path)
    for name, array, wanted in zip(outputs, found, expected, strict=True):
        assert array.shape == tuple(wanted.shape), name
        assert np.allclose(array, wanted, rtol=1e-4, atol=1e-5), name


def handed_on(keras: Any) -> Any:
    """Return a model that gives its inputs beside a prediction, and that prediction twice."""
    first, second = keras.Input((3,), name="first"), keras.Input((2,), name="second")
    hidden = keras.layers.Dense(4, name="hidden")(first)
    outputs = [first, hidden, keras.layers.Dropout(0.5)(second), hidden, first]
    return keras.Model([first, second], outputs)


def only_augmentation(keras: Any) -> Any:
    return keras.Sequential([keras.Input((4, 4, 3)), keras.layers.RandomFlip(), keras.layers.GaussianNoise(0.1)])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("build", [handed_on, only_augmentation])
def test_inputs_are_handed_on(build: Callable[[Any], Any], format_: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    source = build(keras)
    random = np.random.default_rng(2)
    arrays = [random.normal(size=(3, *tensor.shape[1:])).astype(np.float32) for tensor in source.inputs]
    expected = keras.tree.flatten(source(arrays if len(arrays) > 1 else arrays[0], training=False))
    found = exported(source, arrays, format_, tmp_path)
    assert len(found) == len(expected)
    for array, wanted in zip(found, expected, strict=True):
        assert np.allclose(array, wanted, atol=1e-6)
