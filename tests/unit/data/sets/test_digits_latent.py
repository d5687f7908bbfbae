"""Latent vectors that never change, and the images that a generator is to imitate."""

from __future__ import annotations

import numpy as np

from edgetool.data.load import load_dataset
from edgetool.data.sets.digits_latent import load, real_digits


def test_latent_vectors_are_standard_normal_and_always_the_same() -> None:
    found = load()
    assert found.train is not None and found.val is not None and found.test is not None
    for split in (found.train, found.val, found.test):
        x = split.inputs[0]
        assert x.shape[1] == 32 and x.dtype == np.float32 and split.labels is None
        assert abs(float(x.mean())) < 0.02 and abs(float(x.std()) - 1.0) < 0.02
    assert not np.array_equal(found.train.inputs[0][:1000], found.val.inputs[0])
    assert load().digest == found.digest


def test_latent_data_load_without_labels_and_nothing_is_carved() -> None:
    found = load_dataset("digits-latent")
    assert found.train is not None and found.train.num_samples == 2_048
    assert "standard normal" in found.facts["collect"]


def test_images_split_as_the_digits_do() -> None:
    small, large = load_dataset("digits-16"), load_dataset("digits")
    assert small.test is not None and large.test is not None and small.train is not None
    np.testing.assert_array_equal(small.test.labels, large.test.labels)
    assert small.test.inputs[0].shape == (450, 16, 16, 1) and small.test.inputs[0].dtype == np.uint8
    means = [split.inputs[0].mean(axis=(1, 2, 3)) for split in (small.test, large.test)]
    np.testing.assert_allclose(means[0], means[1], atol=3.0)


def test_real_digits_are_the_bundled_ones() -> None:
    images, labels = real_digits()
    assert images.shape == (1797, 8, 8) and images.max() == 16.0 and sorted(set(labels)) == list(range(10))
