"""Preprocessing: the formula, for every split, without touching the input."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.data.preprocess import Preprocessing, apply, apply_split


def test_the_formula_per_channel() -> None:
    raw = np.array([[[[0, 255, 51]]]], np.uint8)
    plan = Preprocessing(scale=1 / 255, mean=(0.5, 0.0, 0.2), std=(0.5, 2.0, 1.0))
    out = apply_split(Split("test", (raw,)), plan).inputs[0]
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.ravel(), [-1.0, 0.5, 0.0], atol=1e-7)
    assert raw.dtype == np.uint8 and raw.ravel().tolist() == [0, 255, 51]


def test_nothing_to_do_is_a_cast() -> None:
    raw = np.array([[1, 2]], np.int8)
    out = apply_split(Split("test", (raw,)), Preprocessing()).inputs[0]
    assert out.dtype == np.float32 and out.tolist() == [[1.0, 2.0]]
    same = apply_split(Split("test", (raw,)), Preprocessing(dtype="int8")).inputs[0]
    assert same is raw


def test_every_split_and_no_label() -> None:
    split = Split("train", (np.ones((2, 2)),), np.array([3, 4]))
    done = apply(Dataset("d", split, None, split), Preprocessing(scale=2.0))
    assert done.train is not None and done.test is not None and done.val is None
    assert done.train.inputs[0].max() == 2.0 and done.test.inputs[0].max() == 2.0
    np.testing.assert_array_equal(done.train.labels, [3, 4])


def test_the_formula_in_words() -> None:
    assert Preprocessing().describe() == "x as float32"
    assert Preprocessing(0.5, (1.0, 2.0), (4.0,)).describe() == "x * 0.5 - 1, 2 / 4 as float32"


def test_codes_beside_measured_values_keep_their_type_and_size() -> None:
    codes, values = np.array([[3], [19]], np.int64), np.array([[1.0], [2.0]])
    plan = Preprocessing(scale=0.5, mean=(1.0,), dtype="float16")
    out = apply_split(Split("val", (codes, values)), plan, ("int32", "float32")).inputs
    assert out[0].dtype == np.int32 and out[0].ravel().tolist() == [3, 19]
    assert out[1].dtype == np.float16 and out[1].ravel().tolist() == [-0.5, 0.0]


def test_inputs_that_are_all_integers_are_scaled_as_asked_and_keep_their_type() -> None:
    pixels = np.array([[10, 20]], np.uint8)
    out = apply_split(Split("val", (pixels,)), Preprocessing(scale=2.0), ("int32",)).inputs[0]
    assert out.dtype == np.int32 and out.tolist() == [[20, 40]]
    ids = apply(Dataset("d", None, None, Split("test", (pixels,))), Preprocessing(), ("int32",))
    assert ids.test is not None and ids.test.inputs[0].dtype == np.int32
