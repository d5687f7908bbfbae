"""A runner as one over ssh would be: agents start in another folder, behind a shell, and files reach them by a pipe.

Nothing but the row that the test adds to `edgetool.runners.RUNNERS` knows of it.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array
from edgetool.errors import DeviceUnavailableError
from edgetool.runners import agent
from edgetool.runners.agent_runner import AgentRunner
from edgetool.targets import Target


class ShellPlace:
    """A folder that only a shell with an environment of its own works in; paths there are relative to it."""

    name = "shell"

    def __init__(self, home: str) -> None:
        self._home = home

    def command(self) -> Sequence[str]:
        file = Path(agent.__file__)
        there = self._put_once(file.read_bytes(), f"agent-{digest_path(file)}.py")
        return self._shell(f"exec {shlex.quote(sys.executable)} -P {there}")

    def send(self, path: Path, digest: str) -> str:
        return self._put_once(path.read_bytes(), f"{digest}{path.suffix}")

    @contextlib.contextmanager
    def exchange(self) -> Iterator[ShellFolder]:
        folder = self.run("mktemp -d call-XXXXXX").decode().strip()
        try:
            yield ShellFolder(self, folder)
        finally:
            self.run(f"rm -r {folder}")

    def run(self, script: str, given: bytes = b"") -> bytes:
        """Run a script there and return what it wrote."""
        done = subprocess.run(self._shell(script), input=given, capture_output=True, timeout=60)
        if done.returncode:
            raise DeviceUnavailableError(
                self._home,
                found=done.stderr.decode().strip(),
                expected="a folder to work in",
                next_step="correct the address in target.toml",
            )
        return done.stdout

    def _put_once(self, content: bytes, name: str) -> str:
        self.run(f"test -e {name} || {{ cat > {name}; echo {name} >> received; }}", content)
        return name

    def _shell(self, script: str) -> list[str]:
        home = shlex.quote(self._home)
        lines = (f"cd {home} || exit 1", f"export TMPDIR={home}", script)
        return ["env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", "\n".join(lines)]


class ShellFolder:
    """The arrays of one call."""

    def __init__(self, place: ShellPlace, folder: str) -> None:
        self.prefix = f"{folder}/y"
        self._place = place
        self._folder = folder

    def write(self, name: str, array: Array) -> str:
        stream = io.BytesIO()
        np.save(stream, array)
        self._place.run(f"cat > {self._folder}/{name}", stream.getvalue())
        return f"{self._folder}/{name}"

    def read(self, path: str) -> Array:
        return np.load(io.BytesIO(self._place.run(f"cat {path}")))


def open_shell(target: Target) -> AgentRunner:
    """Return the runner of a target with the runner `shell://FOLDER`."""
    return AgentRunner(ShellPlace(target.runner_address))
