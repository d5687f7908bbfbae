"""Write the report files of run folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from edgetool.report.collect import Run, collect_runs
from edgetool.report.html import render_html
from edgetool.report.markdown import render_markdown
from edgetool.report.results import make_results, to_csv
from edgetool.schema import to_json
from edgetool.store.atomic import write_texts

__all__ = ["FORMATS", "render", "write_report"]

#: Format -> name of its file.
FORMATS = {"html": "report.html", "md": "report.md", "csv": "results.csv", "json": "results.json"}

_RENDERERS: dict[str, Callable[[Sequence[Run]], str]] = {
    "html": render_html,
    "md": render_markdown,
    "csv": to_csv,
    "json": lambda runs: to_json(make_results(runs)) + "\n",
}


def write_report(run_dir: Path) -> list[Path]:
    """Write all report files of a run into its folder, replacing older ones, and return their paths.

    Raises:
        MissingFileError: no manifest there.
        ManifestError: it is damaged.
    """
    return render(collect_runs([run_dir]), tuple(FORMATS), run_dir)


def render(runs: Sequence[Run], formats: Sequence[str], out: Path) -> list[Path]:
    """Write the report of `runs` in each of `formats` into the folder `out`: all files or none.

    Args:
        runs: one, or several that are put side by side.
        formats: keys of `FORMATS`.
        out: is made if it is not there.
    """
    contents = {out / FORMATS[name]: _RENDERERS[name](runs) for name in formats}
    write_texts(contents)
    return list(contents)
