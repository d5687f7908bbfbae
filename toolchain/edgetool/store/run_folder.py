"""A run folder on disk: opening, resuming, locking and finishing.

RUN/manifest.json        the whole run (edgetool.records.Manifest), rewritten atomically after each stage
RUN/artifacts/           the files that ship
RUN/measurements.jsonl   raw latency samples
RUN/report.html, report.md, results.csv, results.json
RUN/cache/               prepared arrays of a run at work; removed at its end

A run that is taken up again is what the manifest says, less what must be made again (`remaining`): artefacts that were
deleted, and stages that failed for want of memory, room or a process. Artefacts that were changed are refused.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from edgetool.errors import EdgetoolError, ManifestError, MissingFileError, RunExistsError
from edgetool.records import ArtifactRecord, FailureRecord, Manifest, Stage, StageRecord, failures_of
from edgetool.schema import to_builtins
from edgetool.store.atomic import disk_error
from edgetool.store.lock import folder_lock
from edgetool.store.manifest_io import (
    ARTIFACTS,
    MANIFEST_NAME,
    is_missing,
    load_manifest,
    require_unchanged,
    save_manifest,
)

__all__ = ["RunFolder", "hash_key", "remaining", "require_room"]

#: Begins the name of a manifest that was being written.
LEFTOVER = ".manifest-"


def hash_key(*parts: object) -> str:
    """Return a SHA-256 over `parts` (dataclasses, containers and scalars), the same in every process."""
    import msgspec

    encoder = msgspec.json.Encoder(order="sorted")
    return hashlib.sha256(encoder.encode([to_builtins(part) for part in parts])).hexdigest()


def remaining(run: Path, manifest: Manifest) -> Manifest:
    """Return what of an unfinished run still holds: without what is gone and what may come out otherwise now.

    Raises:
        ManifestError: an artefact is there, but is not the one that the run wrote.
    """
    gone = {record.recipe for record in manifest.artifacts if is_missing(run, record)}
    require_unchanged(run, [record for record in manifest.artifacts if not is_missing(run, record)])
    again = [failure for failure in failures_of(manifest) if failure.transient]
    rebuilt = gone | {failure.recipe for failure in again if failure.stage in ("build", "export")}
    if not rebuilt and not again:
        return manifest
    failed = {failure.recipe for failure in again}
    stages = [stage for stage in manifest.stages if not _is_stale(stage, rebuilt, failed)]
    artifacts = [record for record in manifest.artifacts if record.recipe not in rebuilt]
    return dataclasses.replace(
        manifest,
        stages=tuple(stages),
        artifacts=tuple(_tried_again(record) for record in artifacts),
        failures=tuple(failure for failure in manifest.failures if failure.recipe not in rebuilt),
        decisions=(),
        refusals=(),
    )


def _is_stale(stage: StageRecord, rebuilt: Collection[str], failed: Collection[str]) -> bool:
    """Tell whether a stage must run again.

    Args:
        stage: that was finished.
        rebuilt: recipes whose artefacts are made again.
        failed: recipes of which something failed that may work now; stages behind it left their artefact out.
    """
    if stage.stage == "build":
        return stage.recipe in rebuilt
    if stage.recipe is not None:
        return stage.recipe in rebuilt or stage.recipe in failed
    return stage.stage in ("bench", "test")


def _tried_again(record: ArtifactRecord) -> ArtifactRecord:
    transient = record.failure is not None and record.failure.transient
    return dataclasses.replace(record, failure=None) if transient else record


class RunFolder:
    """An open run. Use `RunFolder.open`, which decides between a new run, a resumed one and an error."""

    def __init__(self, path: Path, manifest: Manifest, *, resumed: bool) -> None:
        self.path = path
        self.manifest = manifest
        self.resumed = resumed
        place = path.stat()
        self._identity = (place.st_dev, place.st_ino)

    @property
    def artifacts(self) -> Path:
        """The folder of files that ship."""
        return self.path / ARTIFACTS

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

        A folder that is not there is made. An unfinished run with the same key is resumed; one of another key gives
        way as long as it has no artefact. Anything else in the way is an error, unless `overwrite`, which replaces a
        run folder (and nothing that is not one).

        Raises:
            RunExistsError: a finished run, a run in progress, or a folder with other content is there.
            ManifestError: an unfinished run of another model, data set, recipe list or seed is there, or one of which
                an artefact was changed.
            MissingFileError: the folder was deleted or moved while the run was at work.
        """
        _require_free(path, overwrite=overwrite)
        created = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise disk_error(exc, path) from None
        with folder_lock(path):
            run = cls._open_locked(path, fresh, overwrite=overwrite, created=created)
            try:
                yield run
            except (EdgetoolError, OSError):
                run.require_there()  # else the error is about something in a folder that is no more
                raise

    @classmethod
    def _open_locked(cls, path: Path, fresh: Manifest, *, overwrite: bool, created: bool) -> RunFolder:
        kept = None if created or overwrite else _unfinished(path, fresh)
        if kept is None:
            _empty(path)
        else:
            kept = dataclasses.replace(remaining(path, kept), status="running")
            _remove_leftovers(path)
        run = cls(path, kept or fresh, resumed=bool(kept and kept.stages))
        try:
            run.artifacts.mkdir(exist_ok=True)
            run.cache.mkdir(exist_ok=True)
        except OSError as exc:
            raise disk_error(exc, path) from None
        run.save()
        return run

    def require_there(self) -> None:
        """Refuse to go on in a folder that is no longer the one that was opened.

        Raises:
            MissingFileError: names it.
        """
        try:
            found = self.path.stat()
            is_same = (found.st_dev, found.st_ino) == self._identity and self.artifacts.is_dir()
        except OSError:
            is_same = False
        if not is_same:
            raise MissingFileError(
                str(self.path),
                found="the run folder is gone: it was deleted or moved while the run was at work",
                expected="it to stay until the run has ended",
                next_step="run the same command again; it begins anew if the folder is not put back",
            )

    def update(self, **changes: Any) -> None:
        """Replace fields of the manifest and write it."""
        self.manifest = dataclasses.replace(self.manifest, **changes)
        self.save()

    def save(self) -> None:
        """Write the manifest atomically."""
        self.require_there()
        save_manifest(self.path, self.manifest)

    def finished(self, stage: Stage, key: str, recipe: str | None = None) -> bool:
        """Tell whether a stage (of a recipe) was finished with the same inputs."""
        same = (stage, recipe, key)
        return any((record.stage, record.recipe, record.key) == same for record in self.manifest.stages)

    def of_trial(self, trial: str) -> tuple[ArtifactRecord, ...]:
        """Return the artefacts of a trial."""
        return tuple(record for record in self.manifest.artifacts if record.trial == trial)

    def finish(
        self,
        stage: StageRecord,
        artifacts: tuple[ArtifactRecord, ...] = (),
        failures: tuple[FailureRecord, ...] = (),
        **changes: Any,
    ) -> None:
        """Record a finished stage, with new or changed artefacts and what failed in it, in one atomic write."""
        stages = (*(s for s in self.manifest.stages if s.name != stage.name), stage)
        records = {record.identity: record for record in (*self.manifest.artifacts, *artifacts)}
        order = {recipe: index for index, recipe in enumerate(self.manifest.recipes)}
        merged = sorted(records.values(), key=lambda record: order.get(record.recipe, len(order)))
        self.update(stages=stages, artifacts=tuple(merged), failures=(*self.manifest.failures, *failures), **changes)

    def close(self) -> None:
        """Mark the run as complete, or as failed where the same command may do better, and remove its cache."""
        again = any(failure.transient for failure in failures_of(self.manifest))
        self.update(status="failed" if again else "complete")
        shutil.rmtree(self.cache, ignore_errors=True)


def require_room(path: Path, fresh: Manifest, *, overwrite: bool) -> None:
    """Refuse what `RunFolder.open` would refuse, before anything is made.

    Raises:
        RunExistsError, ManifestError: see `RunFolder.open`.
    """
    _require_free(path, overwrite=overwrite)
    if not overwrite:
        _unfinished(path, fresh)


def _require_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a folder that no run may be written to: a finished run, or what is no run at all.

    Raises:
        RunExistsError: `overwrite` allows a finished run, never other content.
        ManifestError: the manifest there is damaged, and `overwrite` is not given.
    """
    if path.exists() and not path.is_dir():
        raise RunExistsError(
            str(path), found="a file", expected="a folder for the run", next_step="choose another -o/--out"
        )
    has_manifest = (path / MANIFEST_NAME).exists()
    if path.is_dir() and any(path.iterdir()) and not has_manifest and not _only_leftovers(path):
        raise RunExistsError(
            str(path),
            found="a folder with other content",
            expected="a new or empty folder, or a run folder",
            next_step="choose another -o/--out",
        )
    if has_manifest and not overwrite and load_manifest(path).status == "complete":
        raise RunExistsError(
            str(path),
            found="a finished run",
            expected="a new folder",
            next_step="choose another -o/--out, or give --overwrite to replace it",
        )


def _unfinished(path: Path, fresh: Manifest) -> Manifest | None:
    """Return the manifest of the run to go on with; None: there is none, or none that it would be a loss to replace.

    Raises:
        RunExistsError, ManifestError: see `RunFolder.open`.
    """
    _require_free(path, overwrite=False)
    if not (path / MANIFEST_NAME).exists():
        return None
    found = load_manifest(path)
    if found.run_key == fresh.run_key:
        return found
    if not found.artifacts:
        return None
    raise ManifestError(
        str(path),
        found="an unfinished run of another model, data, recipes or options",
        expected=f"the command that began it: {found.command}",
        next_step="repeat that command to go on, choose another -o/--out, or give --overwrite",
    )


def _only_leftovers(path: Path) -> bool:
    """Tell whether a run was killed between making its folder and writing its manifest."""
    return all(item.name == ".lock" or item.name.startswith(LEFTOVER) for item in path.iterdir())


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed process was writing, and its cache, which belongs to one process."""
    shutil.rmtree(path / "cache", ignore_errors=True)
    for folder in (path, path / ARTIFACTS):
        for item in folder.glob(".*-*") if folder.is_dir() else ():
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item, ignore_errors=True)


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
