"""Read and write `manifest.json`, and check that the files it names are those of the run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from edgetool.artifact import Artifact, digest_path
from edgetool.errors import ManifestError, MissingFileError
from edgetool.paths import is_there
from edgetool.records import SCHEMA_VERSION, ArtifactRecord, Manifest
from edgetool.schema import load_json, parse, to_json
from edgetool.store.atomic import write_text

__all__ = [
    "ARTIFACTS",
    "MANIFEST_NAME",
    "is_missing",
    "load_manifest",
    "load_whole_manifest",
    "require_recorded",
    "require_unchanged",
    "save_manifest",
]

MANIFEST_NAME = "manifest.json"
#: The folder of files that ship, in the run folder.
ARTIFACTS = "artifacts"


def load_manifest(run: Path) -> Manifest:
    """Return the manifest of the run folder `run`; its artefacts lie in that folder, each with a name of its own.

    Raises:
        MissingFileError: no manifest there.
        ManifestError: damaged, of another schema version, or with an artefact outside of the folder.
    """
    path = run / MANIFEST_NAME
    if not is_there(path):
        raise MissingFileError(
            str(run), found=f"no {MANIFEST_NAME}", expected="a run folder", next_step="edgetool compress makes one"
        )
    fields = load_json(path, error=ManifestError)
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        writer = fields.get("edgetool_version") if isinstance(fields, dict) else None
        raise ManifestError(
            str(path),
            found=f"schema version {version}" + (f", written by edgetool {writer}" if isinstance(writer, str) else ""),
            expected=f"schema version {SCHEMA_VERSION}",
            next_step="use the edgetool that wrote it, or run compress with --overwrite",
        )
    manifest = parse(Manifest, fields, source=str(path), error=ManifestError)
    names: set[str] = set()
    for record in manifest.artifacts:
        if record.name in names:
            raise ManifestError(
                f"{path}: {record.name}",
                found="two artefacts of this name",
                expected="one",
                next_step="run compress with --overwrite",
            )
        names.add(record.name)
        _require_inside(run, record.artifact)
    return manifest


def load_whole_manifest(run: Path) -> Manifest:
    """Return the manifest of a run folder whose artefacts are all as they were when the run wrote them.

    A manifest that lies somewhere without any artefacts is taken as it is: it was sent to be read.

    Raises:
        MissingFileError, ManifestError: see `load_manifest` and `require_unchanged`.
    """
    manifest = load_manifest(run)
    if is_there(run / ARTIFACTS):
        require_unchanged(run, manifest.artifacts)
    return manifest


def is_missing(run: Path, record: ArtifactRecord) -> bool:
    """Tell whether nothing lies where the artefact was written."""
    return not is_there(run / record.artifact.path)


def require_unchanged(run: Path, records: Iterable[ArtifactRecord]) -> None:
    """Refuse artefacts that are gone, or are no longer the bytes that were verified and measured.

    Raises:
        MissingFileError: names the first one that is gone.
        ManifestError: names the first one that is another.
    """
    for record in records:
        path = run / record.artifact.path
        if not path.is_file():
            kind = ManifestError if is_there(path) else MissingFileError
            raise kind(
                str(path),
                found="something else than a file" if is_there(path) else "no such file",
                expected=f"the artefact {record.name} of the run",
                next_step="put it back, or make the run again with --overwrite",
            )
        digest = digest_path(path)
        if digest != record.artifact.digest:
            raise ManifestError(
                str(path),
                found=f"other bytes than the run wrote (SHA-256 {digest[:16]}...)",
                expected=f"SHA-256 {record.artifact.digest[:16]}..., which was verified and measured",
                next_step="put the file of the run back; an unfinished run builds it again if you delete it",
            )


def require_recorded(path: Path) -> None:
    """Refuse a file in the `artifacts` folder of a run that is no longer what that run wrote; others pass.

    Raises:
        ManifestError: see `require_unchanged`.
    """
    run = path.absolute().parent.parent
    if path.absolute().parent.name != ARTIFACTS or not is_there(run / MANIFEST_NAME):
        return
    name = f"{ARTIFACTS}/{path.name}"
    require_unchanged(run, [record for record in load_manifest(run).artifacts if record.artifact.path == name])


def _require_inside(run: Path, artifact: Artifact) -> None:
    """Refuse a path that leads out of the run folder, by itself or by a link."""
    parts = PurePosixPath(artifact.path)
    inside = bool(parts.parts) and not parts.is_absolute() and ".." not in parts.parts and "\0" not in artifact.path
    if inside:
        try:
            inside = (run / artifact.path).resolve().is_relative_to(run.resolve())
        except (OSError, RuntimeError):  # a name that is too long; a link to itself
            inside = False
    if not inside:
        raise ManifestError(
            str(run / MANIFEST_NAME),
            found=f"an artefact at {artifact.path[:200]!r}, which is not in the run folder",
            expected="a path relative to the run folder, and no link out of it",
            next_step="run compress with --overwrite",
        )


def save_manifest(run: Path, manifest: Manifest) -> None:
    """Write the manifest of the run folder `run` atomically."""
    write_text(run / MANIFEST_NAME, to_json(manifest))
