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

#: Put into the place of the policy in a copy of the page, so that it runs before the page's own script. It tells the
#: page around it: width of the window, width of the content, script errors, charts, tables, buttons of the script.
PROBE = """<script>
window.faults = [];
window.addEventListener("error", event => window.faults.push(event.message));
window.addEventListener("load", () => {
  const root = document.documentElement, count = kind => document.querySelectorAll(kind).length;
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  parent.postMessage([root.clientWidth, root.scrollWidth, window.faults.length, count("svg.chart"), count("table"),
    count("thead button")].join(" "), "*");
});
</script>"""

#: A window cannot be as narrow as a telephone: the page lies in a frame of that width.
FRAME = """<!DOCTYPE html><body><script>
addEventListener("message", event => document.body.setAttribute("data-probe", event.data));
</script><iframe src="{name}" width="{width}" height="900" style="border:0"></iframe></body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no Chromium: install chromium to see the report rendered"
        if os.environ.get("EDGETOOL_REQUIRE_DEVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (written,) = render(collect_runs([GOLDEN]), ("html",), tmp_path_factory.mktemp("page"))
    return written


def show(browser: str, page: Path, width: int, *more: str) -> str:
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--virtual-time-budget=5000",
            f"--user-data-dir={page.parent}/profile",
            f"--window-size={width},1200",
            *more,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 820, 390, 320])
def test_no_fault_and_no_overflow(browser: str, page: Path, width: int) -> None:
    probed = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", PROBE, page.read_text(), count=1)
    assert PROBE in probed
    (page.parent / "probed.html").write_text(probed)
    frame = page.parent / "frame.html"
    frame.write_text(FRAME.format(name="probed.html", width=width))
    found = re.search(r'data-probe="([^"]*)"', show(browser, frame, max(width, 500), "--dump-dom"))
    assert found is not None, "the page did not load"
    client, scroll, faults, charts, tables, buttons = (int(value) for value in found.group(1).split())
    assert client == width
    assert faults == 0 and charts == 3 and tables > 30 and buttons > 50
    assert scroll <= client, f"the page is {scroll} px wide in a window of {client} px"


@pytest.mark.slow
def test_the_policy_lets_the_own_script_and_style_through(browser: str, page: Path) -> None:
    shown = show(browser, page, 1400, "--dump-dom")
    assert "Content-Security-Policy" in shown
    assert '<button type="button">' in shown, "the script made the tables' heads buttons"


@pytest.mark.slow
def test_light_and_dark_screens_are_painted(browser: str, page: Path) -> None:
    light = colours(browser, page, page.parent / "light.png")
    dark = colours(browser, page, page.parent / "dark.png", "--blink-settings=preferredColorScheme=0")
    assert light[0] == (255, 255, 255) and max(dark[0]) < 60, "the colour that covers most is the paper's"
    assert len(light) > 50 and len(dark) > 50


def colours(browser: str, page: Path, shot: Path, *more: str) -> list[tuple[int, ...]]:
    """Return the colours of the page as it is painted, the most frequent first."""
    from PIL import Image

    show(browser, page, 1400, f"--screenshot={shot}", *more)
    with Image.open(shot) as image:
        found = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert found
    return [colour for _, colour in sorted(found, reverse=True)]
