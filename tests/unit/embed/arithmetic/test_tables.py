"""Tables that LiteRT fills; networks with such operators are tests/integration/test_embed_c.py's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.arithmetic import tables
from edgetool.embed.arithmetic.tables import fill_tables
from edgetool.embed.compiler.context import Context
from edgetool.embed.oracle.vectors import Vectors
from edgetool.embed.program import Program, Step
from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Tensor

MODEL = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"


def test_a_program_without_tables_is_left_alone() -> None:
    program = Program({}, (Step("s", "softmax_s8", ("x",), "y"),), ("x",), ("y",), {}, "d")
    assert fill_tables(program, Context(path=Path("nowhere"))) is program


def test_a_16_bit_operator_that_is_no_interpolation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0).integers(-32768, 32768, (1, 65536)).astype(np.int16)
    monkeypatch.setattr(tables, "_single_operators", lambda *_: (b"", [(False, False)]))
    monkeypatch.setattr(tables, "reference_vectors", lambda *_: Vectors((), (random,)))
    step = Step("s", "interpolate_s16", ("x",), "y", {"table": np.zeros(0, np.int16), "lowest": -32768})
    tensors = {name: Tensor(name, (1, 8), "int16", None, None, 0) for name in ("x", "y")}
    with pytest.raises(UnsupportedModelError, match="s: values that do not lie on lines between 513 points"):
        fill_tables(Program(tensors, (step,), ("x",), ("y",), {}, "d"), Context(path=MODEL))


def test_an_operator_that_is_not_in_the_file_is_damage() -> None:
    step = Step("s", "table_s8", ("x",), "no such tensor", {"table": np.zeros(0, np.int8)})
    with pytest.raises(FileFormatError, match="no such tensor"):
        fill_tables(Program({}, (step,), ("x",), ("y",), {}, "d"), Context(path=MODEL))
