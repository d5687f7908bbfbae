"""What an artefact takes on a runtime, or that it cannot run there."""

from __future__ import annotations

from edgetool.records import RuntimeFit


def test_a_refusal_means_that_it_does_not_run() -> None:
    assert RuntimeFit("c", 100, 10).runs
    assert not RuntimeFit("c", 0, 0, "no kernel").runs
