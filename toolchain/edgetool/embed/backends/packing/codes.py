"""Weights as codes that kernels read from flash: indices into a palette, or a byte for each weight that is not zero."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Fields

__all__ = ["MAX_BITS", "PLANE_UNIT", "UNIT", "Codes", "decode", "encode_palette", "encode_planes", "encode_sparse"]

#: Bits of an index into a palette: with more, eight weights no longer lie in two words that overlap.
MAX_BITS = 6

#: Weights whose indices fill whole bytes; a part of a palette's codes holds a multiple of them.
UNIT = 8

#: Weights whose indices lie together in planes.
PLANE_UNIT = 32

#: Bytes behind a palette's last code that a kernel may read.
MARGIN = 4

#: Steps over zeros alone that are tried; a byte's other codes go to weights.
SKIPS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Codes:
    """Packed weights.

    Attributes:
        codes: uint8.
        fields: of the C structure `packed_s8_t`: `values` that weights have, `spans`, `counts`, `num_values`, `bits`.
    """

    codes: Array
    fields: Fields

    @property
    def form(self) -> str:
        """Return `palette` or `sparse`."""
        return "palette" if self.fields["bits"] else "sparse"

    @property
    def num_bytes(self) -> int:
        """Return what codes and their tables take in flash."""
        return self.codes.nbytes + sum(v.nbytes for v in self.fields.values() if isinstance(v, np.ndarray))


def encode_palette(parts: Sequence[Array]) -> Codes | None:
    """Return weights as indices of as few bits as their different values need.

    Args:
        parts: int8 vectors; each begins at a byte of its own and is filled up to a multiple of 8 weights.

    Returns:
        Codes, the first index in the lowest bits; None where there are too many different values.
    """
    values = np.unique(np.concatenate(parts))
    bits = max(1, int(len(values) - 1).bit_length())
    if bits > MAX_BITS:
        return None
    packed = [_packed(np.searchsorted(values, part).astype(np.uint8), bits) for part in parts]
    # int4 weights and 16 values are one form; an unused entry costs less than a kernel of its own.
    fields = _fields(values, np.zeros(1, np.uint8), np.zeros(1, np.int32), bits)
    return Codes(np.concatenate([*packed, np.zeros(MARGIN, np.uint8)]), fields)


def encode_planes(rows: Array) -> Codes | None:
    """Return weights as indices of four to six bits that Helium reads: 32 in turn.

    16 bytes hold the lowest four bits of each, the first of two in the low half; then four bytes for every further bit,
    16 bits of the first, third, ... index, and 16 of the others.

    Args:
        rows: int8 `[R, K]`, K a multiple of 32.

    Returns:
        Codes; None where four bits are too many or six too few.
    """
    palette = encode_palette([rows.reshape(-1)])
    bits = palette.fields["bits"] if palette is not None else 0
    if palette is None or not isinstance(bits, int) or bits < 4:
        return None
    values = palette.fields["values"]
    indices = np.searchsorted(np.asarray(values), rows.reshape(-1, PLANE_UNIT)).astype(np.uint8)
    even, odd = indices[:, ::2], indices[:, 1::2]
    planes: list[Array] = [(even & 15) | (odd & 15) << 4]
    for bit in range(4, bits):
        planes += [np.packbits(half >> bit & 1, axis=1, bitorder="little") for half in (even, odd)]
    return Codes(np.ascontiguousarray(np.concatenate(planes, axis=1)).reshape(-1), palette.fields)


def encode_sparse(parts: Sequence[Array]) -> Codes:
    """Return weights as one byte for each that is not zero.

    A code stands for a value and a number of zeros before it. Value number `v` has `spans[v]` codes, for 0 to
    `spans[v] - 1` zeros; frequent ones get more. The first value is 0: its codes step over zeros that no code of the
    next weight can.

    Args:
        parts: int8 vectors; the zeros behind the last weight of each take no code.

    Returns:
        Codes; `counts` holds how many each part has.
    """
    found = [_gaps(part) for part in parts]
    gaps, weights = (np.concatenate(column) for column in zip(*found, strict=True))
    values = np.concatenate([[0], np.unique(weights)]).astype(np.int8)
    index = np.searchsorted(values[1:], weights) + 1
    spans = _best_spans(index, gaps, len(values))
    skip = int(spans[0])
    first = np.concatenate([[0], np.cumsum(spans)[:-1]])
    skips = -(-np.maximum(gaps - spans[index] + 1, 0) // skip)
    sizes = skips + 1
    ends = np.cumsum(sizes)
    codes = np.full(int(ends[-1]) if len(ends) else 0, skip - 1, np.uint8)
    rest = gaps - np.maximum(skips - 1, 0) * skip
    last = np.where(skips > 0, np.minimum(rest, skip), 0)
    codes[ends[skips > 0] - 2] = last[skips > 0] - 1
    codes[ends - 1] = first[index] + rest - last
    bounds = np.concatenate([[0], np.cumsum([len(gap) for gap, _ in found])])
    totals = np.concatenate([[0], ends])[bounds]
    codes = codes if codes.size else np.zeros(1, np.uint8)
    return Codes(codes, _fields(values, spans.astype(np.uint8), np.diff(totals).astype(np.int32), 0))


def decode(codes: Codes, sizes: Sequence[int]) -> list[Array]:
    """Return the parts, each of as many weights as `sizes` says: what kernels make of the codes."""
    fields = {name: value for name, value in codes.fields.items() if isinstance(value, np.ndarray)}
    bits, parts, start = codes.fields["bits"], [], 0
    assert isinstance(bits, int)
    if bits:
        for size in sizes:
            num_bytes = -(-size // UNIT) * bits
            planes = np.unpackbits(codes.codes[start : start + num_bytes], bitorder="little").reshape(-1, bits)
            parts.append(fields["values"][planes @ (1 << np.arange(bits))][:size])
            start += num_bytes
        return parts
    spans = fields["spans"].astype(np.int64)
    gaps = np.concatenate([np.arange(span) for span in spans])
    weights = np.repeat(fields["values"], spans)
    for size, count in zip(sizes, fields["counts"].tolist(), strict=True):
        read = codes.codes[start : start + count]
        part = np.zeros(size, np.int8)
        part[np.cumsum(gaps[read] + 1) - 1] = weights[read]
        parts.append(part)
        start += count
    return parts


def _fields(values: Array, spans: Array, counts: Array, bits: int) -> Fields:
    return {"values": values, "spans": spans, "counts": counts, "num_values": len(values), "bits": bits}


def _packed(indices: Array, bits: int) -> Array:
    padded = np.zeros(-(-len(indices) // UNIT) * UNIT, np.uint8)
    padded[: len(indices)] = indices
    planes = (padded[:, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(planes.reshape(-1), bitorder="little")


def _gaps(part: Array) -> tuple[Array, Array]:
    """Return how many zeros stand before each weight that is not zero, and those weights."""
    places = np.flatnonzero(part)
    return np.diff(places, prepend=-1) - 1, part[places]


def _best_spans(index: Array, gaps: Array, num_values: int) -> Array:
    """Return how many codes each value gets, 256 at most in all, so that there are few codes to write."""
    width = int(min(gaps.max(initial=0) + 1, 4096))
    counts = np.zeros((num_values, width), np.int64)
    np.add.at(counts, (index, np.minimum(gaps, width - 1)), 1)
    found = [_spans(counts, skip) for skip in SKIPS if skip + num_values - 1 <= 256]
    return min(found, key=lambda pair: pair[0])[1]


def _spans(counts: Array, skip: int) -> tuple[int, Array]:
    """Return about how many codes are written where zeros are stepped over by up to `skip`, and each value's codes.

    The code more that a value gets saves a step for every gap that it, or a multiple of `skip` more, covers; the codes
    go one by one to the values that save most.
    """
    num_values, width = counts.shape
    saved = counts.copy()
    for gap in range(width - 1 - skip, -1, -1):
        saved[:, gap] += saved[:, gap + skip]
    spans = np.ones(num_values, np.int64)
    spans[0] = skip
    queue = [(-int(saved[value, 1]), value) for value in range(1, num_values) if width > 1]
    heapq.heapify(queue)
    left = 256 - int(spans.sum())
    while left > 0 and queue:
        _, value = heapq.heappop(queue)
        spans[value] += 1
        left -= 1
        if spans[value] < min(width, 255):
            heapq.heappush(queue, (-int(saved[value, spans[value]]), value))
    gaps = np.arange(width)
    steps = -(-np.maximum(gaps - spans[1:, None] + 1, 0) // skip)
    return int((counts[1:] * (steps + 1)).sum()), spans
