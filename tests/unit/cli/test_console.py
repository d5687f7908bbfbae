"""What every command prints: tables that fit, and progress where nothing can move."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgetool.cli.bench import _print_table as print_bench
from edgetool.cli.compress import print_summary
from edgetool.cli.console import Console
from edgetool.store.manifest_io import load_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_a_table_fits_80_columns_without_its_optional_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = ["x" * 40, "1,000", "2,000", "3,000", "9" * 16]
    Console().table("", ["name", "bytes", "gzip", "zstd", "number"], [row], optional=("zstd", "gzip"))
    head, _, body = lines_of(capsys)
    assert len(body) <= 80 and "x" * 40 in body and "zstd" not in head and "gzip" in head


def test_a_wide_terminal_and_a_pipe_get_every_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    Console().table("", ["name", "bytes"], [["x" * 70, "1" * 30]], optional=("bytes",))
    assert "bytes" in lines_of(capsys)[0]


def test_the_summary_of_a_run_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    manifest = load_manifest(GOLDEN)
    print_summary(Console(), manifest, "run")
    lines = lines_of(capsys)
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    assert all(artifact.name in text for artifact in manifest.artifacts), "names are whole"


def test_names_stay_whole_beside_long_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    rows = [["nvidia gpu", "none that is known here", "what for " * 6], ["a-package-of-many-letters", "1.0", "it"]]
    Console().table("", ["name", "found", "what for"], rows)
    lines = lines_of(capsys)
    assert max(len(line) for line in lines) <= 60
    assert any("a-package-of-many-letters" in line for line in lines)


def test_a_long_step_says_so_again_and_again_where_nothing_moves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    console = Console(heartbeat_s=0.01)
    seen = threading.Event()
    beat = console._beat

    def watched() -> None:
        beat()
        seen.set()

    monkeypatch.setattr(Console, "_beat", lambda self: watched())
    console.progress("train", 3, 10)
    assert seen.wait(30.0)
    console.progress("train", 10, 10)
    console.close()
    text = capsys.readouterr().err
    assert "train: 3 of 10" in text and text.rstrip().splitlines()[-1].startswith("  train (")


def test_a_quiet_console_starts_no_clock() -> None:
    console = Console(quiet=True, heartbeat_s=0.01)
    console.progress("train", 3, 10)
    assert console._heartbeat is None


def test_bench_has_a_table_that_fits(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetool.measure.bench import BenchedFile, BenchReport

    monkeypatch.setenv("COLUMNS", "80")
    manifest = load_manifest(GOLDEN)
    assert manifest.machine is not None
    files = tuple(BenchedFile(a.name, a.name, "tflite", "d", 1, a.latency) for a in manifest.artifacts)
    print_bench(Console(), BenchReport(1, "0", "c", 0, "m", "p", manifest.machine, files), mlperf=False)
    lines = lines_of(capsys)
    assert max(len(line) for line in lines) <= 80 and any("p50" in line for line in lines)
