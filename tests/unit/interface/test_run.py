"""A run as an object."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.errors import UsageError
from edgetool.interface.run import CompressionRun
from edgetool.store.manifest_io import load_manifest

RUN = Path(__file__).parents[2] / "golden" / "report"


@pytest.fixture(scope="module")
def run() -> CompressionRun:
    return CompressionRun(RUN, load_manifest(RUN))


def test_artefacts_are_found_by_name(run: CompressionRun) -> None:
    first = run.artifacts[0]
    assert run.artifact(first.name) is first and run.file(first.name) == RUN / first.artifact.path
    with pytest.raises(UsageError, match=first.name):
        run.artifact("nothing.tflite")


def test_the_recommended_artefact_is_the_decisions(run: CompressionRun) -> None:
    decision = next(item for item in run.manifest.decisions if item.purpose == "recommended")
    assert run.recommended is not None and run.recommended.name == decision.artifact


def test_a_notebook_shows_every_artefact_and_the_answer(run: CompressionRun) -> None:
    shown = run._repr_html_()
    assert all(artifact.name in shown for artifact in run.artifacts)
    assert shown.count("<tr>") == len(run.artifacts) + 1
    assert run.headline in repr(run)


def test_names_from_files_steer_no_page(run: CompressionRun) -> None:
    hostile = dataclasses.replace(run.artifacts[0], name="<script>")
    manifest = dataclasses.replace(run.manifest, artifacts=(hostile,))
    assert "<script>" not in CompressionRun(RUN, manifest)._repr_html_()
