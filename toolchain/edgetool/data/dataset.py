"""The data contract: splits of samples, as every stage sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgetool.data.chunks import Array, take_rows

__all__ = ["DATA_FILES", "SPLIT_SEED", "Array", "Dataset", "Split"]

#: Of every split that edgetool itself makes. It never follows --seed: a model trained with one seed and compressed
#: with another must find the same samples kept apart.
SPLIT_SEED = 0

#: Names that `Dataset.files` may have: run folders know them as their own.
DATA_FILES = ("tokenizer.json",)


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a data set.

    Attributes:
        name: `train`, `val` or `test`.
        inputs: one array per model input, each `[N, ...]`, in the model's input order; large ones may be read-only,
            over a file.
        labels: The labels of the model's first output: `[N]` integer classes, `[N, ...]` regression targets, or None.
        heads: labels of further outputs, by name or number as the source has them; by number once the model is known.
    """

    name: str
    inputs: tuple[Array, ...]
    labels: Array | None = None
    heads: dict[str, Array] = field(default_factory=dict)

    @property
    def num_samples(self) -> int:
        """How many samples the split has."""
        return int(self.inputs[0].shape[0])

    def take(self, num_samples: int, *, seed: int | None = None) -> Split:
        """Return at most `num_samples` samples: the first ones, or a seeded random choice (in file order)."""
        if num_samples >= self.num_samples:
            return self
        if seed is None:
            chosen = np.arange(num_samples)
        else:
            chosen = np.sort(np.random.default_rng(seed).choice(self.num_samples, num_samples, replace=False))
        return self.select(chosen)

    def select(self, chosen: Array) -> Split:
        """Return the samples that a mask or a list of indices chooses."""
        labels = None if self.labels is None else take_rows(self.labels, chosen)
        heads = {name: take_rows(array, chosen) for name, array in self.heads.items()}
        return Split(self.name, tuple(take_rows(x, chosen) for x in self.inputs), labels, heads)

    def batches(self, batch_size: int) -> Iterator[tuple[tuple[Array, ...], Array | None]]:
        """Yield `(inputs, labels)` in order, `batch_size` samples at a time; the last one may be shorter."""
        for start in range(0, self.num_samples, batch_size):
            part = slice(start, start + batch_size)
            yield tuple(x[part] for x in self.inputs), None if self.labels is None else self.labels[part]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Train, validation and test splits; raw as loaded, or preprocessed (`data.preprocess.apply`).

    Attributes:
        name: what reports call it.
        train: None where the source has none (then only post-training work is possible).
        val: the source's own, or carved from train; never part of test.
        test: touched once, at the end.
        class_names: The names of the classes in label order; empty if there are no classes.
        source: where it came from (file, owner and name, licence), for reports.
        digest: SHA-256 of the files it was read from.
        facts: what loading and cleaning did, for reports: counts, rules.
        val_is_carved: the validation split was taken from the training split.
        files: name (of `DATA_FILES`) -> text of a file that an application needs beside the model.
    """

    name: str
    train: Split | None
    val: Split | None
    test: Split | None
    class_names: tuple[str, ...] = ()
    source: str = ""
    digest: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    val_is_carved: bool = False
    files: dict[str, str] = field(default_factory=dict)
