"""Inputs that two models are compared on: samples of a data set, or seeded noise within a sensible range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.layout import channels_first, move_split
from edgetool.data.preprocess import Preprocessing, apply_split
from edgetool.errors import DataError, ParityError
from edgetool.ir.input_shapes import open_shape_hint

__all__ = [
    "InputFacts",
    "InputLoader",
    "VerifyInputs",
    "data_inputs",
    "in_model_layout",
    "random_inputs",
    "value_dtypes",
]


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One input of a model.

    Attributes:
        shape: -1 for open dimensions; the first is the batch.
        low: smallest real value that the model can take, where its file says so.
        high: the largest.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class VerifyInputs:
    """The samples and where they came from.

    Attributes:
        split: inputs in the model's order, and labels where there are any.
        description: for people.
        is_noise: they are random.
    """

    split: Split
    description: str
    is_noise: bool


#: Gives the inputs, from the type of what each input of the model stands for; see `value_dtypes`.
InputLoader = Callable[[Sequence[str]], VerifyInputs]


def data_inputs(
    spec: str, num_samples: int, preprocessing: Preprocessing, *, seed: int, dtypes: Sequence[str] = ()
) -> VerifyInputs:
    """Take at most `num_samples` preprocessed samples of the validation split, or of train; never of test.

    Args:
        spec: see `load_dataset`.
        num_samples: at most.
        preprocessing: of the inputs that are floating-point.
        seed: of the choice.
        dtypes: see `value_dtypes`; empty: all inputs are floating-point.

    Raises:
        EdgetoolError: the data cannot be loaded.
        DataError: it has only a test split.
    """
    from edgetool.data.load import load_dataset

    dataset = load_dataset(spec)
    split = dataset.val or dataset.train
    if split is None:
        raise DataError(
            dataset.name,
            found="only a test split, which is kept for the final evaluation",
            expected="a validation or a training split",
            next_step="add x_val or x_train to the data, or leave --data out to compare on random inputs",
        )
    chosen = apply_split(split.take(num_samples, seed=seed), preprocessing, dtypes)
    words = f"{chosen.num_samples} samples of {dataset.name}, {split.name} split, {preprocessing.describe()}"
    return VerifyInputs(chosen, words, is_noise=False)


def value_dtypes(inputs: Sequence[InputFacts]) -> list[str]:
    """Return the type of what each input stands for: quantised real values are float32, codes are what they are."""
    return [facts.dtype if _is_index(facts) else "float32" for facts in inputs]


def in_model_layout(inputs: VerifyInputs, wanted: Sequence[InputFacts]) -> VerifyInputs:
    """Move channels behind the batch where the data fit the model only so; see `edgetool.data.layout`."""
    split = inputs.split
    turned = channels_first(Dataset("inputs", None, None, split), [facts.shape for facts in wanted])
    if not turned:
        return inputs
    words = f"{inputs.description}; channels moved behind the batch"
    return VerifyInputs(move_split(split, turned), words, inputs.is_noise)


def random_inputs(
    first: Sequence[InputFacts], second: Sequence[InputFacts], num_samples: int, *, seed: int
) -> VerifyInputs:
    """Make seeded noise that both models can take.

    Real inputs: normal; where either file knows the range of its quantised input, clipped to it, with an eighth of its
    width as standard deviation, about 0 or the end of the range next to it (uniform noise over the whole range drives
    calibrated activations into saturation: an honest int8 keyword model kept 27 % of its answers); else N(0, 1).
    Integer inputs: uniform, over the rows of the table that they look up, else over 0 and 1.

    Raises:
        ParityError: the models take another number or rank of inputs.
        DataError: a dimension that neither file states.
    """
    if len(first) != len(second):
        raise ParityError(
            "inputs",
            found=f"{len(first)} inputs of one model and {len(second)} of the other",
            expected="as many",
            next_step="these are not the same model",
        )
    random = np.random.default_rng(seed)
    arrays, words = [], []
    for a, b in zip(first, second, strict=True):
        array, what = _noise(a, b, num_samples, random)
        arrays.append(array)
        words.append(what)
    description = f"{num_samples} random samples, seed {seed}: {'; '.join(dict.fromkeys(words))}"
    return VerifyInputs(Split("random", tuple(arrays)), description, is_noise=True)


def _noise(a: InputFacts, b: InputFacts, num_samples: int, random: np.random.Generator) -> tuple[Array, str]:
    shape = (num_samples, *_merged(a, b)[1:])
    ranges = [(f.low, f.high) for f in (a, b) if f.low is not None and f.high is not None]
    low, high = ranges[0] if ranges else (None, None)
    if not _is_index(a) and not _is_index(b):
        if low is None or high is None:
            return random.normal(size=shape).astype(np.float32), "normal, mean 0, standard deviation 1"
        centre, spread = min(max(0.0, low), high), (high - low) / 8.0
        values = np.clip(random.normal(centre, spread, shape), low, high).astype(np.float32)
        return values, f"normal, mean {centre:g}, standard deviation {spread:g}, within {low:g}..{high:g}"
    index = a if _is_index(a) else b
    last = 1 if high is None else int(high)
    dtype = index.dtype if index.dtype in ("int32", "int64", "uint8", "int8", "uint32", "uint64", "bool") else "int64"
    return random.integers(0, last, shape, endpoint=True).astype(dtype), f"whole numbers 0..{last}"


def _is_index(facts: InputFacts) -> bool:
    """Tell inputs of whole numbers from those of quantised real ones."""
    return facts.dtype in ("int32", "int64", "uint32", "uint64", "bool") or (
        facts.dtype in ("int8", "uint8", "int16", "uint16") and facts.low is None
    )


def _merged(a: InputFacts, b: InputFacts) -> tuple[int, ...]:
    """Return the shape that fits both; an open dimension of one takes the other's size."""
    fits = len(a.shape) == len(b.shape) >= 1 and all(
        x == y or x < 0 or y < 0 for x, y in zip(a.shape[1:], b.shape[1:], strict=True)
    )
    if not fits:
        raise ParityError(
            f"input {b.name!r}",
            found=f"shape {list(b.shape)}",
            expected=f"{list(a.shape)}, as input {a.name!r} of the reference",
            next_step="these are not the same model, or one of them has another layout (NCHW, NHWC)",
        )
    merged = tuple(max(x, y) for x, y in zip(a.shape, b.shape, strict=True))
    if any(size < 0 for size in merged[1:]):
        raise DataError(
            f"input {a.name!r}",
            found=f"shape {list(merged)} with a dimension that neither file states",
            expected="sizes to make random inputs of",
            next_step=f"give sizes, for example {open_shape_hint([(a.name, merged)])}, or --data with samples",
        )
    if np.prod(merged[1:], dtype=np.float64) > 1e8:
        raise DataError(
            f"input {a.name!r}",
            found=f"shape {list(merged)}",
            expected="at most 1e8 values a sample",
            next_step="the file may be damaged; else give --data",
        )
    return merged
