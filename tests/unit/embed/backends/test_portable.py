"""Portable C takes the place of nothing."""

from __future__ import annotations

from edgetool.embed.backends.base import Backend
from edgetool.embed.backends.portable import PORTABLE, Portable
from edgetool.embed.program import Step


def test_a_step_stays_as_it_is() -> None:
    backend: Backend = Portable()
    step = Step("a", "conv_s8", ("x",), "y")
    assert backend.replace(step) is step and backend == PORTABLE and not backend.kernels
