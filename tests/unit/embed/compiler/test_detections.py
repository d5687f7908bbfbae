"""The operator that detectors end in."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.embed.compiler.detections import with_detections
from edgetool.embed.ops.detections import CUSTOM
from edgetool.ir.graph import Graph, Op, Tensor

TENSORS = {
    "boxes": Tensor("boxes", (1, 6, 4), "float32"),
    "scores": Tensor("scores", (1, 6, 3), "float32"),
    "anchors": Tensor("anchors", (6, 4), "float32", None, np.ones((6, 4), np.float32)),
    **{f"y{i}": Tensor(f"y{i}", (), "float32", has_shape=False) for i in range(4)},
}
OUTPUTS = ("y0", "y1", "y2", "y3")
OPTIONS = {"max_detections": 5, "num_classes": 2, "y_scale": 10.0, "nms_iou_threshold": 0.5}
OP = Op(CUSTOM, "y0", ("boxes", "scores", "anchors"), OUTPUTS, OPTIONS)
GRAPH = Graph("tflite", TENSORS, (OP,), ("boxes", "scores"), OUTPUTS)


def test_outputs_get_their_sizes_and_a_tensor_for_all() -> None:
    graph = with_detections(GRAPH)
    assert [graph.tensors[name].shape for name in OUTPUTS] == [(1, 5, 4), (1, 5), (1, 5), (1,)]
    (op,) = graph.ops
    assert op.kind == "DETECTIONS" and graph.tensors[op.attributes["packed"]].shape == (31,)


def test_other_operators_stay() -> None:
    other = dataclasses.replace(GRAPH, ops=(Op("ADD", "y", ("a", "b"), ("y",)),))
    assert with_detections(other) is other
