"""Models between passes are kept as long as a later trial begins with the same passes."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from typing import Any

import pytest

from edgetool.passes.base import ModelState
from edgetool.pipeline.pass_states import PassState, PassStates
from edgetool.pipeline.setup import Setup
from edgetool.recipes.recipe import Recipe, find_recipe

SETUP = Setup("model.keras", "data.npz", "")
QAT, PRUNED_QAT, STATIC = (find_recipe(name) for name in ("w8a8_qat", "prune80_w8a8_qat", "prune80_w8a8_static"))


class Model:
    """Stands for a model of many megabytes."""


def state(recipe: Recipe, num_passes: int, model: Any = None) -> PassState:
    return PassState(SETUP, recipe.passes[:num_passes], ModelState(model), ())


def test_a_state_is_found_by_its_passes_and_their_parameters() -> None:
    states = PassStates()
    states.add(state(PRUNED_QAT, 1))
    assert states.find(SETUP, STATIC.passes[:1]) is not None
    assert states.find(SETUP, QAT.passes[:1]) is None
    other = dataclasses.replace(PRUNED_QAT.passes[0], params={"sparsity": 0.5})
    assert states.find(SETUP, (other,)) is None
    assert states.find(dataclasses.replace(SETUP, seed=1), PRUNED_QAT.passes[:1]) is None


@pytest.mark.parametrize(("later", "num_kept"), [((PRUNED_QAT, QAT), 2), ((STATIC, QAT), 1), ((QAT,), 0), ((), 0)])
def test_only_what_later_trials_begin_with_is_kept(later: tuple[Recipe, ...], num_kept: int) -> None:
    states = PassStates()
    for count in (1, 2):
        states.add(state(PRUNED_QAT, count))
    states.keep_for(SETUP, later)
    assert len(states) == num_kept


def test_models_are_let_go() -> None:
    states, model = PassStates(), Model()
    alive = weakref.ref(model)
    states.add(state(QAT, 1, model))
    del model
    gc.collect()
    assert alive() is not None
    states.keep_for(SETUP, (STATIC,))
    gc.collect()
    assert alive() is None


def test_another_model_or_seed_shares_nothing() -> None:
    states = PassStates()
    states.add(state(QAT, 1))
    states.keep_for(dataclasses.replace(SETUP, seed=1), (QAT,))
    assert len(states) == 0
