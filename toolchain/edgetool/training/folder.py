"""The folder of a training run: new, resumed, or refused; and its checkpoints.

RUN/state.json          settings, history so far, name of the newest checkpoint; while the run is in progress
RUN/epoch-0003.npz      the newest checkpoint: weights and optimizer state; and the best one, where training stops early
RUN/history.csv         one line an epoch
RUN/logs/               the same for TensorBoard
RUN/model.keras         the trained model
RUN/tokenizer.json      and what else the data set gives for an application (`Dataset.files`)
RUN/train.json          everything about the run; written last

Every file but the logs appears under its name at once, and the state is written after the checkpoint that it names:
whenever the process dies, what lies there fits together.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from edgetool.data.dataset import DATA_FILES
from edgetool.errors import EdgetoolError, ManifestError, MissingFileError, RunExistsError
from edgetool.schema import load_json, parse, to_json
from edgetool.store.atomic import atomic_path, disk_error, write_text
from edgetool.store.lock import folder_lock
from edgetool.training.record import EpochCost, EpochRecord, TrainRecord, TrainSettings, TrainState, history_csv

__all__ = ["MODEL", "RECORD", "TrainFolder", "open_train_folder", "require_free"]

MODEL = "model.keras"
RECORD = "train.json"
STATE = "state.json"
HISTORY = "history.csv"
LOGS = "logs"
CHECKPOINTS = "epoch-*.npz"
LEFTOVERS = (".epoch-", ".state-", ".model-", ".train-", ".history-", ".tokenizer-")

#: What a training run may hold beside checkpoints; anything else makes a folder somebody else's.
OWN = frozenset({MODEL, RECORD, STATE, HISTORY, LOGS, ".lock", *DATA_FILES})


class TrainFolder:
    """An open training run; made by `open_train_folder`."""

    def __init__(self, path: Path, state: TrainState) -> None:
        self.path = path
        self.state = state
        place = path.stat()
        self._identity = (place.st_dev, place.st_ino)

    @property
    def checkpoint(self) -> Path | None:
        """The newest checkpoint, or None before the first."""
        return self.path / self.state.checkpoint if self.state.checkpoint else None

    @property
    def logs(self) -> Path:
        """The folder of TensorBoard's files."""
        return self.path / LOGS

    def checkpoint_of(self, epoch: int) -> Path:
        """Return the path of an epoch's checkpoint; only the newest and the best one are kept."""
        return self.path / CHECKPOINTS.replace("*", f"{epoch:04d}")

    def save_checkpoint(
        self, save: Callable[[Path], None], epoch: EpochRecord, *, cost: EpochCost, best: int | None = None
    ) -> None:
        """Write a checkpoint with `save`, then the state that names it and the history, then remove older ones.

        Args:
            save: writes the file.
            epoch: The epoch that has just been finished.
            cost: The cost of that epoch.
            best: the epoch whose checkpoint is kept besides.

        Raises:
            DiskFullError: no space left; the checkpoint before is still there.
        """
        self.require_there()
        path = self.checkpoint_of(epoch.epoch)
        with atomic_path(path) as temporary:
            save(temporary)
        history, costs = (*self.state.history, epoch), (*self.state.costs, cost)
        self.save_state(dataclasses.replace(self.state, history=history, costs=costs, checkpoint=path.name))
        write_text(self.path / HISTORY, history_csv(history))
        kept = {path, path if best is None else self.checkpoint_of(best)}
        for old in self.path.glob(CHECKPOINTS):
            if old not in kept:
                old.unlink(missing_ok=True)

    def save_state(self, state: TrainState) -> None:
        """Replace the state, in memory and on disk."""
        self.require_there()
        self.state = state
        write_text(self.path / STATE, to_json(state))

    def require_there(self) -> None:
        """Refuse to go on where the folder was deleted or moved: writing would make one with a part of the run.

        Raises:
            MissingFileError: names it.
        """
        try:
            place = self.path.stat()
            is_same = (place.st_dev, place.st_ino) == self._identity
        except OSError:
            is_same = False
        if not is_same:
            raise MissingFileError(
                str(self.path),
                found="the folder is gone: it was deleted or moved while the training was at work",
                expected="it to stay until the training has ended",
                next_step="run the same command again; it begins anew if the folder is not put back",
            )

    def finish(self, record: TrainRecord, files: dict[str, str]) -> None:
        """Write the data set's `files`, the history and the record, and remove what only a resume needs."""
        self.require_there()
        for name, text in files.items():
            write_text(self.path / name, text)
        write_text(self.path / HISTORY, history_csv(record.history))
        write_text(self.path / RECORD, to_json(record) + "\n")
        self.path.joinpath(STATE).unlink(missing_ok=True)
        for checkpoint in self.path.glob(CHECKPOINTS):
            checkpoint.unlink(missing_ok=True)


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a folder that training may not write to: a finished run, or anything that is no training run.

    Raises:
        RunExistsError: see above; `overwrite` allows a finished run, never other content.
    """
    if path.exists() and not path.is_dir():
        raise RunExistsError(str(path), found="a file", expected="a folder", next_step="choose another -o/--out")
    if (path / RECORD).exists() and not overwrite:
        raise RunExistsError(
            str(path),
            found="a finished training run",
            expected="a new folder",
            next_step="choose another -o/--out, or give --overwrite to train again",
        )
    if path.is_dir():
        other = [
            item.name
            for item in sorted(path.iterdir())
            if item.name not in OWN and not item.match(CHECKPOINTS) and not _is_leftover(item)
        ]
        if other:
            raise RunExistsError(
                str(path),
                found=f"a folder with other content ({other[0]})",
                expected="a new or empty folder, or a training run",
                next_step="choose another -o/--out",
            )


@contextlib.contextmanager
def open_train_folder(path: Path, settings: TrainSettings, *, overwrite: bool) -> Iterator[TrainFolder]:
    """Open `path` and hold its lock: a new run, or the one that was begun there with the same settings.

    Raises:
        RunExistsError: a finished run, another process at work, or other content is there.
        ManifestError: an unfinished run with other settings, or a damaged state, is there.
    """
    require_free(path, overwrite=overwrite)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise disk_error(exc, path) from None
    with folder_lock(path):
        require_free(path, overwrite=overwrite)
        for item in path.iterdir():
            if _is_leftover(item):
                shutil.rmtree(item, ignore_errors=True)
        state = _load_state(path, settings) if (path / STATE).exists() and not overwrite else None
        if state is not None:
            folder = TrainFolder(path, state)
            folder.save_state(dataclasses.replace(state, num_resumes=state.num_resumes + 1))
        else:
            for name in (RECORD, STATE, MODEL, HISTORY, *DATA_FILES):
                path.joinpath(name).unlink(missing_ok=True)
            for item in path.glob(CHECKPOINTS):
                item.unlink(missing_ok=True)
            shutil.rmtree(path / LOGS, ignore_errors=True)
            folder = TrainFolder(path, TrainState(settings))
            folder.save_state(folder.state)
        yield folder


def _is_leftover(item: Path) -> bool:
    """Tell whether `item` is the folder of a file that was being written when the process died."""
    return item.is_dir() and item.name.startswith(LEFTOVERS)


def _load_state(path: Path, settings: TrainSettings) -> TrainState | None:
    """Return the state of the run that was begun there; None: one with other settings and no checkpoint to lose."""
    try:
        fields = load_json(path / STATE, error=ManifestError)
    except EdgetoolError as exc:
        raise ManifestError(
            str(path / STATE),
            found=f"no readable state ({exc.found})",
            expected="the state of a training run",
            next_step="give --overwrite to train anew",
        ) from None
    state = parse(TrainState, fields, source=str(path / STATE), error=ManifestError)
    different = [
        f"{field.name} {getattr(state.settings, field.name)!r}, now {getattr(settings, field.name)!r}"
        for field in dataclasses.fields(TrainSettings)
        if getattr(state.settings, field.name) != getattr(settings, field.name)
    ]
    if different and not state.checkpoint:
        return None
    if different:
        raise ManifestError(
            str(path),
            found=f"an unfinished training run with other settings ({'; '.join(different)})",
            expected="the settings that it began with",
            next_step="repeat the first command to go on, choose another -o/--out, or give --overwrite to train anew",
        )
    if state.checkpoint and not (path / state.checkpoint).is_file():
        raise ManifestError(
            str(path / state.checkpoint),
            found="no such checkpoint",
            expected="the one that state.json names",
            next_step="give --overwrite to train anew",
        )
    return state
