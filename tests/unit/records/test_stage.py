"""A stage is known by its kind and its recipe, and named by both."""

from __future__ import annotations

import json

from edgetool.errors import ManifestError
from edgetool.records import StageRecord
from edgetool.schema import parse, to_json


def test_it_is_named_after_its_recipe() -> None:
    assert StageRecord("build", "k", 1.0, "now", "w8a8 qat").name == "build w8a8 qat"
    assert StageRecord("bench", "k", 1.0, "now").name == "bench"


def test_a_recipe_of_any_name_comes_back() -> None:
    record = StageRecord("build", "k", 1.0, "now", "build verify")
    read = parse(StageRecord, json.loads(to_json(record)), source="test", error=ManifestError)
    assert (read.stage, read.recipe) == ("build", "build verify")
