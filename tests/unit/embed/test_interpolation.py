"""Tables of functions in intervals."""

from __future__ import annotations

import math

import numpy as np

from edgetool.embed.interpolation import interpolation_table, wide_tables


def test_what_lies_between_two_values_is_near_the_function() -> None:
    table = interpolation_table(math.exp, -10.0, 0.0).astype(np.float64) / 32768
    positions = np.linspace(-10.0, 0.0, 2049)
    found = np.interp(positions, np.linspace(-10.0, 0.0, 513), table)
    np.testing.assert_allclose(found, np.exp(positions), atol=6e-5)


def test_a_softmax_has_exponentials_and_reciprocals() -> None:
    tables = wide_tables()
    assert {name: table.shape for name, table in tables.items()} == {"exponentials": (513,), "reciprocals": (513,)}
    assert tables["exponentials"][-1] == 32767 and tables["reciprocals"][-1] == 16384
