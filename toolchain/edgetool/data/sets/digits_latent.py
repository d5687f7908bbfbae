"""`digits-latent` and `digits-16`: what a generator of digits takes, and the images that it is to imitate."""

from __future__ import annotations

import hashlib

import numpy as np

from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.split import split_in_two

__all__ = ["IMAGE_SIZE", "LATENT_SIZE", "load", "load_images", "real_digits"]

LATENT_SIZE = 32
IMAGE_SIZE = 16

#: Split -> how many latent vectors, and the seed that they are drawn with.
SAMPLES = {"train": (2_048, 1), "val": (1_000, 2), "test": (2_000, 3)}

SOURCE = "scikit-learn's digits (UCI Optical Recognition of Handwritten Digits, CC BY 4.0)"


def load() -> Dataset:
    """Draw latent vectors, float32 `[N, 32]`, standard normal, without labels: a generator's output has no target."""
    splits = {
        name: Split(name, (np.random.default_rng(seed).standard_normal((count, LATENT_SIZE)).astype(np.float32),))
        for name, (count, seed) in SAMPLES.items()
    }
    sha = hashlib.sha256()
    for split in splits.values():
        sha.update(split.inputs[0].tobytes())
    seeds = ", ".join(f"{name} {seed}" for name, (_, seed) in SAMPLES.items())
    return Dataset(
        name="digits-latent",
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        class_names=tuple(str(digit) for digit in range(10)),
        source="drawn by NumPy's PCG64",
        digest=sha.hexdigest(),
        facts={
            "collect": f"drawn from a standard normal distribution, seeds: {seeds}",
            "clean": "nothing to clean",
            "convert": f"float32 [{LATENT_SIZE}]",
            "normalise": "standard normal as drawn",
        },
    )


def load_images() -> Dataset:
    """Load scikit-learn's digits as uint8 `[N, 16, 16, 1]`, 0..255; the test split is that of `digits`."""
    images, labels = real_digits()
    enlarged = np.stack([_enlarged(image) for image in np.rint(images * (255.0 / 16.0)).astype(np.uint8)])
    train, test = split_in_two(Split("all", (enlarged[..., None],), labels), fraction=0.25)
    return Dataset(
        name="digits-16",
        train=train,
        val=None,
        test=test,
        class_names=tuple(str(digit) for digit in range(10)),
        source=f"{SOURCE}, resized to {IMAGE_SIZE}x{IMAGE_SIZE}",
        digest=hashlib.sha256(enlarged.tobytes() + labels.tobytes()).hexdigest(),
        facts={
            "convert": f"8x8 pixels of 0..16 to uint8, enlarged bilinearly to {IMAGE_SIZE}x{IMAGE_SIZE}",
            "test split": f"a stratified quarter, seed {SPLIT_SEED}",
        },
    )


def real_digits() -> tuple[Array, Array]:
    """Return scikit-learn's digits: images `[1797, 8, 8]`, 0..16, and labels `[1797]`."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    return np.asarray(bundled.images), np.asarray(bundled.target.astype(np.int64))


def _enlarged(image: Array) -> Array:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))
