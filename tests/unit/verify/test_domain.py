"""Inputs made up for a model are such as its first layers expect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.artifact import TensorSpec
from edgetool.verify.domain import generate_inputs, input_facts


def layer(kind: str, tensor: object, **attributes: Any) -> Any:
    node = SimpleNamespace(input_tensors=tensor)
    made = type(kind, (), {})()
    made.inbound_nodes = [node]
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def imported(tensor: object, reader: Any, dtype: str = "float32", source_format: str = "keras") -> Any:
    model = SimpleNamespace(inputs=[tensor], layers=[reader])
    return SimpleNamespace(model=model, inputs=(TensorSpec("x", (-1, 2), dtype),), source_format=source_format)


@pytest.mark.parametrize(
    ("scale", "offset", "expected"), [(1 / 255, 0.0, (0.0, 255.0)), (1 / 127.5, -1.0, (0.0, 255.0))]
)
def test_a_rescaling_tells_the_range_of_bytes(scale: float, offset: float, expected: tuple[float, float]) -> None:
    tensor = object()
    (facts,) = input_facts(imported(tensor, layer("Rescaling", tensor, scale=scale, offset=offset)))
    assert (facts.low, facts.high) == pytest.approx(expected)


def test_an_embedding_tells_its_rows() -> None:
    tensor = object()
    source = imported(tensor, layer("Embedding", tensor, input_dim=7), dtype="int32")
    found = generate_inputs(source, 100, seed=0).split.inputs[0]
    assert found.dtype == np.int32
    assert (found.min(), found.max()) == (0, 6)


def test_a_normalization_tells_mean_and_variance_of_each_column() -> None:
    tensor = object()
    source = imported(tensor, layer("Normalization", tensor, mean=[[0.05, 2000.0]], variance=[[0.0001, 90000.0]]))
    generated = generate_inputs(source, 4000, seed=0)
    found = generated.split.inputs[0]
    np.testing.assert_allclose(found.mean(axis=0), [0.05, 2000.0], rtol=0.05)
    np.testing.assert_allclose(found.std(axis=0), [0.01, 300.0], rtol=0.05)
    assert generated.is_noise
    assert "about the mean that x is normalised by" in generated.description


def test_layers_that_read_another_tensor_say_nothing() -> None:
    (facts,) = input_facts(imported(object(), layer("Rescaling", object(), scale=1 / 255, offset=0.0)))
    assert (facts.low, facts.high) == (None, None)


def test_what_a_file_states_comes_first() -> None:
    (facts,) = input_facts(imported(object(), layer("Dense", object())), {"x": (-1.0, 3.0)})
    assert (facts.low, facts.high) == (-1.0, 3.0)
