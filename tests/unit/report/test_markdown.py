"""Markdown."""

from __future__ import annotations

from edgetool.report.collect import Run
from edgetool.report.markdown import escape, render_markdown


def test_special_characters_stay_text() -> None:
    assert escape("a|b*c_<d>") == r"a\|b\*c_\<d\>"


def test_every_table_is_regular(run: Run) -> None:
    text = render_markdown([run])
    assert text.startswith("# report\n") and run.answer.headline.split(",")[0][:20] in text
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) > 5
    for block in blocks:
        widths = {line.replace(r"\|", "").count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(widths) == 1, block


def test_two_runs_are_put_side_by_side(run: Run) -> None:
    assert "# Runs side by side" in render_markdown([run, run])


def test_layers_of_the_reference_and_the_chosen_only(run: Run) -> None:
    layers = render_markdown([run]).partition("## Layers\n")[2]
    chosen = {row.name for row in run.rows if row.record.is_reference or row.chosen_as}
    assert {row.name for row in run.rows if f"### {row.name}\n" in layers} == chosen
