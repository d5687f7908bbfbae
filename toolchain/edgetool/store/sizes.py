"""What a file weighs: as it lies, and compressed as a package or an update would be."""

from __future__ import annotations

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgetool.store.manifest import SizeRecord

__all__ = ["measure_sizes"]

ZSTD_LEVEL = 19
#: Zstandard compresses parts of so many bytes on their own, on all cores. That, and not the number of cores, decides
#: the result: 0.03 % larger than in one piece for 34 MB of weights, in half the CPU time.
ZSTD_JOB_BYTES = 2 << 20


def measure_sizes(path: Path) -> SizeRecord:
    """Return the raw, gzip (level 9) and Zstandard (level 19) size of a file in bytes, the same on every machine.

    A model of up to 2 MB takes about a second, then it is about 0.4 s of CPU time for each further MB.
    """
    content = path.read_bytes()
    with ThreadPoolExecutor(1) as pool:
        zipped = pool.submit(lambda: len(gzip.compress(content, 9, mtime=0)))
        zstd = _zstd_bytes(content)
        return SizeRecord(raw=len(content), gzip=zipped.result(), zstd=zstd)


def _zstd_bytes(content: bytes) -> int:
    import zstandard

    parameters = zstandard.ZstdCompressionParameters.from_level(
        ZSTD_LEVEL, threads=min(os.cpu_count() or 1, 16), job_size=ZSTD_JOB_BYTES, overlap_log=1
    )
    return len(zstandard.ZstdCompressor(compression_params=parameters).compress(content))
