"""The metric of one output goes through a manifest's JSON and back."""

from __future__ import annotations

import json

from edgetool.errors import ManifestError
from edgetool.records import HeadRecord
from edgetool.schema import parse, to_json


def test_it_is_what_it_was_behind_json() -> None:
    record = HeadRecord("depth", "r2", 0.7, 0.01, "source", 3.0)
    assert parse(HeadRecord, json.loads(to_json(record, indent=0)), source="test", error=ManifestError) == record
