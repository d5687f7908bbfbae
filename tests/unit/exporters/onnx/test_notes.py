"""Notes on int8 files name what is in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from edgetool.exporters.onnx.graph import set_constant
from edgetool.exporters.onnx.notes import dynamic_notes, float_kernels, widened_kernels
from edgetool.exporters.onnx.quantize.weights import quantize_dynamic

BODIES = {
    "product": "y = MatMul (x, w)",
    "einsum": 'y = Einsum <equation = "nd,dh->nh"> (x, w)',
    "left": "t = Transpose <perm = [1, 0]> (x) y = MatMul (v, t)",
    "none": "y = Relu (x)",
}


def model_of(body: str) -> Any:
    text = f'<ir_version: 8, opset_import: ["" : 18]> g (float[N, 16] x) => (float[K, L] y) {{ {body} }}'
    model = onnx.parser.parse_model(text)
    random = np.random.default_rng(0)
    for name, shape in {"w": (16, 12), "v": (12, 16)}.items():
        if name in body:
            set_constant(model.graph, name, random.normal(size=shape).astype(np.float32))
    return model


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("product", "1 products (Gemm, MatMul) compute in integers"),
        ("einsum", "int8 weights of 1 Einsum are widened"),
        ("left", "int8 weights of 1 MatMul are widened"),
        ("none", "no weights are int8"),
    ],
)
def test_the_note_says_what_became_of_the_weights(name: str, note: str) -> None:
    model = quantize_dynamic(model_of(BODIES[name]), per_channel=True)
    stored = [tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert bool(stored) == (name != "none")
    notes = dynamic_notes(model.graph)
    assert len(notes) == 1 and notes[0].startswith(note)


def test_operators_that_stay_float_are_named() -> None:
    model = model_of(BODIES["einsum"])
    assert widened_kernels(model.graph) == ()
    assert float_kernels(model.graph) == ("float32 weights and arithmetic in y",)
    assert float_kernels(quantize_dynamic(model, per_channel=True).graph) == ()
