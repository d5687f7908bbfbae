"""The table of runners: a target names a row, and gets the runner that the row leads to."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from edgetool.catalog import load_object
from edgetool.errors import TargetError
from edgetool.runners import RUNNERS, RunnerKind, kind_of, open_board, open_runner, runs_models
from edgetool.runners.process import ProcessRunner
from edgetool.targets import Target, find_target, list_targets, parse_target

HOST = find_target("host")
BOARD = {"name": "b", "title": "B", "description": "", "runtimes": ["litert"], "runner": "bench-pc://lab/7"}


def made_for(target: Target) -> SimpleNamespace:
    """Return what stands for a runner of the target."""
    return SimpleNamespace(name="fake", address=target.runner_address)


@pytest.mark.parametrize("row", [row for row in RUNNERS.values() if row.loader], ids=lambda row: row.loader)
def test_every_row_leads_to_a_function(row: RunnerKind) -> None:
    assert callable(load_object(row.loader))


def test_every_target_names_a_row() -> None:
    for target in list_targets():
        assert kind_of(target).measured


def test_model_files_run_on_this_machine_unless_the_target_has_a_runner_for_them() -> None:
    for target in (None, HOST, find_target("stm32h743"), find_target("cortex-m4-qemu")):
        assert isinstance(open_runner(target), ProcessRunner)
    assert runs_models(HOST)
    assert not runs_models(find_target("cortex-m4-qemu")) and not runs_models(find_target("stm32h743"))


def test_firmware_runs_where_a_target_has_a_runner_for_it() -> None:
    assert open_board(find_target("cortex-m4-qemu")).name == "qemu"
    with pytest.raises(TargetError, match="runner 'process', which runs no firmware"):
        open_board(HOST)


def test_a_new_row_is_all_that_a_new_runner_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetError, match="unknown runner 'bench-pc'"):
        parse_target(BOARD, source="target.toml")
    monkeypatch.setattr("edgetool.runners.process.made_for", made_for, raising=False)
    monkeypatch.setitem(RUNNERS, "bench-pc", RunnerKind("edgetool.runners.process:made_for", "models", "there"))
    target = parse_target(BOARD, source="target.toml")
    assert runs_models(target)
    assert open_runner(target) == SimpleNamespace(name="fake", address="lab/7")


def test_an_address_is_no_part_of_the_kind() -> None:
    target = dataclasses.replace(HOST, runner="process://here")
    assert (target.runner_kind, target.runner_address) == ("process", "here")
    assert (HOST.runner_kind, HOST.runner_address) == ("process", "")
