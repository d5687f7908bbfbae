"""TFLite_Detection_PostProcess: boxes around anchors, of which those that overlap a better one are dropped.

Source: tflite/kernels/detection_postprocess.cc, whose fast form it is (`use_regular_nms` is another).
"""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.ops.checks import constant_of, quantization_of, require, suffix_of
from edgetool.embed.ops.shapes import copy_fields
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["CUSTOM", "PACKED", "lower_detections", "num_detections"]

CUSTOM = "CUSTOM:TFLite_Detection_PostProcess"

#: What the tensor that holds all four outputs has behind the operator's name.
PACKED = " boxes, classes, scores and number"

#: More detections than this are no use to anybody.
MAX_DETECTIONS = 1 << 16


def num_detections(op: Op) -> int:
    """Return how many boxes the outputs have room for.

    Raises:
        UnsupportedModelError: none, or absurdly many.
    """
    count = int(op.attributes.get("max_detections", 0))
    require(0 < count <= MAX_DETECTIONS, op, what=f"max_detections {count}", expected=f"1 to {MAX_DETECTIONS}")
    return count


def lower_detections(op: Op, graph: Graph) -> list[Step]:
    """Return the call, and copies of what it makes into the four outputs.

    Raises:
        UnsupportedModelError: several classes for each box, boxes dropped for each class by itself, other types.
    """
    boxes, scores, anchors = (graph.tensors[name] for name in op.inputs)
    count = num_detections(op)
    suffix = suffix_of(op, ("float32", "int8"), boxes, scores)
    classes_per_box = int(op.attributes.get("max_classes_per_detection", 1))
    is_regular = bool(op.attributes.get("use_regular_nms", 0))
    require(
        classes_per_box == 1 and not is_regular,
        op,
        what=f"max_classes_per_detection {classes_per_box}, use_regular_nms {is_regular}",
        expected="1 and false",
    )
    num_boxes, num_scores = scores.shape[-2:]
    num_classes = int(op.attributes.get("num_classes", 0))
    fits = boxes.shape[-2] == num_boxes == anchors.shape[0] and boxes.shape[-1] >= 4 == anchors.shape[-1]
    require(
        fits and 0 < num_classes <= num_scores,
        op,
        expected="as many of each, and scores of every class",
        what=f"boxes {list(boxes.shape)}, scores {list(scores.shape)}, anchors {list(anchors.shape)}, "
        f"{num_classes} classes",
    )
    shape: Fields = {
        "anchors": _anchors(op, graph, anchors),
        "num_boxes": num_boxes,
        "box_length": boxes.shape[-1],
        "num_scores": num_scores,
        "num_classes": num_classes,
        "max_detections": count,
        **{f"scale_{side}": float(op.attributes.get(f"{side}_scale", 1.0)) for side in "yxhw"},
        "score_threshold": float(op.attributes.get("nms_score_threshold", 0.0)),
        "overlap_threshold": float(op.attributes.get("nms_iou_threshold", 0.0)),
    }
    fields: Fields = {"shape": shape}
    if suffix == "s8":
        for name, tensor in (("box", boxes), ("score", scores)):
            quantization = quantization_of(op, tensor)
            fields |= {f"{name}_unit": float(quantization.scale[0]), f"{name}_zero": quantization.zero_point[0]}
    packed = str(op.attributes["packed"])
    names = (boxes.name, scores.name)
    scratch = num_boxes * 8
    steps = [Step(op.name, f"detections_{suffix}", names, packed, fields, scratch_bytes=scratch, has_scratch=True)]
    start = 0
    for name, size in zip(op.outputs, (4 * count, count, count, 1), strict=True):
        steps.append(Step(op.name, "copy_f32", (packed,), name, copy_fields(op, (size,), (start, (1,)), (0, (1,)))))
        start += size
    return steps


def _anchors(op: Op, graph: Graph, anchors: Tensor) -> Array:
    """Return `[num_boxes, 4]`: centres and sizes as floats."""
    values = constant_of(op, graph, 2, anchors.dtype)
    if anchors.dtype == "float32":
        return values
    quantization = quantization_of(op, anchors)
    steps = values.astype(np.float32) - np.float32(quantization.zero_point[0])
    return np.asarray(np.float32(quantization.scale[0]) * steps, np.float32)
