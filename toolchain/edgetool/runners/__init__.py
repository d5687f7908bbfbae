"""Where an artefact runs: always in a child process or on a device, never in the parent. The table of runners.

A target names its runner: a kind alone (`process`), or a kind with an address (`ssh://pi@board.local`). Nothing
registers by being imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgetool.catalog import load_object
from edgetool.errors import TargetError, nearest
from edgetool.targets import Target

if TYPE_CHECKING:
    from edgetool.runners.base import Runner

__all__ = ["RUNNERS", "RunnerKind", "kind_of", "open_board", "open_runner", "runs_models"]


@dataclass(frozen=True, slots=True)
class RunnerKind:
    """A way to run artefacts.

    Attributes:
        loader: `module:function`. The function takes a target and returns the runner of it.
        runs: `models` are `.tflite` and `.onnx` files in an interpreter; `firmware` is C made from a `.tflite` file.
        measured: where the figures of its targets come from, in words.
    """

    loader: str
    runs: Literal["models", "firmware", "nothing"]
    measured: str


RUNNERS: dict[str, RunnerKind] = {
    "process": RunnerKind("edgetool.runners.process:this_machine", "models", "here"),
    "qemu": RunnerKind(
        "edgetool.embed.boards.qemu:emulated_board",
        "firmware",
        "in QEMU, instructions and memory: edgetool embed --runtime c --run",
    ),
    "none": RunnerKind("", "nothing", "not by edgetool: budgets only"),
}

#: Where model files run if a target has no runner for them.
THIS_MACHINE = Target("host", "This machine", "", ("litert", "onnxruntime"), "process")


def kind_of(target: Target) -> RunnerKind:
    """Return the row of a target's runner.

    Raises:
        TargetError: the table has no such row.
    """
    row = RUNNERS.get(target.runner_kind)
    if row is None:
        raise TargetError(
            target.name,
            found=f"unknown runner {target.runner_kind!r}",
            expected="a known runner",
            next_step=nearest(target.runner_kind, list(RUNNERS)),
        )
    return row


def runs_models(target: Target) -> bool:
    """Tell whether model files run on the target itself, so that their latency is the target's."""
    row = RUNNERS.get(target.runner_kind)
    return row is not None and row.runs == "models"


def open_board(target: Target) -> Runner:
    """Return the runner of firmware for a target.

    Raises:
        TargetError: nothing of edgetool runs firmware on it.
    """
    row = kind_of(target)
    if row.runs != "firmware":
        boards = [kind for kind, other in RUNNERS.items() if other.runs == "firmware"]
        raise TargetError(
            f"--target {target.name}",
            found=f"runner {target.runner!r}, which runs no firmware",
            expected=f"a target with the runner {' or '.join(boards)}",
            next_step="edgetool targets lists the targets; cortex-m4-qemu is one",
        )
    board: Runner = load_object(row.loader)(target)
    return board


def open_runner(target: Target | None = None) -> Runner:
    """Return the runner of model files for a target.

    It is this machine where no target is given, and where nothing of edgetool runs model files on the target: they
    are then verified and measured here.
    """
    place = target if target is not None and runs_models(target) else THIS_MACHINE
    runner: Runner = load_object(kind_of(place).loader)(place)
    return runner
