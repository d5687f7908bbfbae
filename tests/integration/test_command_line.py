"""`edgetool` as a program among others: pipes, signals, full disks, completion, names that are no files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[1] / "golden" / "models"
PROGRAM = [sys.executable, "-m", "edgetool.cli.main"]


def edgetool(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 120}
    return subprocess.run([*PROGRAM, *arguments], **{**given, **options})  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("command", [["models", "document-cnn"], ["targets"], ["recipes", "--json"], ["--help"]])
def test_a_reader_that_goes_away_ends_the_program_as_a_pipe_does(command: list[str]) -> None:
    """The second and third way print by typer and by rich, which both say 1 by themselves."""
    reader, writer = os.pipe()
    os.close(reader)
    done = edgetool(*command, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_reader_of_errors_that_goes_away_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = edgetool("inspect", "none.onnx", stderr=writer)
    os.close(writer)
    assert done.returncode == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_finds_no_room_is_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        done = edgetool("recipes", stdout=full)
    assert done.returncode == 32 and done.stderr.startswith("edgetool: standard output: no space left")
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr


def test_every_command_has_a_short_option_for_help() -> None:
    from typer.testing import CliRunner

    from edgetool.cli.main import COMMANDS, app

    for words in ([], *([command] for command in COMMANDS)):
        short, long = (CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help"))
        assert short.exit_code == 0 and short.output == long.output


def test_shells_complete_commands_and_options() -> None:
    bash = {**os.environ, "_EDGETOOL_COMPLETE": "complete_bash", "COMP_WORDS": "edgetool comp", "COMP_CWORD": "1"}
    assert edgetool(env=bash).stdout.split() == ["compress", "compare"]
    words = {**bash, "COMP_WORDS": "edgetool compress --max-d", "COMP_CWORD": "2"}
    assert edgetool(env=words).stdout.split() == ["--max-drop"]
    zsh = {**os.environ, "_EDGETOOL_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "edgetool embed --runt"}
    assert "--runtime" in edgetool(env=zsh).stdout
    for shell in ("bash", "zsh"):
        script = edgetool("--show-completion", shell).stdout
        assert "_EDGETOOL_COMPLETE" in script and "edgetool" in script


def with_usual_signals() -> None:
    """Undo what a background job (SIGINT) and nohup (SIGHUP) make a child ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def running_bench(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a long measurement and return when its children are at work."""
    process = subprocess.Popen(
        [*PROGRAM, "bench", str(MODELS / "tiny.onnx"), "--seconds", "300", "-o", str(tmp_path / "bench.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        preexec_fn=with_usual_signals,
    )
    for _ in range(600):
        if children(process.pid):
            break
        time.sleep(0.05)
    return process


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_signal_leaves_no_process_and_no_file(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "tmp").mkdir()
    process = running_bench(tmp_path)
    agents = children(process.pid)
    assert agents
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in stderr and ("interrupted" in stderr or number == signal.SIGKILL)
    assert all(is_gone(pid) for pid in agents)
    assert not (tmp_path / "bench.json").exists()
    if number != signal.SIGKILL:
        assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("command", ["inspect", "verify", "bench", "embed", "compress", "export", "report"])
@pytest.mark.parametrize("kind", ["fifo", "long", "device"])
def test_what_is_no_file_is_one_clear_error(tmp_path: Path, command: str, kind: str) -> None:
    path = {"fifo": tmp_path / "model.onnx", "long": tmp_path / f"{'n' * 300}.onnx", "device": Path("/dev/zero")}[kind]
    if kind == "fifo":
        os.mkfifo(path)
    more = {
        "verify": [str(MODELS / "tiny.onnx")],
        "compress": ["--data", "digits", "-o", str(tmp_path / "run")],
        "export": ["-o", str(tmp_path / "out.onnx")],
    }.get(command, [])
    done = edgetool(command, str(path), *more, timeout=30)
    assert done.returncode in (10, 11), done.stderr
    assert done.stderr.startswith("edgetool: ") and "next:" in done.stderr and "Traceback" not in done.stderr
    assert {item.name for item in tmp_path.iterdir()} <= {"model.onnx"}
