"""Sizes of a file as it lies and compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import zstandard

from edgetool.store.sizes import ZSTD_LEVEL, measure_sizes


def test_sizes_are_those_of_the_compressors(tmp_path: Path) -> None:
    content = np.random.default_rng(0).integers(0, 16, 50_000).astype(np.uint8).tobytes()
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    found = measure_sizes(path)
    assert found.raw == 50_000
    assert found.gzip == len(gzip.compress(content, 9, mtime=0)) < found.raw
    assert found.zstd == len(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(content)) < found.raw


def test_zeros_take_nearly_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(100_000))
    found = measure_sizes(path)
    assert found.gzip < 300 and found.zstd < 300
