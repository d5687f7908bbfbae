"""Tables that LiteRT fills; networks with such operators are tests/integration/test_embed_c.py's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.program import Program, Step
from edgetool.embed.tables import fill_tables
from edgetool.errors import FileFormatError

MODEL = Path(__file__).parents[2] / "golden" / "models" / "tiny_int8.tflite"


def test_a_program_without_tables_is_left_alone() -> None:
    program = Program({}, (Step("s", "softmax_s8", ("x",), "y"),), ("x",), ("y",), {}, "d")
    assert fill_tables(program, Path("nowhere")) is program


def test_an_operator_that_is_not_in_the_file_is_damage() -> None:
    step = Step("s", "table_s8", ("x",), "no such tensor", {"table": np.zeros(256, np.int8)})
    with pytest.raises(FileFormatError, match="no such tensor"):
        fill_tables(Program({}, (step,), ("x",), ("y",), {}, "d"), MODEL)
