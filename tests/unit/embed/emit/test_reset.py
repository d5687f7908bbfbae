"""The C that begins anew; what calls it is in test_states.py."""

from __future__ import annotations

import numpy as np

from edgetool.embed.emit.reset import initial_arrays, reset_declaration
from edgetool.embed.program import Program
from edgetool.ir.graph import Tensor


def test_a_model_without_states_has_none_of_it() -> None:
    assert reset_declaration(Program({}, (), (), (), {}, "d"), "net") == []


def test_only_states_of_several_bytes_take_flash() -> None:
    tensors = {name: Tensor(name, (1, 4), "float32") for name in "ab"}
    states = {"a": np.zeros(4, np.float32), "b": np.ones(4, np.float32)}
    program = Program(tensors, (), (), (), {}, "d", states=states)
    assert list(initial_arrays(program, "net")) == ["net_state_1"]
    assert "2 states, 32 bytes" in reset_declaration(program, "net")[0]
