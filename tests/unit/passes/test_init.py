"""The table of passes."""

from __future__ import annotations

import pytest

from edgetool.errors import RecipeError
from edgetool.passes import PASSES, load_pass
from edgetool.passes.base import Pass


@pytest.mark.parametrize("name", list(PASSES))
def test_every_pass_loads_and_knows_its_name(name: str) -> None:
    found = load_pass(name)
    assert issubclass(found, Pass) and found.name == name


def test_a_misspelt_pass_gets_the_nearest_name() -> None:
    with pytest.raises(RecipeError) as caught:
        load_pass("prunne")
    assert "'prune'" in caught.value.next_step
