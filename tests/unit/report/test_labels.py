"""Labels of scatter plots."""

from __future__ import annotations

import itertools
import random

from edgetool.report.labels import Box, place_labels

FRAME = Box(0, 0, 800, 400)


def test_boxes_and_lines() -> None:
    box = Box(10, 10, 20, 20)
    assert box.overlaps(Box(19, 19, 30, 30)) and not box.overlaps(Box(20, 10, 30, 20))
    assert box.crossed_by((0, 0, 30, 30)) and not box.crossed_by((0, 0, 5, 30))


def test_a_lonely_label_stands_beside_its_point() -> None:
    (placed,) = place_labels([(100, 100)], [(60, 15)], frame=FRAME)
    assert placed is not None and placed.leader is None and placed.box.left > 100


def test_crowded_labels_do_not_overlap_and_stay_in_the_frame() -> None:
    generator = random.Random(0)
    points = [(generator.uniform(300, 420), generator.uniform(150, 230)) for _ in range(14)]
    placed = place_labels(points, [(90, 15)] * 14, frame=FRAME)
    boxes = [item.box for item in placed if item is not None]
    assert len(boxes) >= 12
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.left >= 0 and box.right <= 800 and box.top >= 0 and box.bottom <= 400 for box in boxes)
    assert place_labels(points, [(90, 15)] * 14, frame=FRAME) == placed
