"""`cifar10-animals-96`: CIFAR-10's animals against its vehicles, enlarged to 96x96.

The number of classes and the shape are those of MLPerf Tiny's visual wake words, the images are not: enlarging adds no
detail, and a figure on these data says nothing about people in photographs.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.cifar import CLASS_NAMES, load_cifar10
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.stages import count_duplicates

__all__ = ["SIZE", "load"]

SIZE = 96

#: Class numbers of CIFAR-10 that are animals: bird, cat, deer, dog, frog, horse.
ANIMALS = (2, 3, 4, 5, 6, 7)

#: Of the whole CIFAR-10 only so many are taken: at this size 60,000 images are 1.7 GB, and 6.6 GB as float32.
MAX_TRAIN, MAX_TEST = 8_068, 2_000


def load() -> Dataset:
    """Load the images as uint8 `[N, 96, 96, 3]`, 0..255; label 1 is an animal (six of ten images), 0 a vehicle.

    Raises:
        NetworkError: CIFAR-10 is not cached and cannot be downloaded.
        DataError: the file holds something else.
    """
    cifar = load_cifar10()
    assert cifar.train is not None and cifar.test is not None
    chosen = (cifar.train.take(MAX_TRAIN, seed=SPLIT_SEED), cifar.test.take(MAX_TEST, seed=SPLIT_SEED))
    duplicates = count_duplicates(chosen)
    train, test = (_enlarged(split) for split in chosen)
    counts = ", ".join(
        f"{part.num_samples:,} of {whole.num_samples:,} {part.name} images"
        for part, whole in zip(chosen, (cifar.train, cifar.test), strict=True)
    )
    animals = ", ".join(CLASS_NAMES[number] for number in ANIMALS)
    return Dataset(
        name="cifar10-animals-96",
        train=train,
        val=None,
        test=test,
        class_names=("vehicle", "animal"),
        source=f"{cifar.source}; enlarged from 32x32",
        digest=cifar.digest,
        facts={
            "clean": f"{duplicates} duplicates, which were kept; {counts} taken (seed {SPLIT_SEED})",
            "convert": f"enlarged bilinearly to {SIZE}x{SIZE}; {animals} became class 1, the others class 0",
        },
    )


def _enlarged(split: Split) -> Split:
    from PIL import Image

    def one(image: Array) -> Array:
        return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR))

    assert split.labels is not None
    images = np.stack([one(image) for image in split.inputs[0]])
    return dataclasses.replace(split, inputs=(images,), labels=np.isin(split.labels, ANIMALS).astype(np.int64))
