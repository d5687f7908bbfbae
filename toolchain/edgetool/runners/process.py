"""Run artefacts on this machine, each alone in a child process that runs `agent.py`."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array
from edgetool.records import Machine
from edgetool.runners import agent
from edgetool.runners.agent_runner import AgentRunner
from edgetool.runners.base import Device
from edgetool.runners.conditions import Conditions, read_conditions
from edgetool.runners.energy import EnergyCounter, open_counter
from edgetool.runners.machine import describe_machine, local_memory_bytes
from edgetool.store.atomic import save_array
from edgetool.targets import Target

__all__ = ["LocalFolder", "LocalPlace", "ProcessRunner", "this_machine"]


class LocalFolder:
    """A folder for the arrays of one call; see `edgetool.runners.place.Exchange`.

    Args:
        folder: which is there.
    """

    def __init__(self, folder: str) -> None:
        self.prefix = f"{folder}/y"
        self._folder = folder

    def write(self, name: str, array: Array) -> str:
        """Write an array and return its path."""
        path = Path(self._folder, name)
        save_array(path, array)
        return str(path)

    def read(self, path: str) -> Array:
        """Return the array at a path."""
        return np.asarray(np.load(path, allow_pickle=False))


class LocalPlace:
    """This machine as a place of agents; see `edgetool.runners.place.Place`. Nothing is copied."""

    name = "process"

    def command(self) -> Sequence[str]:
        """Return the command of an agent."""
        return [sys.executable, "-P", str(Path(agent.__file__))]

    def send(self, path: Path, _digest: str) -> str:
        """Return the absolute path of a file, which is where it has to be."""
        return str(path.absolute())

    @contextlib.contextmanager
    def exchange(self) -> Iterator[LocalFolder]:
        """Return a temporary folder."""
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            yield LocalFolder(folder)


class ProcessRunner(AgentRunner):
    """This machine. It describes itself without an agent."""

    def __init__(self) -> None:
        super().__init__(LocalPlace())

    def probe(self) -> Machine:
        """Describe this machine."""
        if self._machine is None:
            self._machine = describe_machine()
        return self._machine

    def conditions(self) -> Conditions:
        """Return what this machine says about itself at this moment."""
        return read_conditions()

    def energy_counter(self, device: Device) -> EnergyCounter:
        """Return this machine's counter of energy, or that of its first GPU."""
        return open_counter(device)

    def read_files(self, patterns: Sequence[str]) -> dict[str, str]:
        """Return path -> text of files of this machine."""
        return agent.read_files(patterns)

    def _memory_bytes(self) -> int:
        return local_memory_bytes()

    def _allowed_cpus(self) -> tuple[int, ...]:
        return tuple(os.sched_getaffinity(0))


def this_machine(_target: Target) -> ProcessRunner:
    """Return a runner of this machine, which is the same for every target."""
    return ProcessRunner()
