"""What `edgetool train` wrote beside a model: how it was trained, and how good it was then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetool.artifact import digest_path
from edgetool.errors import EdgetoolError, ManifestError
from edgetool.records import EvaluationRecord
from edgetool.schema import parse

__all__ = ["RecordedTraining", "recorded_training"]


@dataclass(frozen=True, slots=True)
class RecordedTraining:
    """The part of a `train.json` that compression asks for.

    Attributes:
        data_digest: SHA-256 of what the data were read from.
        with_validation: the validation samples were trained on, too.
        validation: metric of the final weights; None where there was no validation split.
    """

    data_digest: str
    with_validation: bool
    validation: EvaluationRecord | None


def recorded_training(model: Path) -> RecordedTraining | None:
    """Return the record beside a model file; None where there is none, or it is of another file."""
    path = model.parent / "train.json"
    if not model.is_file() or not path.is_file():
        return None
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if fields["model_digest"] != digest_path(model):
            return None
        settings = fields["settings"]
        validation = None
        if fields.get("validation") is not None:
            validation = parse(EvaluationRecord, fields["validation"], source=str(path), error=ManifestError)
        return RecordedTraining(str(settings["data_digest"]), bool(settings.get("with_validation")), validation)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, EdgetoolError):
        return None
