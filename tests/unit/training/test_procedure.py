"""Ways of training, by name."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.training.procedure import PROCEDURES, load_procedure
from edgetool.zoo import TrainingRecipe


def test_every_procedure_may_be_named_by_a_card() -> None:
    assert set(PROCEDURES) <= set(get_args(get_type_hints(TrainingRecipe)["procedure"]))


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="did you mean 'fit'"):
        load_procedure("fits")


def test_a_known_one_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROCEDURES, "fit", "edgetool.training.record:history_csv")
    from edgetool.training.record import history_csv

    assert load_procedure("fit") is history_csv
