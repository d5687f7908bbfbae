"""Place the labels of a scatter plot so that none overlaps another, a point, or the frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Box", "Placed", "place_labels"]

#: Distances from a point, pixels, and directions, degrees, that are tried.
RADII = (11.0, 20.0, 32.0, 46.0, 62.0, 80.0, 100.0, 124.0, 150.0)
DIRECTIONS = tuple(range(0, 360, 15))
#: How often every label looks for a better place, given where the others are.
ROUNDS = 4

#: What counts against a place, in pixels of distance.
LEADER_OVER_LABEL = 60.0
LEADER_OVER_POINT = 25.0
LEADER_OVER_LEADER = 45.0
OVER_BAR = 45.0
#: Beyond this distance a line leads from the point to its label.
LEADER_FROM = 16.0

Line = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether the two share an area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def crossed_by(self, line: Line) -> bool:
        """Tell whether a line from (x1, y1) to (x2, y2) passes through the box (Liang and Barsky, 1984)."""
        x1, y1, x2, y2 = line
        start, end = 0.0, 1.0
        sides = ((x2 - x1, self.left - x1, self.right - x1), (y2 - y1, self.top - y1, self.bottom - y1))
        for delta, lowest, highest in sides:
            if abs(delta) < 1e-9:
                if lowest > 0 or highest < 0:
                    return False
                continue
            near, far = sorted((lowest / delta, highest / delta))
            start, end = max(start, near), min(end, far)
            if start > end:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label goes.

    Attributes:
        box: what it covers.
        leader: the line from the point to the label; None where it stands beside its point.
    """

    box: Box
    leader: Line | None


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    *,
    frame: Box,
    bars: Sequence[Box] = (),
    other_points: Sequence[tuple[float, float]] = (),
    radius: float = 6.0,
) -> list[Placed | None]:
    """Find a place for the label of every point, in the order of importance.

    Each label takes the free place that is nearest to its point and whose leader crosses least; then all look again,
    given the others' places. The result is the same in every run.

    Args:
        points: pixel positions.
        sizes: width and height of each label, pixels.
        frame: where labels may be.
        bars: error bars and lines, which labels should rather not cover.
        other_points: points without a label, which none may cover.
        radius: The radius of a point's marker.

    Returns:
        A place for each label; None where no free place was found.
    """
    markers = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    bare = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in other_points]
    placed: list[Placed | None] = [None] * len(points)
    for _ in range(ROUNDS):
        before = list(placed)
        for index, point in enumerate(points):
            others = [p for i, p in enumerate(placed) if p is not None and i != index]
            own = markers[index]
            rest = [*(marker for i, marker in enumerate(markers) if i != index), *bare]
            placed[index] = _best(point, sizes[index], own, rest, others, frame, bars)
        if placed == before:
            break
    return placed


def _best(
    point: tuple[float, float],
    size: tuple[float, float],
    own: Box,
    markers: Sequence[Box],
    others: Sequence[Placed],
    frame: Box,
    bars: Sequence[Box],
) -> Placed | None:
    best: Placed | None = None
    least = math.inf
    for reach in RADII:
        if reach >= least:
            break
        for direction in DIRECTIONS:
            box = _box_at(point, size, reach, direction)
            if not _is_free(box, own, markers, others, frame):
                continue
            leader = _leader(point, box) if reach > LEADER_FROM else None
            cost = reach + _preference(direction) + _penalty(box, leader, markers, others, bars)
            if cost < least:
                least, best = cost, Placed(box, leader)
    return best


def _box_at(point: tuple[float, float], size: tuple[float, float], reach: float, direction: int) -> Box:
    """Return the box whose nearest edge or corner lies `reach` away from the point in `direction`."""
    angle = math.radians(direction)
    cosine, sine = math.cos(angle), -math.sin(angle)
    x, y = point[0] + reach * cosine, point[1] + reach * sine
    width, height = size
    left = x - width * (0.5 - 0.5 * cosine) if abs(cosine) < 0.5 else (x if cosine > 0 else x - width)
    top = y - height * (0.5 - 0.5 * sine)
    return Box(left, top, left + width, top + height)


def _is_free(box: Box, own: Box, markers: Sequence[Box], others: Sequence[Placed], frame: Box) -> bool:
    inside = box.left >= frame.left and box.right <= frame.right and box.top >= frame.top and box.bottom <= frame.bottom
    return (
        inside
        and not box.overlaps(own)
        and not any(box.overlaps(marker) for marker in markers)
        and not any(box.overlaps(other.box) for other in others)
    )


def _leader(point: tuple[float, float], box: Box) -> Line:
    x = min(max(point[0], box.left), box.right)
    y = min(max(point[1], box.top + 2), box.bottom - 2)
    return (point[0], point[1], x, y)


def _preference(direction: int) -> float:
    """Prefer labels to the right, then to the left."""
    return 0.0 if direction == 0 else 1.0 if direction == 180 else 2.5


def _penalty(
    box: Box, leader: Line | None, markers: Sequence[Box], others: Sequence[Placed], bars: Sequence[Box]
) -> float:
    cost = OVER_BAR * sum(box.overlaps(bar) for bar in bars)
    cost += LEADER_OVER_LABEL * sum(other.leader is not None and box.crossed_by(other.leader) for other in others)
    if leader is not None:
        cost += LEADER_OVER_LABEL * sum(other.box.crossed_by(leader) for other in others)
        cost += LEADER_OVER_POINT * sum(marker.crossed_by(leader) for marker in markers)
        cost += LEADER_OVER_LEADER * sum(other.leader is not None and _cross(leader, other.leader) for other in others)
    return cost


def _cross(a: Line, b: Line) -> bool:
    def side(line: Line, x: float, y: float) -> float:
        return (line[2] - line[0]) * (y - line[1]) - (line[3] - line[1]) * (x - line[0])

    return side(a, b[0], b[1]) * side(a, b[2], b[3]) < 0 and side(b, a[0], a[1]) * side(b, a[2], a[3]) < 0
