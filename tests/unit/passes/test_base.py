"""What the base class checks before and after every pass."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import InvariantError, PassError, RecipeError
from edgetool.invariants import Nonzero, Sparsity
from edgetool.passes.base import (
    Context,
    ModelState,
    Pass,
    PassResult,
    QuantizationScheme,
    TrainingSettings,
    check_invariants,
    layer_kernels,
)
from edgetool.passes.frozen import FloatGraph, FrozenModel
from edgetool.passes.quantize import QuantizeStatic


class Variable:
    def __init__(self, values: Any, name: str = "") -> None:
        self.values, self.name = np.asarray(values, np.float32), name
        self.shape = self.values.shape

    def numpy(self) -> Any:
        return self.values


@dataclass
class Layer:
    name: str
    kernel: Any


@dataclass
class Model:
    layers: list[Layer]
    inputs: tuple[Variable, ...] = (Variable(np.zeros((1, 4))),)
    outputs: tuple[Variable, ...] = (Variable(np.zeros((1, 2))),)


@dataclass(frozen=True)
class Params:
    share: float = 0.5


class Zero(Pass):
    """Sets a kernel and claims a sparsity."""

    name = "zero"
    Params = Params
    requires = frozenset({"float_weights", "train_data"})
    kernel: Any = ((0, 0), (0, 1))

    def apply(self, state: ModelState, context: Context) -> PassResult:
        model = dataclasses.replace(state.model, layers=[Layer("dense", Variable(self.kernel))])
        found = Sparsity("dense", self.params.share, (2, 2))
        return PassResult(dataclasses.replace(state, model=model, invariants=(found,)), modified=True, facts={})


def context(*, trains: bool = True) -> Context:
    train = Split("train", (np.zeros((4, 4), np.float32),), np.zeros(4, np.int64))
    data = Dataset("d", train if trains else None, None, None)
    return Context(data, TrainingSettings(), 0, Path(), lambda what, done, total: None)


STATE = ModelState(Model([Layer("dense", Variable(np.ones((2, 2))))]))


def test_a_pass_that_keeps_its_word() -> None:
    result = Zero({"share": 0.75}).run(STATE, context())
    assert result.modified and result.state.invariants == (Sparsity("dense", 0.75, (2, 2)),)
    assert result.seconds >= 0.0


def test_a_pass_that_does_not_is_caught_with_the_layer() -> None:
    work = Zero({"share": 0.75})
    work.kernel = np.ones((2, 2))
    with pytest.raises(InvariantError) as caught:
        work.run(STATE, context())
    assert caught.value.subject == "dense" and "0.0% zeros after 'zero'" in caught.value.found


def test_requirements_are_checked_first() -> None:
    with pytest.raises(PassError, match="no training split"):
        Zero().run(STATE, context(trains=False))
    quantised = dataclasses.replace(STATE, quantization=QuantizationScheme.of(mode="static"))
    with pytest.raises(PassError, match="already quantised"):
        Zero().run(quantised, context())


def test_a_finished_graph_is_quantised_but_not_trained() -> None:
    frozen = FrozenModel("net", "an ONNX file", (), (), (FloatGraph("onnx", bytes),), "give the Keras model")
    work = Zero()
    work.requires = frozenset({"layers"})  # type: ignore[misc]
    with pytest.raises(PassError, match="an ONNX file, whose layers cannot be") as caught:
        work.run(ModelState(frozen), context())
    assert "give the Keras model" in caught.value.next_step and "w8a8_static" in caught.value.next_step
    quantised = QuantizeStatic().run(ModelState(frozen), context())
    assert quantised.state.quantization.mode == "static"


def test_unknown_parameters_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match="share"):
        Zero({"shar": 0.5})


def test_a_layer_that_was_lost_breaks_its_invariant() -> None:
    lost = ModelState(Model([]), invariants=(Nonzero("dense", (2, 2)),))
    with pytest.raises(InvariantError, match="no such layer"):
        check_invariants(lost, step="fold")


def test_layer_kernels_by_name() -> None:
    kernels = layer_kernels(STATE.model)
    assert list(kernels) == ["dense"] and kernels["dense"].shape == (2, 2)
