"""Tables of functions in intervals."""

from __future__ import annotations

import math

import numpy as np

from edgetool.embed.arithmetic.interpolation import fitted_table, interpolation_table, sigmoid_table, wide_tables


def test_what_lies_between_two_values_is_near_the_function() -> None:
    table = interpolation_table(math.exp, -10.0, 0.0).astype(np.float64) / 32768
    positions = np.linspace(-10.0, 0.0, 2049)
    found = np.interp(positions, np.linspace(-10.0, 0.0, 513), table)
    np.testing.assert_allclose(found, np.exp(positions), atol=6e-5)


def test_a_softmax_has_exponentials_and_reciprocals() -> None:
    tables = wide_tables()
    assert {name: table.shape for name, table in tables.items()} == {"exponentials": (513,), "reciprocals": (513,)}
    assert tables["exponentials"][-1] == 32767 and tables["reciprocals"][-1] == 16384


def test_the_sigmoid_halves_what_lines_miss() -> None:
    table = sigmoid_table().astype(np.float64) / 65536 + 0.5
    assert table[0] == 0.5 and sigmoid_table()[-1] == 32767 and sigmoid_table()[4] == 35493 - 32768
    positions = np.linspace(0.0, 255.0, 5101)
    found = np.interp(positions, np.arange(256), table)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-positions / 24)), atol=1.5 / 65536 * 1.01)


def test_a_table_is_found_from_what_it_gives() -> None:
    table = np.cumsum(np.random.default_rng(0).integers(-300, 300, 513)).clip(-32768, 32767).astype(np.int16)
    ends = table.astype(np.int64)
    between = (np.diff(ends)[:, np.newaxis] * np.arange(128) + 64) >> 7
    values = (ends[:-1, np.newaxis] + between).reshape(-1).astype(np.int16)
    found = fitted_table(values)
    assert found is not None and np.array_equal(found, table)
    values[70] += 1
    assert fitted_table(values) is None
