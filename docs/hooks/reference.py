"""Pages of the site that are made of the code when the site is built: they cannot go out of date."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

__all__ = ["on_files", "pages"]

ROOT = Path(__file__).parents[2]

#: Page of the site -> file of the repository that it shows.
COPIES = {
    "architecture.md": "ARCHITECTURE.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that mkdocs has found in `docs`."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def pages() -> dict[str, str]:
    """Return the text of every generated page by its path in the site."""
    generated = {page: _copy(source) for page, source in COPIES.items()}
    generated["tutorials/notebook.md"] = _notebook("docs/tutorials/notebook.ipynb")
    generated["reference/commands.md"] = _commands()
    generated["reference/recipes.md"] = _recipes()
    generated["reference/targets.md"] = _targets()
    generated["reference/operators.md"] = _operators()
    generated["reference/exit-codes.md"] = _exit_codes()
    return generated


def _copy(source: str) -> str:
    """Return a file of the repository with its links as the site has them."""
    text = (ROOT / source).read_text()
    text = re.sub(r"\]\(docs/", "](", text)
    for page, name in COPIES.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text


def _notebook(source: str) -> str:
    """Return a notebook as a page: its texts as they are, its code in blocks."""
    parts = ["*This page is also [a notebook](notebook.ipynb).*"]
    for cell in json.loads((ROOT / source).read_text())["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    title, _, rest = parts[1].partition("\n")
    return "\n\n".join([title, parts[0], rest.strip(), *parts[2:]]) + "\n"


def _row(*cells: object) -> str:
    escaped = [str(cell).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _table(header: tuple[str, ...], rows: list[str]) -> str:
    rule = _row(*["---" for _ in header])
    return "\n".join([_row(*header), rule, *rows])


def _commands() -> str:
    import typer

    from edgetool.cli.commands import app
    from edgetool.cli.main import COMMANDS

    group: Any = typer.main.get_command(app)
    sections = [
        "# Commands and options",
        "`edgetool COMMAND --help` prints the same. Results go to standard output, everything else to standard error.",
    ]
    sections.extend(_command(name, group.get_command(None, name)) for name in COMMANDS)
    return "\n\n".join(sections) + "\n"


def _command(name: str, command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join(["edgetool", name, *[_argument(argument) for argument in arguments], "[OPTIONS]"])
    rows = [_row(f"`{argument.name}`", "", argument.help or "") for argument in arguments]
    rows += [_row(_option(option), _default(option), option.help or "") for option in options]
    table = _table(("Argument or option", "Default", "What it is"), rows)
    text = " ".join((command.help or "").split())
    return f"## edgetool {name}\n\n{text}\n\n```text\n{usage}\n```\n\n{table}"


def _argument(argument: Any) -> str:
    shown = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _option(option: Any) -> str:
    names = sorted([*option.opts, *option.secondary_opts], key=len, reverse=True)
    value = "" if option.is_flag else f" {(option.metavar or option.type.name).upper().replace(' RANGE', '')}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _default(option: Any) -> str:
    if option.default is None or option.is_flag:
        return ""
    return f"`{option.default}`"


def _recipes() -> str:
    from importlib.resources import files

    from edgetool.passes import PASSES
    from edgetool.recipes.recipe import builtin_names, find_recipe

    sections = [
        "# Recipes",
        "These recipes come with edgetool. [Recipes of your own](../howto/recipes.md) are files of the same form.",
    ]
    builtin = files("edgetool.recipes").joinpath("builtin")
    for name in builtin_names():
        recipe = find_recipe(name)
        source = builtin.joinpath(f"{name}.toml").read_text().strip()
        sections.append(f"## {name}\n\n{recipe.description}\n\n```toml\n{source}\n```")
    names = ", ".join(f"`{name}`" for name in PASSES)
    sections.append(f"## Passes\n\nA recipe may name these passes: {names}.")
    return "\n\n".join(sections) + "\n"


def _targets() -> str:
    from edgetool.targets import list_targets

    sections = [
        "# Targets",
        "These targets come with edgetool. [Targets of your own](../howto/targets.md) are given by path or by figures.",
    ]
    for target in list_targets():
        figures = [("runtimes", ", ".join(target.runtimes)), ("runner", target.runner), ("instruction set", target.isa)]
        for name in ("flash_bytes", "ram_bytes", "clock_hz", "num_cores"):
            value = getattr(target, name)
            figures.append((name, "no limit stated" if value is None else f"{value:,}"))
        rows = [_row(name, value, target.sources.get(name, "")) for name, value in figures if value]
        table = _table(("Figure", "Value", "Source"), rows)
        sections.append(f"## {target.name}\n\n{target.title}. {target.description}\n\n{table}")
    return "\n\n".join(sections) + "\n"


def _operators() -> str:
    from edgetool.embed.bundles.tflm_operators import known_operators
    from edgetool.embed.ops import ALIASES, INTERNAL, OPERATORS

    in_c = set(OPERATORS) - INTERNAL | ALIASES
    in_tflm = set(known_operators())
    rows = [
        _row(f"`{name}`", "yes" if name in in_c else "", "yes" if name in in_tflm else "")
        for name in sorted(in_c | in_tflm)
    ]
    table = _table(("TFLite operator", "`--runtime c`", "`--runtime tflm`"), rows)
    return "\n\n".join(
        [
            "# Supported operators",
            "`edgetool embed` takes these operators of a `.tflite` file. A type that no kernel takes is refused with "
            "the layer's name. The compiler of `--runtime c` also resolves some operators that are not in its column, "
            "such as batches of spaces around a dilated convolution. `--runtime linux` takes every operator of LiteRT "
            "and onnxruntime.",
            table,
            "## Layers and functions of Keras files",
            "A Keras file may name these without `--trust`.",
            _allowed(),
        ]
    )


def _allowed() -> str:
    from edgetool.importers.allowed import allowed_activations, allowed_of_kind

    kinds = (
        ("Layers", allowed_of_kind("layers")),
        ("Operations of `keras.ops`", allowed_of_kind("keras_ops")),
        ("Activations", allowed_activations()),
    )
    return "\n\n".join(f"**{title}**: {', '.join(f'`{name}`' for name in sorted(names))}." for title, names in kinds)


def _exit_codes() -> str:
    from edgetool import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    own = [kind for kind in kinds if issubclass(kind, errors.EdgetoolError) and kind is not errors.EdgetoolError]
    rows = [
        _row(kind.exit_code, f"`{kind.__name__}`", (kind.__doc__ or "").strip().partition("\n")[0])
        for kind in sorted(own, key=lambda kind: kind.exit_code)
    ]
    table = _table(("Code", "Error", "When"), rows)
    return f"# Exit codes\n\n[Errors and exit codes](../howto/errors.md) explains how an error reads.\n\n{table}\n"
