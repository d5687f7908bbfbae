"""The page: offline, small, and safe against names from elsewhere."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from edgetool.records import INT8, LayerRecord
from edgetool.report.collect import Run, collect_run
from edgetool.report.html import LAYER_LIMITS, MAX_BYTES, render_html

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "path", "rect", "polygon", "col", "wbr"}


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return render_html([run])


def test_the_page_is_well_formed_and_ids_are_unique(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    assert not parser.open
    assert len(parser.ids) == len(set(parser.ids))


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    assert not re.findall(r"(?:src|href)=[\"'](?!#)[^\"']+", page)
    assert "url(" not in page and "@import" not in page
    assert "Content-Security-Policy" in page


def test_every_named_part_is_there(page: str, run: Run) -> None:
    page = page.replace("<wbr>", "")
    assert run.answer.headline.split(",")[0] in page
    assert page.count("<svg") >= 2
    for row in run.rows:
        assert row.name in page
    for word in ("Parity", "Summary", "Latency", "SHA-256"):
        assert word in page, word


def test_long_names_break_after_an_underscore_and_stay_escaped(run: Run) -> None:
    artifacts = (dataclasses.replace(run.manifest.artifacts[0], name="a_<b>_c"),)
    page = render_html([collect_run(dataclasses.replace(run.manifest, artifacts=artifacts), "run")])
    assert "a_<wbr>&lt;b&gt;_<wbr>c" in page and "<b>" not in page


def test_names_are_escaped(run: Run) -> None:
    manifest = dataclasses.replace(run.manifest, command="edgetool <script>alert(1)</script>")
    assert "<script>alert(1)" not in render_html([collect_run(manifest, "<b>run</b>")])


def test_a_model_of_many_layers_stays_small(run: Run) -> None:
    layer = LayerRecord("block/layer_with_a_long_name/Conv2D", "CONV_2D", 1000, 1000, 100_000, "int8", INT8)
    many = tuple(dataclasses.replace(layer, name=f"{layer.name}{i}") for i in range(3000))
    artifacts = tuple(dataclasses.replace(artifact, layers=many) for artifact in run.manifest.artifacts)
    page = render_html([collect_run(dataclasses.replace(run.manifest, artifacts=artifacts), "run")])
    assert len(page.encode()) < MAX_BYTES
    assert page.replace("<wbr>", "").count(layer.name) >= len(artifacts) * LAYER_LIMITS[-1]
