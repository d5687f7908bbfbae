"""What the pages of the site say is true: commands, options, links, files, and the pages that are made of the code."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from edgetool import errors
from edgetool.cli.main import COMMANDS, app
from edgetool.embed.ops import OPERATORS
from edgetool.recipes.recipe import builtin_names, find_recipe
from edgetool.targets import find_target, list_targets

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
PAGES = sorted(path for path in DOCS.rglob("*.md"))


def _generated() -> dict[str, str]:
    """Return the pages that the site's hook makes of the code."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "hooks" / "reference.py")
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


GENERATED = _generated()


def _nav_pages(entries: list[Any]) -> list[str]:
    """Return the pages of the navigation in its order."""
    pages: list[str] = []
    for entry in entries:
        if isinstance(entry, str):
            pages.append(entry)
        else:
            pages.extend(_nav_pages(*entry.values()))
    return pages


def _shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


COMMAND_LINES = sorted(
    {line for page in PAGES for line in _shell_lines(page.read_text()) if line.startswith("edgetool ")}
)


def _named_block(page: str, name: str) -> str:
    """Return the block of a page whose first line is a comment that names a file."""
    match = re.search(rf"```\w+\n(?:#|//) {re.escape(name)}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert match is not None, name
    return match.group(1)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_commands_and_options_exist(line: str) -> None:
    _, name, *words = shlex.split(line)
    group: Any = typer.main.get_command(app)
    command = group.get_command(None, name)
    assert command is not None, name
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_navigation_has_every_page() -> None:
    written = {str(page.relative_to(DOCS)) for page in PAGES}
    notes = {page for page in written if page.startswith("decisions/")} - {"decisions/index.md"}
    assert set(_nav_pages(SITE["nav"])) | notes == written | set(GENERATED)


def test_the_list_of_decisions_has_every_note() -> None:
    listed = set(re.findall(r"\]\((\S+\.md)\)", (DOCS / "decisions" / "index.md").read_text()))
    assert listed == {path.name for path in (DOCS / "decisions").glob("*.md")} - {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s#]+)", page.read_text()):
        if "://" in target:
            continue
        place = (page.parent / target).resolve()
        assert place.exists() or str(place.relative_to(DOCS)) in GENERATED, target


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"])
def test_links_of_the_repository_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)", (ROOT / name).read_text())
    files = [target for target in targets if "://" not in target and not target.startswith("../../actions")]
    assert all((ROOT / target).exists() for target in files), files


def test_the_reference_names_every_command_and_option() -> None:
    page = GENERATED["reference/commands.md"]
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        assert f"## edgetool {name}\n" in page
        section = page.partition(f"## edgetool {name}\n")[2].partition("\n## ")[0]
        for parameter in group.get_command(None, name).params:
            if parameter.param_type_name == "option":
                assert all(f"`{option}" in section for option in parameter.opts), parameter.name


def test_the_reference_names_every_recipe_target_operator_and_code() -> None:
    assert all(f"## {name}\n" in GENERATED["reference/recipes.md"] for name in builtin_names())
    assert all(f"## {target.name}\n" in GENERATED["reference/targets.md"] for target in list_targets())
    assert "| `CONV_2D` | yes | yes |" in GENERATED["reference/operators.md"]
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| yes", GENERATED["reference/operators.md"], re.MULTILINE)
    assert set(rows) & set(OPERATORS) and not {"FLIP_SIGN", "SPECTRUM"} & set(rows)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, errors.EdgetoolError) and kind is not errors.EdgetoolError:
            assert f"| {kind.exit_code} | `{kind.__name__}` |" in GENERATED["reference/exit-codes.md"]


def test_copied_pages_have_links_of_the_site() -> None:
    assert "](docs/" not in GENERATED["architecture.md"] and "](embed.md)" in GENERATED["architecture.md"]


def test_the_first_tutorial_has_the_readme_s_script() -> None:
    assert _named_block("tutorials/keras.md", "digits_cnn.py") in README


def test_the_recipe_of_the_example_parses(tmp_path: Path) -> None:
    assert _named_block("howto/recipes.md", "half.toml") in README
    path = tmp_path / "half.toml"
    path.write_text(_named_block("howto/recipes.md", "half.toml"))
    assert find_recipe(str(path)).exports == ("tflite", "onnx")


def test_the_target_of_the_example_parses(tmp_path: Path) -> None:
    path = tmp_path / "my-board.toml"
    path.write_text(_named_block("howto/targets.md", "my-board.toml"))
    assert find_target(str(path)).ram_bytes == 96 * 1024


def test_the_notebook_has_code_without_outputs() -> None:
    cells = json.loads((DOCS / "tutorials" / "notebook.ipynb").read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(sources) > 5 and all(not cell.get("outputs") for cell in cells)
    assert all(f"```python\n{source}\n```" in GENERATED["tutorials/notebook.md"] for source in sources)
    assert GENERATED["tutorials/notebook.md"].startswith("# ")
