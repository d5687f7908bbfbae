"""edgetool: from a trained model to artefacts that are proved to run on a device.

Importing this package loads no framework: models are loaded by child processes, which end with the call.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from edgetool.version import __version__

if TYPE_CHECKING:
    from edgetool.interface.calls import bench, compress, embed, export, inspect, load_run, train, verify
    from edgetool.interface.run import CompressionRun

__all__ = [
    "CompressionRun",
    "__version__",
    "bench",
    "compress",
    "embed",
    "export",
    "inspect",
    "load_run",
    "train",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load a part of the Python interface when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'edgetool' has no attribute {name!r}")
    module = "run" if name == "CompressionRun" else "calls"
    return getattr(importlib.import_module(f"edgetool.interface.{module}"), name)


def __dir__() -> list[str]:
    return __all__
