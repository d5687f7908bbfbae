"""TFLite files with operators that only one build of an interpreter has."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.base import ImportOptions
from edgetool.importers.tflite import load_tflite

TINY = Path(__file__).parents[2] / "golden" / "models" / "tiny_float32.tflite"


def test_custom_operators_are_refused(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack, unpack

    model = unpack(TINY.read_bytes())
    code = model.operatorCodes[0]
    code.builtinCode = schema.BuiltinOperator.CUSTOM
    code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FlexErf"
    (tmp_path / "m.tflite").write_bytes(pack(model))
    with pytest.raises(UnsupportedModelError, match="CUSTOM:FlexErf") as caught:
        load_tflite(tmp_path / "m.tflite", ImportOptions())
    assert "SELECT_TF_OPS" in caught.value.next_step
