from __future__ import annotations

import onnx
import pytest

from edgetool.errors import ExportError
from edgetool.exporters.onnx.convert import check_model


def _model(kind: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[N, 4] x) => (float[N, 4] y) {{ y = {kind} (x) }}'
    )


def test_a_sound_model_gives_its_bytes() -> None:
    content = check_model(_model("Relu"), "small")
    assert onnx.load_model_from_string(content).graph.node[0].op_type == "Relu"


def test_an_unknown_operator_is_an_export_error() -> None:
    with pytest.raises(ExportError) as caught:
        check_model(_model("Nonsense"), "small")
    assert caught.value.subject == "small"
    assert "Nonsense" in caught.value.found
