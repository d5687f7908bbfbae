"""Polynomials of special functions, against the mathematics of the standard library."""

from __future__ import annotations

import math
import statistics

import numpy as np

from edgetool.exporters import written_out as module


def test_the_error_function_is_exact_to_single_precision() -> None:
    x = np.linspace(-module._ERF_LIMIT, module._ERF_LIMIT, 4001)
    quotient = module._polynomial(module._ERF_NUMERATOR, x**2) / module._polynomial(module._ERF_DENOMINATOR, x**2)
    expected = np.array([math.erf(value) for value in x])
    assert np.abs(x * quotient - expected).max() < 3e-7


def test_its_inverse_is_exact_to_single_precision() -> None:
    x = np.linspace(-0.99999, 0.99999, 4001)
    w = -np.log(1.0 - x**2)
    middle = module._polynomial(module._INVERSE_MIDDLE, w - 2.5)
    tail = module._polynomial(module._INVERSE_TAIL, np.sqrt(np.maximum(w, 5.0)) - 3.0)
    found = np.where(w < 5.0, middle, tail) * x
    normal = statistics.NormalDist()
    expected = np.array([normal.inv_cdf((value + 1.0) / 2.0) / math.sqrt(2.0) for value in x])
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_the_bessel_function_is_exact_to_single_precision() -> None:
    x = np.linspace(0.0, 12.0, 4001)
    near = module._polynomial(module._BESSEL_NEAR, (np.minimum(x, 3.75) / 3.75) ** 2)
    far = np.maximum(x, 3.75)
    scaled = module._polynomial(module._BESSEL_FAR, 3.75 / far) * np.exp(far) / np.sqrt(far)
    assert np.allclose(np.where(x < 3.75, near, scaled), np.i0(x), rtol=5e-7)


def test_advice_does_not_lead_from_one_format_to_the_other() -> None:
    assert module.next_step_without(["Erf"], "export to ONNX only") == "export to ONNX only"
    assert "outside the model" in module.next_step_without(["Erf", "Cholesky"], "export to ONNX only")
