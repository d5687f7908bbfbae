"""Deep networks come over from Keras 3 though rounding grows in them, and what computes otherwise does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.errors import ParityError
from edgetool.importers.alike import difference_of, require_alike
from edgetool.importers.double import outputs_in_double

pytestmark = pytest.mark.slow


def build(dtype: str) -> Any:
    """Return a model of tf_keras with what applications are made of: batch norms, gates, resizing."""
    import tf_keras
    from tf_keras import layers as of

    tf_keras.utils.set_random_seed(1)
    inputs = of.Input((8, 8, 3), dtype=dtype)
    y = of.Conv2D(8, 3, padding="same", dtype=dtype)(inputs)
    y = of.BatchNormalization(dtype=dtype)(y)
    gate = of.GlobalAveragePooling2D(keepdims=True, dtype=dtype)(y)
    gate = of.Conv2D(8, 1, activation="hard_sigmoid", dtype=dtype)(gate)
    y = of.Multiply(dtype=dtype)([y, gate])
    y = of.UpSampling2D(2, dtype=dtype)(y)
    y = of.DepthwiseConv2D(3, strides=2, activation="gelu", dtype=dtype)(y)
    y = of.Reshape((49, 8), dtype=dtype)(y)
    y = of.LSTM(4, dtype=dtype)(y)
    model = tf_keras.Model(inputs, of.Dense(3, activation="softmax", dtype=dtype)(y))
    random = np.random.default_rng(0)
    shapes = [weight.shape for weight in model.weights]
    model.set_weights([random.uniform(0.05, 1.0, shape).astype(np.float32) for shape in shapes])
    return model


def test_double_precision_is_that_of_keras_itself() -> None:
    image = np.random.default_rng(1).random((4, 8, 8, 3)).astype(np.float32)
    expected = np.asarray(build("float64")(image.astype(np.float64)))
    model = build("float32")
    (found,) = outputs_in_double(lambda tensor: model(tensor, training=False), [image])
    assert found.dtype == np.float64
    assert np.abs(found - expected).max() < 1e-7 * np.abs(expected).max()  # 1e-3 itself is rounded to single


@pytest.mark.parametrize(("factor", "is_alike"), [(1.0, True), (1.00005, False)])
def test_rounding_is_told_from_another_function(factor: float, is_alike: bool) -> None:
    import tf_keras
    from tf_keras import layers as of

    inputs = of.Input((4, 4, 3))
    thirds = of.Rescaling(1 / 3)(inputs)
    source = tf_keras.Model(inputs, of.Rescaling(1.0, -1024.0)(of.Rescaling(1.0, 1024.0)(thirds)))
    found = difference_of(source, tf_keras.Model(inputs, of.Rescaling(factor)(thirds)))
    assert found.single > 1e-5 and found.double is not None
    if is_alike:
        require_alike("model.keras", found)
    else:
        with pytest.raises(ParityError, match="in double precision"):
            require_alike("model.keras", found)
