"""A run folder on disk: opening, resuming, locking and finishing.

RUN/manifest.json        the whole run (edgetool.store.manifest.Manifest), rewritten atomically after each stage
RUN/artifacts/           the files that ship
RUN/measurements.jsonl   raw latency samples
RUN/report.html, report.md, results.csv, results.json
RUN/cache/               prepared arrays of an unfinished run; removed at its end
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetool.errors import ManifestError, RunExistsError
from edgetool.schema import to_builtins
from edgetool.store.atomic import disk_error
from edgetool.store.lock import folder_lock
from edgetool.store.manifest import ArtifactRecord, Manifest, StageRecord
from edgetool.store.manifest_io import load_manifest, save_manifest

__all__ = ["RunFolder", "hash_key"]

MANIFEST = "manifest.json"


def hash_key(*parts: Any) -> str:
    """Return a SHA-256 over `parts` (dataclasses, containers and scalars), the same in every process."""
    import msgspec

    encoder = msgspec.json.Encoder(order="sorted")
    return hashlib.sha256(encoder.encode([to_builtins(part) for part in parts])).hexdigest()


class RunFolder:
    """An open run. Use `RunFolder.open`, which decides between a new run, a resumed one and an error."""

    def __init__(self, path: Path, manifest: Manifest, *, resumed: bool) -> None:
        self.path = path
        self.manifest = manifest
        self.resumed = resumed

    @property
    def artifacts(self) -> Path:
        """The folder of files that ship."""
        return self.path / "artifacts"

    @property
    def cache(self) -> Path:
        """The folder of prepared arrays, gone when the run is complete."""
        return self.path / "cache"

    @property
    def measurements(self) -> Path:
        """Raw latency samples, one JSON object a line."""
        return self.path / "measurements.jsonl"

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path, fresh: Manifest, *, overwrite: bool) -> Iterator[RunFolder]:
        """Open `path` for the run that `fresh` describes, and hold its lock.

        A folder that is not there is made. An unfinished run with the same key is resumed. Anything else in the way
        is an error, unless `overwrite`, which replaces a run folder (and nothing that is not one).

        Raises:
            RunExistsError: a finished run, a run in progress, or a folder with other content is there.
            ManifestError: an unfinished run of another model, data set, recipe list or seed is there.
        """
        _refuse_other_content(path)
        created = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise disk_error(exc, path) from None
        with folder_lock(path):
            yield cls._open_locked(path, fresh, overwrite=overwrite, created=created)

    @classmethod
    def _open_locked(cls, path: Path, fresh: Manifest, *, overwrite: bool, created: bool) -> RunFolder:
        if not created and (path / MANIFEST).exists() and not overwrite:
            found = load_manifest(path)
            if found.status == "complete":
                raise RunExistsError(
                    str(path),
                    found="a finished run",
                    expected="a new folder",
                    next_step="choose another -o/--out, or give --overwrite to replace it",
                )
            if found.run_key != fresh.run_key:
                raise ManifestError(
                    str(path),
                    found="an unfinished run of another model, data, recipes or options",
                    expected=f"the command that began it: {found.command}",
                    next_step="repeat that command to go on, choose another -o/--out, or give --overwrite",
                )
            run = cls(path, dataclasses.replace(found, status="running"), resumed=bool(found.stages))
        else:
            _empty(path)
            run = cls(path, fresh, resumed=False)
        run.artifacts.mkdir(exist_ok=True)
        run.cache.mkdir(exist_ok=True)
        run.save()
        return run

    def update(self, **changes: Any) -> None:
        """Replace fields of the manifest and write it."""
        self.manifest = dataclasses.replace(self.manifest, **changes)
        self.save()

    def save(self) -> None:
        """Write the manifest atomically."""
        save_manifest(self.path, self.manifest)

    def finished(self, stage: str, key: str) -> bool:
        """Tell whether `stage` was finished with the same inputs."""
        return any(record.name == stage and record.key == key for record in self.manifest.stages)

    def finish(self, stage: StageRecord, artifacts: tuple[ArtifactRecord, ...] = (), **changes: Any) -> None:
        """Record a finished stage, with new or changed artefacts, in one atomic write."""
        stages = (*(s for s in self.manifest.stages if s.name != stage.name), stage)
        changed = {record.name: record for record in artifacts}
        merged = [changed.pop(record.name, record) for record in self.manifest.artifacts]
        self.update(stages=stages, artifacts=(*merged, *changed.values()), **changes)

    def complete(self) -> None:
        """Mark the run as complete and remove its cache."""
        self.update(status="complete")
        shutil.rmtree(self.cache, ignore_errors=True)


def _refuse_other_content(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise RunExistsError(
            str(path), found="a file", expected="a folder for the run", next_step="choose another -o/--out"
        )
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).exists() and not _only_leftovers(path):
        raise RunExistsError(
            str(path),
            found="a folder with other content",
            expected="a new or empty folder, or a run folder",
            next_step="choose another -o/--out",
        )


def _only_leftovers(path: Path) -> bool:
    """Tell whether a run was killed between making its folder and writing its manifest."""
    return all(item.name == ".lock" or item.name.startswith(".manifest-") for item in path.iterdir())


def _empty(path: Path) -> None:
    for item in path.iterdir():
        if item.name == ".lock":
            continue
        try:
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
        except OSError as exc:
            raise disk_error(exc, item) from None
