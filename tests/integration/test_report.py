"""`edgetool report` as it is typed: one page that opens offline, and every part of it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgetool.errors import ManifestError, MissingFileError, RunExistsError, UsageError

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
FILES = ["report.html", "report.md", "results.csv", "results.json"]

#: Attributes that make a browser load what they name.
LOADING = {"src", "srcset", "href", "xlink:href", "poster", "data", "action", "background", "manifest", "style"}


def edgetool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgetool.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


class Page(HTMLParser):
    """Collects what a test asks about: references, headings, text, tables' heads."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.references: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self.ids: set[str] = set()
        self._heading: list[str] | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [(tag, name, value or "") for name, value in attrs if name in LOADING]
        self.ids |= {value for name, value in attrs if name == "id" and value}
        if re.fullmatch("h[1-4]", tag):
            self._heading = []

    def handle_endtag(self, tag: str) -> None:
        if re.fullmatch("h[1-4]", tag) and self._heading is not None:
            self.headings.append("".join(self._heading).strip())
            self._heading = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._heading is not None:
            self._heading.append(data)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "resnet8"
    folder.mkdir()
    shutil.copy(GOLDEN / "manifest.json", folder)
    done = edgetool("report", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("resnet8: Yes: ")
    return folder


@pytest.fixture(scope="module")
def page(run_folder: Path) -> Page:
    return Page((run_folder / "report.html").read_text(encoding="utf-8"))


def test_every_file_is_written_into_the_run(run_folder: Path) -> None:
    assert sorted(path.name for path in run_folder.iterdir()) == sorted(["manifest.json", *FILES])
    assert (run_folder / "report.html").stat().st_size < 2_000_000


def test_the_page_loads_nothing(run_folder: Path, page: Page) -> None:
    assert page.references, "the page has links to its own sections"
    for tag, name, value in page.references:
        assert name == "href" and value.startswith("#") and value[1:] in page.ids, f"<{tag} {name}={value!r}>"
    source = (run_folder / "report.html").read_text(encoding="utf-8")
    for word in ("url(", "@import", "@font-face", "fetch(", "XMLHttpRequest", "WebSocket", "importScripts", "<link"):
        assert word not in source, word
    assert "default-src 'none'" in source


def test_charts_are_well_formed(run_folder: Path) -> None:
    source = (run_folder / "report.html").read_text(encoding="utf-8")
    charts = re.findall(r'<svg class="chart".*?</svg>', source, flags=re.DOTALL)
    assert len(charts) == 3, "one for the size, one for each number of threads"
    for chart in charts:
        root = ElementTree.fromstring(chart)
        marks = [item for item in root.iter("g") if (item.get("class") or "").startswith("mark")]
        bars = [item for item in root.iter("g") if (item.get("class") or "").startswith("bars")]
        assert len(marks) == 23 and len(bars) == 23, "every artefact has a point with error bars"
        assert all(item.find("line") is not None for item in bars)


@pytest.mark.parametrize(
    "heading",
    [
        "Smallest",
        "Fastest",
        "Source model",
        "2 failures",
        "Summary",
        "Charts",
        "Size and memory",
        "Test accuracy, in pairs with the source model",
        "Accuracy of each class",
        "Latency",
        "Parity",
        "Invariants in the exported files",
        "Layers of each artefact",
        "How this was measured",
        "Data",
        "Machine",
        "Passes",
        "Skipped layers",
        "Stages",
    ],
)
def test_every_part_has_a_heading(page: Page, heading: str) -> None:
    assert heading in page.headings


def test_what_was_measured_where_is_told(page: Page) -> None:
    text = " ".join("".join(page.text).split())
    for words in (
        "Example CPU @ 2.60GHz, 2 cores usable",
        "all artefacts interleaved in one run, each in a process of its own",
        "95 % bootstrap interval",
        "825 test samples",
        "train 7,261, val 807, test 825",
        "w8a8_static.onnx fits host in 103 kB",
        "432 weights: too few to be worth it",
    ):
        assert words in text, words


def test_json_and_csv_tell_the_same(run_folder: Path) -> None:
    results = json.loads((run_folder / "results.json").read_text())
    assert (results["schema"], results["schema_version"]) == ("edgetool-results", 3)
    with (run_folder / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    (run,) = results["runs"]
    by_name = {item["name"]: item for item in run["artifacts"]}
    assert {row["artefact"] for row in rows} == set(by_name)
    for row in rows:
        item = by_name[row["artefact"]]
        assert int(row["raw_bytes"]) == item["size"]["raw"]
        assert float(row["test_value"]) == pytest.approx(item["test"]["value"], abs=1e-9)
        found = next(record for record in item["latency"] if record["num_threads"] == int(row["num_threads"]))
        assert float(row["p50_ns"]) == pytest.approx(found["p50_ns"], rel=1e-9)


@pytest.mark.slow
def test_two_runs_go_side_by_side_into_a_folder_of_their_own(run_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run_folder, other)
    assert edgetool("report", run_folder, other).returncode == UsageError.exit_code, "no place was named"
    done = edgetool("report", run_folder, other, "--format", "md,html", "-o", tmp_path / "both")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["report.html", "report.md"]
    assert (tmp_path / "both" / "report.md").read_text().startswith("# Runs side by side\n")
    assert "2 runs side by side" in Page((tmp_path / "both" / "report.html").read_text()).headings
    again = edgetool("report", run_folder, other, "--format", "md", "-o", tmp_path / "both")
    assert again.returncode == RunExistsError.exit_code and "--overwrite" in again.stderr


def test_bad_runs_are_told_apart(tmp_path: Path) -> None:
    assert edgetool("report", tmp_path).returncode == MissingFileError.exit_code
    (tmp_path / "manifest.json").write_bytes((GOLDEN / "manifest.json").read_bytes()[:1000])
    damaged = edgetool("report", tmp_path)
    assert damaged.returncode == ManifestError.exit_code and "Traceback" not in damaged.stderr
