"""TFLite_Detection_PostProcess: one kernel, and a copy for each output."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.detections import lower_detections, num_detections
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

ANCHORS = Tensor("a", (6, 4), "int8", Quantization((0.5,), (-3,)), np.full((6, 4), 7, np.int8))
TENSORS = {
    "b": Tensor("b", (1, 6, 4), "int8", Quantization((0.25,), (1,))),
    "s": Tensor("s", (1, 6, 3), "int8", Quantization((0.125,), (-2,))),
    "a": ANCHORS,
}
OPTIONS = {"max_detections": 5, "num_classes": 2, "y_scale": 10.0, "nms_iou_threshold": 0.5, "packed": "all"}
OP = Op("DETECTIONS", "y", ("b", "s", "a"), ("y0", "y1", "y2", "y3"), OPTIONS)
GRAPH = Graph("tflite", TENSORS, (OP,), ("b", "s"), ("y0", "y1", "y2", "y3"))


def test_a_kernel_and_a_copy_for_each_output() -> None:
    steps = lower_detections(OP, GRAPH)
    assert [step.kernel for step in steps] == ["detections_s8"] + ["copy_f32"] * 4
    assert [step.fields["from"] for step in steps[1:]] == [0, 20, 25, 30]
    shape = steps[0].fields["shape"]
    assert isinstance(shape, dict) and np.array_equal(shape["anchors"], np.full((6, 4), 5.0, np.float32))
    assert steps[0].scratch_bytes == 48


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("use_regular_nms", 1, "use_regular_nms True"),
        ("max_classes_per_detection", 3, "max_classes_per_detection 3"),
        ("num_classes", 4, "4 classes"),
    ],
)
def test_other_forms_are_refused(option: str, value: int, message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        lower_detections(dataclasses.replace(OP, attributes={**OPTIONS, option: value}), GRAPH)


def test_room_for_none_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="max_detections 0"):
        num_detections(dataclasses.replace(OP, attributes={}))
