"""Read and write `manifest.json`."""

from __future__ import annotations

import json
from pathlib import Path

from edgetool.errors import ManifestError, MissingFileError
from edgetool.schema import parse, to_json
from edgetool.store.atomic import write_text
from edgetool.store.manifest import SCHEMA_VERSION, Manifest

__all__ = ["MANIFEST_NAME", "load_manifest", "save_manifest"]

MANIFEST_NAME = "manifest.json"


def load_manifest(run: Path) -> Manifest:
    """Return the manifest of the run folder `run`.

    Raises:
        MissingFileError: no manifest there.
        ManifestError: damaged, or of another schema version.
    """
    path = run / MANIFEST_NAME
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(
            str(run), found=f"no {MANIFEST_NAME}", expected="a run folder", next_step="edgetool compress makes one"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise ManifestError(
            str(path), found=f"no valid JSON ({exc})", expected="a manifest", next_step="run compress with --overwrite"
        ) from None
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise ManifestError(
            str(path),
            found=f"schema version {version}",
            expected=str(SCHEMA_VERSION),
            next_step="use the edgetool that wrote it, or run compress with --overwrite",
        )
    return parse(Manifest, fields, source=str(path), error=ManifestError)


def save_manifest(run: Path, manifest: Manifest) -> None:
    """Write the manifest of the run folder `run` atomically."""
    write_text(run / MANIFEST_NAME, to_json(manifest))
