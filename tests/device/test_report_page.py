"""The HTML report in a browser: it lays itself out without errors, on wide and on narrow screens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgetool.report.collect import collect_runs
from edgetool.report.render import render

GOLDEN = Path(__file__).parents[1] / "golden" / "report"

#: Put in front of everything else in a copy of the page; the copy has no policy, so that it runs.
PROBE = """<script>
window.faults = [];
window.addEventListener("error", event => window.faults.push(event.message));
window.addEventListener("load", () => {
  const root = document.documentElement;
  root.setAttribute("data-probe", [root.clientWidth, root.scrollWidth, window.faults.length,
    document.querySelectorAll("svg").length, document.querySelectorAll("table").length].join(" "));
});
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium: install chromium to see the report rendered"
        if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def show(browser: str, page: Path, width: int, *more: str) -> str:
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={page.parent}/p", f"--window-size={width},1200", *more, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 820, 500])
def test_no_fault_and_no_overflow(browser: str, tmp_path: Path, width: int) -> None:
    (page,) = render(collect_runs([GOLDEN]), ("html",), tmp_path)
    probed = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", PROBE, page.read_text(), count=1)
    assert PROBE in probed
    page.write_text(probed)
    found = re.search(r'data-probe="([^"]*)"', show(browser, page, width, "--dump-dom"))
    assert found is not None, "the page did not load"
    client, scroll, faults, charts, tables = (int(value) for value in found.group(1).split())
    assert faults == 0 and charts >= 2 and tables >= 5
    assert scroll <= client, f"the page is {scroll} px wide in a window of {client} px"


@pytest.mark.slow
def test_a_screenshot_is_not_empty(browser: str, tmp_path: Path) -> None:
    from PIL import Image

    (page,) = render(collect_runs([GOLDEN]), ("html",), tmp_path)
    shot = tmp_path / "shot.png"
    show(browser, page, 1400, f"--screenshot={shot}")
    with Image.open(shot) as image:
        colours = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None and len(colours) > 50
