"""Proof that exports agree: parity of outputs, invariants in the exported file."""

from __future__ import annotations

from edgetool.callable_package import make_callable

make_callable(__name__)
