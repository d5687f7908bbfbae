"""edgetool: from a trained model to artefacts that are proved to run on a device."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
