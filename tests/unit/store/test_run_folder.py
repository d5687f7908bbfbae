"""Run folders: new, resumed, refused."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from edgetool.artifact import Artifact, Format, Provenance, Signature
from edgetool.errors import DataError, InterpreterCrashError, ManifestError, MissingFileError, RunExistsError
from edgetool.records import (
    SCHEMA_VERSION,
    ArtifactRecord,
    FailedStage,
    FailureRecord,
    Manifest,
    SizeRecord,
    Stage,
    StageRecord,
    failures_of,
)
from edgetool.store.manifest_io import load_manifest, save_manifest
from edgetool.store.run_folder import RunFolder, hash_key, remaining, require_room


def fresh(key: str = "k") -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION,
        edgetool_version="0",
        command="edgetool compress m",
        run_key=key,
        created="",
        status="running",
        seed=0,
        recipes=("float32",),
        target="host",
        max_drop_points=1.0,
        data=None,
        source=None,
        machine=None,
    )


STAGE = StageRecord("build", "key", 1.0, "now", "float32")


def test_an_unfinished_run_goes_on(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        assert not run.resumed
        run.finish(STAGE)
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        assert run.resumed and run.finished("build", "key", "float32")
        assert not run.finished("build", "another key", "float32")


def test_a_finished_run_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        run.close()
        assert not run.cache.exists()
    with (
        pytest.raises(RunExistsError, match="a finished run"),
        RunFolder.open(tmp_path / "run", fresh(), overwrite=False),
    ):
        pass
    assert load_manifest(tmp_path / "run").status == "complete"
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=True) as run:
        assert run.manifest.stages == () and run.manifest.status == "running"


def test_another_run_is_not_mixed_in(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh("a"), overwrite=False) as run:
        run.finish(STAGE, (artifact("float32"),))
    with pytest.raises(ManifestError) as caught, RunFolder.open(tmp_path / "run", fresh("b"), overwrite=False):
        pass
    assert "edgetool compress m" in caught.value.expected


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunExistsError, match="other content"), RunFolder.open(tmp_path, fresh(), overwrite=True):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_keys_follow_content_alone() -> None:
    assert hash_key(fresh(), {"b": 1, "a": 2}) == hash_key(fresh(), {"a": 2, "b": 1})
    assert hash_key(fresh()) != hash_key(dataclasses.replace(fresh(), seed=1))


def failure(stage: FailedStage, recipe: str, kind: str | None = None, *, transient: bool) -> FailureRecord:
    error = InterpreterCrashError("model", found="killed", expected="life", next_step="again", transient=transient)
    return FailureRecord.of(error, stage=stage, recipe=recipe, format=kind)


def artifact(recipe: str, kind: Format = "onnx", failed: FailureRecord | None = None) -> ArtifactRecord:
    digest = hashlib.sha256(recipe.encode()).hexdigest()
    file = Artifact(f"artifacts/{recipe}.{kind}", kind, digest, 1, Signature((), ()), Provenance(None, "export"))
    return ArtifactRecord(f"{recipe}.{kind}", recipe, file, SizeRecord(1, 1, 1), 0, 0, 0, (), failure=failed)


RECIPES = ("float32", "float16", "w8a8_qat")
PER_RECIPE: tuple[Stage, ...] = ("build", "verify", "evaluate", "fit")


def begun(folder: Path, *failures: FailureRecord, **failed: FailureRecord) -> Manifest:
    """Write a run that ended after its bench; `failed` maps recipes to what went wrong with their artefact."""
    with RunFolder.open(folder, dataclasses.replace(fresh(), recipes=RECIPES), overwrite=False) as run:
        for recipe in reversed(RECIPES):
            record = artifact(recipe, failed=failed.get(recipe))
            (folder / record.artifact.path).write_text(recipe)
            own = tuple(failure for failure in failures if failure.recipe == recipe)
            run.finish(StageRecord("build", "b", 1.0, "now", recipe), (record,), own)
            for stage in PER_RECIPE[1:]:
                run.finish(StageRecord(stage, "k", 1.0, "now", recipe))
        run.finish(StageRecord("bench", "t", 1.0, "now"))
        run.finish(StageRecord("test", "s", 1.0, "now"))
        run.close()
        return run.manifest


def stages(manifest: Manifest) -> set[str]:
    return {stage.name for stage in manifest.stages}


ALL = {f"{stage} {recipe}" for stage in PER_RECIPE for recipe in RECIPES} | {"bench", "test"}


def test_artefacts_stand_in_the_order_of_the_recipes(tmp_path: Path) -> None:
    assert [record.recipe for record in begun(tmp_path / "run").artifacts] == list(RECIPES)


def test_a_lasting_failure_is_kept_and_ends_the_run(tmp_path: Path) -> None:
    export = failure("export", "float16", "tflite", transient=False)
    found = begun(tmp_path / "run", export, w8a8_qat=failure("verify", "w8a8_qat", "onnx", transient=False))
    assert found.status == "complete"
    assert remaining(tmp_path / "run", found) == found
    loaded = load_manifest(tmp_path / "run")
    assert failures_of(loaded)[0] == export
    error = failures_of(loaded)[0].error
    assert isinstance(error, InterpreterCrashError) and not error.transient and error.found == "killed"


@pytest.mark.parametrize(
    ("stage", "is_built_again"),
    [("build", True), ("export", True), ("verify", False), ("evaluate", False), ("bench", False), ("test", False)],
)
def test_what_failed_for_want_of_memory_or_a_process_is_tried_again(
    tmp_path: Path, stage: FailedStage, is_built_again: bool
) -> None:
    """Its artefact was left out of every stage behind the failure, `fit` too."""
    again = {f"{name} float16" for name in PER_RECIPE[not is_built_again :]} | {"bench", "test"}
    record = failure(stage, "float16", None if stage == "build" else "onnx", transient=True)
    own = stage in ("build", "export")
    found = begun(tmp_path / "run", *((record,) if own else ()), **({} if own else {"float16": record}))
    assert found.status == "failed"
    with RunFolder.open(tmp_path / "run", dataclasses.replace(fresh(), recipes=RECIPES), overwrite=False) as run:
        assert run.resumed and run.manifest.status == "running"
        assert stages(run.manifest) == ALL - again
        assert not failures_of(run.manifest)
        assert ("float16" in {a.recipe for a in run.manifest.artifacts}) is not own


def unfinished(folder: Path) -> Manifest:
    found = dataclasses.replace(begun(folder), status="running")
    save_manifest(folder, found)
    return found


def test_a_deleted_artefact_is_built_again(tmp_path: Path) -> None:
    unfinished(tmp_path / "run")
    (tmp_path / "run" / "artifacts" / "float16.onnx").unlink()
    with RunFolder.open(tmp_path / "run", dataclasses.replace(fresh(), recipes=RECIPES), overwrite=False) as run:
        assert stages(run.manifest) == ALL - {f"{name} float16" for name in PER_RECIPE} - {"bench", "test"}
        assert [record.recipe for record in run.manifest.artifacts] == ["float32", "w8a8_qat"]


def test_a_changed_artefact_is_refused_by_name(tmp_path: Path) -> None:
    unfinished(tmp_path / "run")
    (tmp_path / "run" / "artifacts" / "float16.onnx").write_text("another")
    again = dataclasses.replace(fresh(), recipes=RECIPES)
    with (
        pytest.raises(ManifestError, match=r"artifacts/float16\.onnx: other bytes"),
        RunFolder.open(tmp_path / "run", again, overwrite=False),
    ):
        pass


def test_an_unfinished_run_without_artefacts_gives_way(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh("mistyped"), overwrite=False) as run:
        run.finish(StageRecord("prepare", "", 1.0, "now"))
    with RunFolder.open(tmp_path / "run", fresh("corrected"), overwrite=False) as run:
        assert run.manifest.run_key == "corrected" and not run.resumed


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    unfinished(tmp_path / "run")
    half = tmp_path / "run" / "artifacts" / ".float16-0badcafe"
    half.mkdir()
    (half / "float16.onnx").write_text("half")
    (tmp_path / "run" / "cache").mkdir()
    (tmp_path / "run" / "cache" / "test_x0.npy").write_text("of another process")
    with RunFolder.open(tmp_path / "run", dataclasses.replace(fresh(), recipes=RECIPES), overwrite=False) as run:
        assert not half.exists() and list(run.cache.iterdir()) == []


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_folder_that_goes_away_is_named(tmp_path: Path, how: str) -> None:
    path = tmp_path / "run"
    with pytest.raises(MissingFileError, match="run folder is gone") as caught:  # noqa: SIM117
        with RunFolder.open(path, fresh(), overwrite=False) as run:
            if how == "moved":
                path.rename(tmp_path / "elsewhere")
            else:
                shutil.rmtree(path)
            if how == "replaced":
                (path / "artifacts").mkdir(parents=True)
            if how == "moved":
                raise DataError("test", found="no samples", expected="some", next_step="give --data")
            run.finish(STAGE)
    assert caught.value.subject == str(path)
    assert not (path / "manifest.json").exists()


def test_nothing_is_made_where_a_run_would_be_refused(tmp_path: Path) -> None:
    require_room(tmp_path / "new", fresh(), overwrite=False)
    assert not (tmp_path / "new").exists()
    begun(tmp_path / "run")
    with pytest.raises(RunExistsError, match="a finished run"):
        require_room(tmp_path / "run", fresh(), overwrite=False)
    require_room(tmp_path / "run", fresh(), overwrite=True)
    unfinished(tmp_path / "other")
    with pytest.raises(ManifestError, match="another model"):
        require_room(tmp_path / "other", fresh("another"), overwrite=False)


def test_artefacts_are_known_by_their_trial_whatever_the_recipe_is_called(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "run", fresh(), overwrite=False) as run:
        first = dataclasses.replace(artifact("float32"), trial="a")
        second = dataclasses.replace(artifact("float32"), name="again.onnx", trial="b")
        run.finish(STAGE, (first, second))
        run.finish(STAGE, (dataclasses.replace(first, macs=7),))
        assert run.of_trial("a") == (dataclasses.replace(first, macs=7),)
        assert run.of_trial("b") == (second,)
