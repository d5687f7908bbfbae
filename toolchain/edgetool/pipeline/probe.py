"""The samples that files are compared with their source on: of the data, or generated in the model's domain."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from edgetool.data.dataset import Dataset, Split
from edgetool.importers.base import ImportedModel
from edgetool.verify.domain import generate_inputs
from edgetool.verify.gate import Probe
from edgetool.verify.source import describe_graph

__all__ = ["num_samples", "parity_split", "take_probe"]

#: Samples of a probe at most, and values that the inputs of all compared samples may have.
NUM_SAMPLES = 64
MAX_ELEMENTS = 32_000_000


def parity_split(dataset: Dataset, imported: ImportedModel, path: Path, at_most: int) -> tuple[Split, str]:
    """Return the samples that files are compared on, and where they came from in words.

    They are of the validation split, else of the training split, never of the test split; else they are generated.

    Args:
        dataset: preprocessed; it may be empty.
        imported: the source model.
        path: its file, where it has one.
        at_most: how many samples.

    Raises:
        DataError: there are no samples, and the model does not state the size of an input.
    """
    for split in (dataset.val, dataset.train):
        if split is not None:
            chosen = split.take(at_most, seed=0)
            words = f"{chosen.num_samples} samples of {dataset.name}, {split.name} split"
            return dataclasses.replace(chosen, labels=None), words
    stated = {}
    if imported.source_format in ("onnx", "tflite"):
        inputs = describe_graph(str(path))["inputs"]
        stated = {entry["name"]: (entry["low"], entry["high"]) for entry in inputs if entry["low"] is not None}
    generated = generate_inputs(imported, at_most, seed=0, stated=stated)
    return generated.split, generated.description


def take_probe(dataset: Dataset, imported: ImportedModel, path: Path) -> Probe:
    """Return the samples that exported files are compared with their source on; see `parity_split`."""
    split, words = parity_split(dataset, imported, path, num_samples(imported, NUM_SAMPLES))
    return Probe(split.inputs, imported.run, words, split.name)


def num_samples(imported: ImportedModel, at_most: int) -> int:
    """Return `at_most`, or fewer where the inputs alone would be large."""
    sample = sum(math.prod(max(1, size) for size in spec.shape[1:]) for spec in imported.inputs)
    return max(4, min(at_most, MAX_ELEMENTS // max(sample, 1)))
