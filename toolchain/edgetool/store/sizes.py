"""What a file weighs: as it lies, and compressed as a package or an update would be."""

from __future__ import annotations

import gzip
from pathlib import Path

from edgetool.store.manifest import SizeRecord

__all__ = ["measure_sizes"]


def measure_sizes(path: Path) -> SizeRecord:
    """Return the raw, gzip (level 9) and Zstandard (level 10) size of a file in bytes."""
    import zstandard

    content = path.read_bytes()
    return SizeRecord(
        raw=len(content),
        gzip=len(gzip.compress(content, 9, mtime=0)),
        zstd=len(zstandard.ZstdCompressor(level=10).compress(content)),
    )
