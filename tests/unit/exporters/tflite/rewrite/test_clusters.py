from __future__ import annotations

import numpy as np
import pytest

from edgetool.exporters.tflite.file import constant
from edgetool.exporters.tflite.rewrite.clusters import keep_clusters
from edgetool.invariants import NumClusters


@pytest.fixture
def folded(int8_model, pruned):
    """A clustered kernel, and a model whose file holds it folded with a factor for each channel on one int8 grid."""
    rng = np.random.default_rng(0)
    kernel = rng.choice(np.linspace(-0.9, 0.8, 8), (3, 3, 8, 16))
    kernel[0, 0, 0, 0] = 0.95
    kernel = rng.choice(np.unique(kernel)[:8], kernel.shape)

    def build(factor):
        real = np.moveaxis(kernel, -1, 0) * factor[:, None, None, None]
        scale = np.max(np.abs(real)) / 127
        model = int8_model(np.round(real / scale).astype(np.int8), pruned((30, 256), 0.0))
        model.subgraphs[0].tensors[1].quantization.scale = np.full(16, scale, np.float32)
        return model, real

    return kernel, build


def _real(model):
    tensor = model.subgraphs[0].tensors[1]
    return constant(model, tensor) * tensor.quantization.scale[:, None, None, None]


def test_folded_kernel_returns_to_its_clusters(folded):
    kernel, build = folded
    model, real = build(np.linspace(0.5, 2.0, 16))
    assert np.unique(constant(model, model.subgraphs[0].tensors[1])).size > 60
    before = constant(model, model.subgraphs[0].tensors[2]) * model.subgraphs[0].tensors[2].quantization.scale
    invariant = NumClusters("c1", 8, kernel.shape)
    assert keep_clusters(model, {"c1": 1}, {"c1": kernel}, (invariant,)) == (1, ())
    assert np.unique(constant(model, model.subgraphs[0].tensors[1])).size <= 8
    assert np.max(np.abs(_real(model) - real)) < 0.02  # two steps of the coarsest channel
    bias = model.subgraphs[0].tensors[2]
    assert np.allclose(constant(model, bias) * bias.quantization.scale, before, atol=4e-4)
    kernel_scale = model.subgraphs[0].tensors[1].quantization.scale
    assert np.allclose(bias.quantization.scale, 0.05 * kernel_scale, rtol=1e-6)


def test_negative_factors_are_reported(folded):
    kernel, build = folded
    model, real = build(np.linspace(-1.0, 2.0, 16))
    kept, notes = keep_clusters(model, {"c1": 1}, {"c1": kernel}, (NumClusters("c1", 8, kernel.shape),))
    assert kept == 1
    assert "negative" in notes[0]
    assert np.max(np.abs(_real(model) - real)) < 0.02


def test_another_kernel_is_refused_and_left_alone(folded):
    kernel, build = folded
    model, _ = build(np.linspace(0.5, 2.0, 16))
    before = np.array(constant(model, model.subgraphs[0].tensors[1]))
    other = np.random.default_rng(9).choice(np.unique(kernel), kernel.shape)
    kept, notes = keep_clusters(model, {"c1": 1}, {"c1": other}, (NumClusters("c1", 8, kernel.shape),))
    assert kept == 0
    assert notes[0].startswith("c1: ")
    assert np.array_equal(constant(model, model.subgraphs[0].tensors[1]), before)


def test_kernel_within_its_number_is_left_alone(folded):
    kernel, build = folded
    model, _ = build(np.ones(16))
    before = model.subgraphs[0].tensors[1].buffer
    assert keep_clusters(model, {"c1": 1}, {"c1": kernel}, (NumClusters("c1", 8, kernel.shape),)) == (
        0,
        (),
    )
    assert model.subgraphs[0].tensors[1].buffer == before
