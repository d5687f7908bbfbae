"""Embed an artefact in a device: C sources."""

from __future__ import annotations

from edgetool.callable_package import make_callable

make_callable(__name__)
