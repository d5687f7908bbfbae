"""One process at a time in a run folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgetool.errors import OutputFileError, RunExistsError
from edgetool.store.lock import folder_lock

HOLD = """
import sys, time
from pathlib import Path
from edgetool.store.lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(RunExistsError, match="another edgetool process"), folder_lock(tmp_path):
            pytest.fail("two processes hold the lock")
    finally:
        holder.kill()
        holder.wait()
    with folder_lock(tmp_path):
        pass


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError), folder_lock(tmp_path / "none"):
        pass
