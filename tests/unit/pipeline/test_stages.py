"""What the stages write beside figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from edgetool.pipeline.stages import _generation_notes
from edgetool.records import EvaluationRecord


def artifact(metric: str) -> Any:
    method = "bootstrap, 1000 resamples, seed 0; a classifier sees 9 of 10 digits"
    return SimpleNamespace(evaluation=EvaluationRecord("test", 10, metric, 5.0, 0.1, method, "litert"))


def test_generated_images_are_described_in_a_note() -> None:
    assert _generation_notes(artifact("inception_score")) == ("test images: a classifier sees 9 of 10 digits",)


def test_other_metrics_and_files_that_were_not_evaluated_get_none() -> None:
    assert _generation_notes(artifact("accuracy")) == ()
    nothing: Any = SimpleNamespace(evaluation=None)
    assert _generation_notes(nothing) == ()
