"""Models are compared relative to their largest output, and in double precision where rounding is in doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.errors import ParityError, UnsupportedModelError
from edgetool.importers import alike
from edgetool.importers.alike import Difference, difference_of, require_alike


class Type:
    def __init__(self, name: str) -> None:
        self.as_numpy_dtype = np.dtype(name).type
        self.is_integer, self.is_bool = np.dtype(name).kind in "iu", name == "bool"


class Tensor:
    def __init__(self, *shape: int | None, dtype: str = "float32") -> None:
        self.shape, self.dtype = shape, Type(dtype)


class Model:
    """Scales its input."""

    def __init__(self, *inputs: Tensor, factor: float = 1.0) -> None:
        self.inputs, self.factor = list(inputs), factor

    def __call__(self, given: Any, training: bool) -> Any:
        assert training is False
        return given * self.factor


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_outputs_are_compared_relative_to_the_largest(dtype: str) -> None:
    inputs = Tensor(None, 5, dtype=dtype)
    assert difference_of(Model(inputs), Model(inputs)) == Difference(0.0)
    found = difference_of(Model(inputs, factor=100.0), Model(inputs, factor=102.0))
    assert found.single == pytest.approx(0.02, rel=1e-3) and found.double is None
    assert not difference_of(Model(inputs), Model(inputs, factor=float("nan"))).decisive <= 1.0


@pytest.mark.parametrize(
    ("in_double", "expected"),
    [
        ((1.0, 1.0), 0.0),  # rounding alone
        ((1.0, 1.0001), 1e-4),  # another function
        ((3.0, 3.0), None),  # double precision computed something else
    ],
)
def test_double_precision_decides_where_single_leaves_a_doubt(
    in_double: tuple[float, float], expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    factors = iter(in_double)
    monkeypatch.setattr(alike, "outputs_in_double", lambda _, inputs: [inputs[0].astype(np.float64) * next(factors)])
    found = difference_of(Model(Tensor(None, 5)), Model(Tensor(None, 5), factor=1.0001))
    assert found.single == pytest.approx(1e-4, rel=1e-2)
    assert found.double == (expected if expected is None else pytest.approx(expected, rel=1e-3))
    if expected == 0.0:
        require_alike("m.keras", found)
    else:
        with pytest.raises(ParityError, match=r"differ by 1.0e-04"):
            require_alike("m.keras", found)


def test_single_precision_decides_where_there_is_no_double(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("no kernel")

    monkeypatch.setattr(alike, "outputs_in_double", refuse)
    assert difference_of(Model(Tensor(None, 5)), Model(Tensor(None, 5), factor=1.0001)).double is None


def test_a_source_that_keras_cannot_run_is_refused() -> None:
    class Source:
        name = "dilated"

        def __call__(self, inputs: object, training: bool) -> object:
            raise ValueError("no such kernel on a CPU")

    with pytest.raises(UnsupportedModelError, match=r"dilated: .*no such kernel"):
        difference_of(Source(), Model(Tensor(None, 5)))
