from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from edgetool.data.dataset import Split
from edgetool.exporters.onnx.quantize.choice import nearest_to

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 2] x) => (float[N, 2] a, float[N, 2] b)
<float one = {FACTOR}, float bias = {BIAS}> { a = Mul (x, one) b = Add (x, bias) }
"""


def _model(factor: str = "1.0", bias: str = "100.0") -> Any:
    return onnx.parser.parse_model(TEXT.replace("FACTOR", factor).replace("BIAS", bias))


SAMPLES = Split("train", (np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32),))


def test_the_least_noise_is_taken_whatever_the_order() -> None:
    near, far = _model(factor="1.01"), _model(factor="0.8")
    assert nearest_to(_model(), [near, far], SAMPLES, ["x"]) is near
    assert nearest_to(_model(), [far, near], SAMPLES, ["x"]) is near


def test_each_output_counts_by_its_own_power() -> None:
    """An error of 1 is much in the output of power 1, and nothing in the one of power 10,000."""
    small_wrong, large_wrong = _model(factor="2.0"), _model(bias="101.0")
    assert nearest_to(_model(), [small_wrong, large_wrong], SAMPLES, ["x"]) is large_wrong


def test_the_first_of_equals_is_taken() -> None:
    first, second = _model(factor="1.1"), _model(factor="1.1")
    assert nearest_to(_model(), [first, second], SAMPLES, ["x"]) is first


@pytest.mark.parametrize("factor", ["nan", "broken"])
def test_candidates_that_cannot_be_compared_come_last(factor: str) -> None:
    bad, good = _model(factor="1.0"), _model(factor="0.5")
    if factor == "nan":
        bad.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.array(np.nan, np.float32), "one"))
    else:
        bad.graph.node[0].op_type = "NoSuchOperator"
    assert nearest_to(_model(), [bad, good], SAMPLES, ["x"]) is good
