"""Codes give back the weights that they stand for, and take what they should."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.backends.packing.codes import MAX_BITS, Codes, decode, encode_palette, encode_planes, encode_sparse


def parts_of(random: np.random.Generator, values: Array, zeros: float, sizes: tuple[int, ...]) -> list[Array]:
    return [(random.choice(values, size) * (random.random(size) >= zeros)).astype(np.int8) for size in sizes]


@pytest.mark.parametrize("num_values", [1, 2, 3, 5, 16, 17, 32, 33, 64])
@pytest.mark.parametrize("sizes", [(64,), (1,), (9, 9, 9), (40, 7, 1000)])
def test_palettes_come_back(num_values: int, sizes: tuple[int, ...]) -> None:
    values = np.linspace(-128, 127, num_values).round().astype(np.int8)
    parts = [values, *parts_of(np.random.default_rng(0), values, 0.0, sizes)]
    codes = encode_palette(parts)
    assert codes is not None and codes.form == "palette" and codes.fields["num_values"] == num_values
    for found, part in zip(decode(codes, [len(part) for part in parts]), parts, strict=True):
        np.testing.assert_array_equal(found, part)


def test_an_index_takes_as_few_bits_as_there_are_values() -> None:
    values = np.arange(16, dtype=np.int8)
    codes = encode_palette([np.tile(values, 100)])
    assert codes is not None and codes.fields["bits"] == 4
    assert 800 <= codes.num_bytes <= 800 + 16 + 16, "half a byte each, the palette, a margin"
    assert list(codes.codes[:8]) == [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE], "the first index is lowest"
    many = np.arange((1 << MAX_BITS) + 1, dtype=np.int8)
    assert encode_palette([many]) is None and encode_palette([many[1:]]) is not None


@pytest.mark.parametrize(("num_values", "bits"), [(16, 4), (17, 5), (64, 6)])
def test_planes_hold_four_bits_of_each_index_and_then_the_others(num_values: int, bits: int) -> None:
    values = np.arange(num_values, dtype=np.int8) - 20
    rows = np.random.default_rng(4).permutation(np.tile(values, 128 * 3)[: 96 * 3]).reshape(3, 96)
    codes = encode_planes(rows)
    assert codes is not None and codes.fields["bits"] == bits and codes.codes.size == rows.size * bits // 8
    for block, found in zip(rows.reshape(-1, 32), codes.codes.reshape(-1, 4 * bits), strict=True):
        low = np.stack([found[:16] & 15, found[:16] >> 4], axis=1).reshape(-1).astype(int)
        for bit, plane in enumerate(found[16:].reshape(-1, 4), start=4):
            halves = np.unpackbits(plane, bitorder="little").reshape(2, 16)
            low += halves.T.reshape(-1).astype(int) << bit
        np.testing.assert_array_equal(values[low], block)
    assert encode_planes(np.zeros((1, 32), np.int8)) is None


@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.8, 0.95, 0.999, 1.0])
@pytest.mark.parametrize("num_values", [2, 31, 255])
def test_sparse_weights_come_back(zeros: float, num_values: int) -> None:
    values = np.linspace(-128, 127, num_values).round().astype(np.int8)
    parts = parts_of(np.random.default_rng(1), values, zeros, (5000, 1, 700, 0, 3001))
    codes = encode_sparse(parts)
    spans = codes.fields["spans"]
    assert isinstance(spans, np.ndarray) and codes.form == "sparse" and spans.astype(int).sum() <= 256
    for found, part in zip(decode(codes, [len(part) for part in parts]), parts, strict=True):
        np.testing.assert_array_equal(found, part)


def test_a_weight_among_four_zeros_takes_a_byte_and_a_fifth_and_less_where_some_values_are_frequent() -> None:
    values = np.array([v for v in range(-124, 128, 8) if v], np.int8)
    (part,) = parts_of(np.random.default_rng(2), values, 0.8, (100_000,))
    assert encode_sparse([part]).codes.size < 1.2 * np.count_nonzero(part)
    (part,) = parts_of(np.random.default_rng(2), np.repeat(values, np.arange(len(values)) ** 2), 0.8, (100_000,))
    assert encode_sparse([part]).codes.size < 1.1 * np.count_nonzero(part)


def test_frequent_values_get_more_codes() -> None:
    random = np.random.default_rng(3)
    part = parts_of(random, np.array([1], np.int8), 0.9, (20_000,))[0]
    part[random.choice(20_000, 100, replace=False)] = np.arange(2, 102)
    spans = encode_sparse([part]).fields["spans"]
    assert isinstance(spans, np.ndarray)
    _, frequent, *rare = spans.tolist()
    assert frequent > 4 * np.mean(rare)


def test_what_tables_take_is_counted() -> None:
    codes = encode_sparse([np.array([0, 0, 3], np.int8)])
    assert codes.num_bytes == codes.codes.nbytes + 2 + 2 + 4  # two values, their spans, one count
    assert isinstance(codes, Codes) and codes.codes.size == 1
