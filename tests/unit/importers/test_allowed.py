"""The lists of harmless names hold what models are made of, and nothing that reaches out of the process."""

from __future__ import annotations

import pytest

from edgetool.importers.allowed import (
    allowed_activations,
    allowed_classes,
    allowed_functions,
    allowed_of_kind,
    graph_operators,
    is_tensorflow_function,
    saving_operators,
)
from edgetool.importers.names import CODE_LAYERS, OPERATOR_LAYERS

#: Parts of names of what reaches files, networks, processes or Python.
REACHING = ("file", "read", "write", "load", "save", "download", "py_func", "pyfunc", "map_fn", "while", "print")

#: Names with such a part that only compute.
INNOCENT = {"While", "StatelessWhile", "ReadVariableOp", "DisableCopyOnRead"}


def test_lists_hold_what_models_are_made_of() -> None:
    assert {"Conv2D", "Functional", "LSTMCell", "GetItem", "GlorotUniform", "DTypePolicy"} <= allowed_classes()
    assert {"relu", "hard_silu"} <= allowed_activations() <= allowed_functions()
    assert "L2" in allowed_of_kind("regularizers") and "MaxNorm" in allowed_of_kind("constraints")
    assert "Conv2D" in graph_operators()


def test_nothing_that_holds_code_is_on_a_list() -> None:
    assert not (set(CODE_LAYERS) | OPERATOR_LAYERS) & allowed_classes()
    assert not saving_operators() & graph_operators()


def test_no_name_reaches_out_of_the_process() -> None:
    names = allowed_classes() | allowed_functions() | graph_operators()
    reaching = {name for name in names if any(part in name.lower() for part in REACHING)}
    assert reaching - INNOCENT == set()


@pytest.mark.parametrize(
    ("symbol", "harmless"),
    [
        ("add_n", True),
        ("math.reduce_mean", True),
        ("compat.v1.gather", True),
        ("keras.activations.relu", True),
        ("keras.backend.clip", True),
        ("io.write_file", False),
        ("compat.v1.compat.v1.gather", False),
        ("math", False),
        ("math.io.write_file", False),
        ("keras.activations.deserialize", False),
        ("", False),
    ],
)
def test_functions_of_tensorflow(symbol: str, harmless: bool) -> None:
    assert is_tensorflow_function(symbol) is harmless
