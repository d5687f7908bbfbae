"""A trial runs its stages once each, writes into one folder, and never sees the test split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.errors import DiskFullError, EdgetoolError, ExportError, PassError
from edgetool.pipeline import trial
from edgetool.pipeline.setup import Built, Prepared, Setup
from edgetool.pipeline.trial import FolderLedger, Workplace, run_trial
from edgetool.recipes.recipe import PassStep, Recipe, find_recipe
from edgetool.records import ArtifactRecord, SizeRecord
from edgetool.schema import to_builtins
from edgetool.targets import find_target
from edgetool.tasks import Task

PREPARED = Prepared(
    num_params=1,
    source_format="keras",
    runtime="keras",
    unavailable={},
    task=Task("classification", "accuracy", "sparse_categorical_crossentropy", from_logits=False),
    data_name="d",
    data_source="d.npz",
    data_digest="f" * 64,
    class_names=(),
    splits={"val": 9, "test": 9},
    parity_split="parity",
    facts={},
)
NOTHING: Any = None


def recipe(sparsity: float = 0.8, name: str = "mine") -> Recipe:
    passes = (PassStep("prune", {"sparsity": sparsity}),)
    return dataclasses.replace(find_recipe("float32"), name=name, passes=passes, exports=("onnx", "tflite"))


class Workshop:
    """Writes files in place of passes and exporters; `error` is what one format or the whole recipe fails with."""

    def __init__(self, *, error: EdgetoolError | None = None, is_export: bool = True) -> None:
        self.error = error
        self.is_export = is_export
        self.later: list[list[str]] = []

    def call(self, method: str, params: dict[str, Any], **_: Any) -> Any:
        assert method == "edgetool.pipeline.workshop:build"
        self.later.append([item["name"] for item in params["later"]])
        if self.error is not None and not self.is_export:
            raise self.error
        out, name = Path(params["out"]), params["recipe"]["name"]
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.onnx").write_text(str(params["recipe"]["passes"]))
        failures = {} if self.error is None else {"tflite": self.error.to_dict()}
        file = Artifact(f"artifacts/{name}.onnx", "onnx", "d" * 64, 1, Signature((), ()), Provenance(None, name))
        record = ArtifactRecord(f"{name}.onnx", name, file, SizeRecord(1, 1, 1), 0, 0, 0, (), trial=params["trial"])
        return to_builtins(Built((), (), (record,), failures))


def place(workshop: Any = None) -> Workplace:
    return Workplace(
        setup=Setup("m.keras", "d.npz", "cache"),
        source_digest="s" * 64,
        prepared=PREPARED,
        target=find_target("host"),
        workshop=workshop or Workshop(),
        fitter=NOTHING,
        runner=NOTHING,
        progress=lambda what, done, total: None,
    )


@pytest.fixture(autouse=True)
def stages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the stages that run files by a list of those that were called."""
    called: list[str] = []

    def fake(name: str) -> Any:
        def stage(artifacts: Sequence[ArtifactRecord], *_: Any, **options: Any) -> tuple[ArtifactRecord, ...]:
            called.append(f"{name} {options['split']}" if "split" in options else name)
            return tuple(dataclasses.replace(record, macs=record.macs + 1) for record in artifacts)

        return stage

    for name in ("verify", "evaluate", "fit"):
        monkeypatch.setattr(trial, f"{name}_stage", fake(name))
    return called


def test_every_stage_runs_once_and_the_test_split_is_not_in_it(tmp_path: Path, stages: list[str]) -> None:
    ledger = FolderLedger(tmp_path)
    first = run_trial(recipe(), place(), ledger)
    assert stages == ["verify", "evaluate val", "fit"]
    assert [record.macs for record in first.artifacts] == [3]
    again = run_trial(recipe(), place(), ledger)
    assert len(stages) == 3 and again.artifacts == first.artifacts
    assert [stage.name for stage in ledger.stages] == ["build mine", "verify mine", "evaluate mine", "fit mine"]


def test_trials_of_one_name_are_told_apart_and_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    ledgers = [FolderLedger(tmp_path / name) for name in ("one", "two")]
    results = [run_trial(recipe(share), place(), ledger) for share, ledger in zip((0.5, 0.9), ledgers, strict=True)]
    assert results[0].trial != results[1].trial
    assert results[0].artifacts[0].identity != results[1].artifacts[0].identity
    texts = [(ledger.path / "artifacts" / "mine.onnx").read_text() for ledger in ledgers]
    assert "0.5" in texts[0] and "0.9" in texts[1]


def test_an_identity_follows_from_contents_not_from_names() -> None:
    here = place()
    moved = dataclasses.replace(here, setup=dataclasses.replace(here.setup, model="/elsewhere/m.keras", cache="other"))
    assert here.identify(recipe(name="a")) == moved.identify(recipe(name="b"))
    reseeded = dataclasses.replace(here, setup=dataclasses.replace(here.setup, seed=1))
    other_model = dataclasses.replace(here, source_digest="t" * 64)
    assert len({item.identify(recipe()) for item in (here, reseeded, other_model)}) == 3


def test_the_workshop_knows_what_comes_later(tmp_path: Path) -> None:
    workshop = Workshop()
    run_trial(recipe(), place(workshop), FolderLedger(tmp_path), later=(recipe(name="b"), recipe(name="c")))
    assert workshop.later == [["b", "c"]]


def test_a_pass_that_fails_is_a_record_and_ends_the_trial(tmp_path: Path, stages: list[str]) -> None:
    error = PassError("prune", found="no layer", expected="one", next_step="another recipe")
    ledger = FolderLedger(tmp_path)
    result = run_trial(recipe(), place(Workshop(error=error, is_export=False)), ledger)
    assert result.artifacts == () and stages == []
    assert [(failure.stage, failure.name) for failure in ledger.failures] == [("build", "mine")]


def test_a_format_that_fails_leaves_the_other_one(tmp_path: Path, stages: list[str]) -> None:
    error = ExportError("mine.tflite", found="no kernel", expected="one", next_step="take onnx")
    result = run_trial(recipe(), place(Workshop(error=error)), FolderLedger(tmp_path))
    assert [record.name for record in result.artifacts] == ["mine.onnx"]
    assert [(failure.stage, failure.name) for failure in result.failures] == [("export", "mine.tflite")]
    assert stages[0] == "verify"


def test_a_full_disk_ends_everything_and_leaves_no_file(tmp_path: Path) -> None:
    error = DiskFullError("disk", found="full", expected="room", next_step="make room")
    ledger = FolderLedger(tmp_path)
    with pytest.raises(DiskFullError):
        run_trial(recipe(), place(Workshop(error=error)), ledger)
    assert not ledger.stages and not list((tmp_path / "artifacts").iterdir())


def test_formats_that_the_source_cannot_become_are_left_out(tmp_path: Path) -> None:
    frozen = dataclasses.replace(place(), prepared=dataclasses.replace(PREPARED, unavailable={"tflite": "it is ONNX"}))
    ledger = FolderLedger(tmp_path)
    run_trial(recipe(), frozen, ledger)
    only_onnx = dataclasses.replace(recipe(), exports=("onnx",))
    assert ledger.finished("build", trial.hash_key(only_onnx.passes, only_onnx.exports), "mine")
