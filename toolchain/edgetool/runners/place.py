"""What a runner that starts agents has to know of a place: how one is started there, and how files get there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from edgetool.data.dataset import Array

__all__ = ["Exchange", "Place"]


class Exchange(Protocol):
    """A folder of the place for the arrays of one call.

    Attributes:
        prefix: of the paths there under which the agent may write.
    """

    prefix: str

    def write(self, name: str, array: Array) -> str:
        """Put an array there as `.npy` and return its path there."""

    def read(self, path: str) -> Array:
        """Return the array that the agent wrote to a path there."""


class Place(Protocol):
    """Somewhere that `runners/agent.py` can be started: this machine, or another one behind a connection.

    Attributes:
        name: what its runner is called.
    """

    name: str

    def command(self) -> Sequence[str]:
        """Return the command, run here, that starts an agent there and carries its standard input and output.

        The file `runners/agent.py` is put there first where the place does not have it yet.

        Raises:
            DeviceUnavailableError: the place cannot be reached.
        """

    def send(self, path: Path, digest: str) -> str:
        """Put an artefact there, unless one of this SHA-256 is there already, and return its path there."""

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Return a folder there that lasts as long as the context."""
