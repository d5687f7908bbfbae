"""The training folder: new, resumed, refused; what lies there fits together whenever the process dies."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from edgetool.errors import DiskFullError, ManifestError, MissingFileError, RunExistsError
from edgetool.runners.machine import describe_machine
from edgetool.schema import to_json
from edgetool.training.folder import open_train_folder, require_free
from edgetool.training.record import CostRecord, EpochCost, EpochRecord, TrainRecord, TrainSettings

SETTINGS = TrainSettings(
    model="m",
    data="digits",
    data_digest="d",
    num_train_samples=100,
    max_samples=None,
    preprocessing="x",
    loss="mse",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=64,
    epochs=3,
    seed=0,
)

COST = EpochCost(train_seconds=0.8, energy_joules=None, peak_memory_bytes=1)
RECORD = TrainRecord(
    schema_version=1,
    edgetool_version="0",
    model="m",
    settings=SETTINGS,
    data_source="",
    class_names=(),
    splits={},
    facts={},
    num_params=1,
    model_digest="",
    seconds=1.0,
    num_resumes=0,
    device="cpu",
    machine=describe_machine(),
    history=(),
    best_epoch=0,
    cost=CostRecord(
        seconds=1.0,
        device="cpu",
        num_devices=1,
        peak_memory_bytes=1,
        peak_memory_method="",
        energy_joules=None,
        energy_method="",
        macs_per_sample=None,
        flops_per_step=None,
        flops_method="",
        samples_per_second=1.0,
    ),
)


def _epoch(number: int) -> EpochRecord:
    return EpochRecord(number, 0.5, 0.9, 0.6, 0.8, 1.0)


def _save(content: bytes) -> object:
    return lambda path: path.write_bytes(content)


def _train(path: Path, epochs: int) -> None:
    with open_train_folder(path, SETTINGS, overwrite=False) as folder:
        for number in range(len(folder.state.history) + 1, epochs + 1):
            folder.save_checkpoint(_save(b"weights %d" % number), _epoch(number), cost=COST)  # type: ignore[arg-type]


def test_a_new_run_begins_without_checkpoint(tmp_path: Path) -> None:
    with open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder:
        assert folder.checkpoint is None and folder.state.history == ()


def test_the_newest_checkpoint_is_kept_and_found_again(tmp_path: Path) -> None:
    _train(tmp_path / "run", 2)
    assert [item.name for item in sorted(tmp_path.joinpath("run").glob("*.npz"))] == ["epoch-0002.npz"]
    with open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder:
        assert folder.checkpoint is not None and folder.checkpoint.read_bytes() == b"weights 2"
        assert [epoch.epoch for epoch in folder.state.history] == [1, 2]
        assert folder.state.num_resumes == 1


def test_the_best_checkpoint_is_kept_beside_the_newest(tmp_path: Path) -> None:
    with open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder:
        for number, best in ((1, 1), (2, 2), (3, 2), (4, 2)):
            folder.save_checkpoint(_save(b"weights %d" % number), _epoch(number), cost=COST, best=best)  # type: ignore[arg-type]
        kept = sorted(item.name for item in folder.path.glob("*.npz"))
        assert kept == ["epoch-0002.npz", "epoch-0004.npz"]
        assert folder.checkpoint_of(2).read_bytes() == b"weights 2"
        assert folder.state.costs == (COST,) * 4
        assert len((folder.path / "history.csv").read_text().splitlines()) == 5


def test_a_checkpoint_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    def full(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    _train(tmp_path / "run", 1)
    with (
        pytest.raises(DiskFullError),
        open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder,
    ):
        folder.save_checkpoint(full, _epoch(2), cost=COST)
    with open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder:
        assert folder.checkpoint is not None and folder.checkpoint.read_bytes() == b"weights 1"
    assert not [item for item in (tmp_path / "run").iterdir() if item.name.startswith(".epoch")]


def test_leftovers_of_a_killed_write_are_swept_away(tmp_path: Path) -> None:
    _train(tmp_path / "run", 1)
    leftover = tmp_path / "run" / ".epoch-0002-abc"
    leftover.mkdir()
    (leftover / "epoch-0002.npz").write_bytes(b"half")
    _train(tmp_path / "run", 1)
    assert not leftover.exists()


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    _train(tmp_path / "run", 1)
    (tmp_path / "run" / "logs").mkdir()
    other = dataclasses.replace(SETTINGS, batch_size=32, seed=4)
    with (
        pytest.raises(ManifestError, match="batch_size 64, now 32; seed 0, now 4"),
        open_train_folder(tmp_path / "run", other, overwrite=False),
    ):
        pass
    with open_train_folder(tmp_path / "run", other, overwrite=True) as folder:
        assert folder.state.settings == other and folder.checkpoint is None
    assert not list((tmp_path / "run").glob("*.npz"))
    assert not (tmp_path / "run" / "logs").exists()


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    _train(tmp_path / "run", 1)
    state = tmp_path / "run" / "state.json"
    state.write_text(state.read_text()[:40])
    with pytest.raises(ManifestError, match="no readable state"):
        _train(tmp_path / "run", 2)
    state.write_text('{"settings": 3}')
    with pytest.raises(ManifestError, match=r"state\.json"):
        _train(tmp_path / "run", 2)


def test_a_lost_checkpoint_is_named(tmp_path: Path) -> None:
    _train(tmp_path / "run", 1)
    (tmp_path / "run" / "epoch-0001.npz").unlink()
    with pytest.raises(ManifestError, match="no such checkpoint"):
        _train(tmp_path / "run", 2)


def test_a_finished_run_and_other_content_are_refused(tmp_path: Path) -> None:
    finished = tmp_path / "finished"
    finished.mkdir()
    (finished / "train.json").write_text(to_json(SETTINGS))
    with pytest.raises(RunExistsError, match="finished training run"):
        require_free(finished, overwrite=False)
    require_free(finished, overwrite=True)
    (finished / "thesis.tex").touch()
    with pytest.raises(RunExistsError, match=r"other content \(thesis.tex\)"):
        require_free(finished, overwrite=True)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RunExistsError, match="a file"):
        require_free(file, overwrite=True)
    require_free(tmp_path / "new", overwrite=False)


def test_files_of_the_data_are_a_runs_own(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with open_train_folder(run, SETTINGS, overwrite=False) as folder:
        folder.finish(RECORD, {"tokenizer.json": "{}"})
    assert run.joinpath("tokenizer.json").read_text() == "{}" and run.joinpath("train.json").is_file()
    require_free(run, overwrite=True)
    with open_train_folder(run, SETTINGS, overwrite=True):
        assert not run.joinpath("tokenizer.json").exists()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        open_train_folder(tmp_path / "run", SETTINGS, overwrite=False),
        pytest.raises(RunExistsError, match="another edgetool process"),
        open_train_folder(tmp_path / "run", SETTINGS, overwrite=False),
    ):
        pass


def test_a_run_without_a_checkpoint_gives_way_to_the_corrected_command(tmp_path: Path) -> None:
    other = dataclasses.replace(SETTINGS, learning_rate=0.1)
    with open_train_folder(tmp_path / "run", other, overwrite=False):
        pass
    with open_train_folder(tmp_path / "run", SETTINGS, overwrite=False) as folder:
        assert folder.state.settings == SETTINGS and folder.state.num_resumes == 0


@pytest.mark.parametrize("text", ["[" * 100_000, '{"settings": 1e999}', "{}"])
def test_a_hostile_state_is_refused(tmp_path: Path, text: str) -> None:
    _train(tmp_path / "run", 1)
    (tmp_path / "run" / "state.json").write_text(text)
    with pytest.raises(ManifestError), open_train_folder(tmp_path / "run", SETTINGS, overwrite=False):
        pass


def test_a_folder_that_goes_away_is_named_and_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with open_train_folder(path, SETTINGS, overwrite=False) as folder:
        shutil.rmtree(path)
        with pytest.raises(MissingFileError, match="folder is gone"):
            folder.save_checkpoint(_save(b"weights"), _epoch(1), cost=COST)  # type: ignore[arg-type]
        assert not path.exists()
