"""The house stands as ARCHITECTURE.md says: floors, names that are exported, tests that mirror the source."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from edgetool.recipes.recipe import builtin_names, find_recipe

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "toolchain" / "edgetool"
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
IDS = [str(path.relative_to(SOURCE)) for path in MODULES]

#: From the ground up: a package or module may import those in front of it, and nothing imports `cli`.
FLOORS = (
    "version",
    "callable_package",
    "errors",
    "options",
    "extras",
    "paths",
    "bounds",
    "schema",
    "catalog",
    "targets",
    "artifact",
    "records",
    "store",
    "data",
    "tasks",
    "invariants",
    "passes",
    "recipes",
    "zoo",
    "ir",
    "runners",
    "importers",
    "exporters",
    "evaluate",
    "verify",
    "measure",
    "doctor",
    "training",
    "embed",
    "report",
    "pipeline",
    "interface",
    "cli",
    "__init__",
)

#: Modules that no unit test mirrors, because all that they do is to call a framework: integration tests run them.
NEEDS_FRAMEWORK = {
    "cli": "tests/integration runs every command",
    "exporters/onnx/export.py": "test_export_onnx.py",
    "exporters/onnx/rewrite/squares.py": "test_export_onnx.py",
    "exporters/tflite/export.py": "test_export_tflite.py",
    "exporters/tflite/convert.py": "test_export_tflite.py",
    "importers": "test_importers.py",
    "importers/double.py": "test_deep_models.py",
    "exporters/tracing.py": "test_transformers.py",
    "passes/cluster.py": "test_passes.py",
    "passes/fold_batch_norm.py": "test_passes.py",
    "passes/layers.py": "test_passes.py",
    "passes/prune.py": "test_passes.py",
    "passes/prune_n_of_m.py": "test_passes.py",
    "passes/qat.py": "test_passes.py",
    "passes/quantize.py": "test_passes.py",
    "passes/reversible.py": "test_transformers.py",
    "passes/split_separable.py": "test_passes_layers.py",
    "passes/training.py": "test_passes.py",
    "pipeline/compress.py": "test_compress.py",
    "pipeline/export.py": "test_export_onnx.py, test_export_tflite.py",
    "pipeline/stages.py": "test_compress.py",
    "pipeline/step.py": "test_transformers.py",
    "pipeline/workshop.py": "test_compress.py",
    "recipes/execute.py": "test_passes.py",
    "passes/activation_ranges.py": "test_passes.py",
    "training/gan.py": "test_gan.py",
    "training/batches.py": "test_train.py, test_training_parts.py",
    "training/checkpoint.py": "test_training_parts.py",
    "training/finish.py": "test_train.py",
    "training/fit.py": "test_train.py, test_backends.py",
    "training/loop.py": "test_train.py",
    "training/losses.py": "test_training_parts.py",
    "training/train.py": "test_train.py",
    "verify/source.py": "test_verify.py",
}

#: Functions may be long where they are one list; every other one fits on a screen.
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400
LONG_FILES = {"runners/agent.py": "one file, because it is copied to devices as it is"}


def floor_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported(path: Path) -> set[str]:
    """Return the packages and modules of edgetool that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "edgetool":
            found.update(f"edgetool.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert all(alias.name != "*" for alias in node.names), f"{path}: import *"
            found.add(node.module)
    return {name.split(".")[1] for name in found if name.startswith("edgetool.")}


def test_every_package_has_its_floor() -> None:
    assert {floor_of(path) for path in MODULES} == set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_no_floor_imports_a_higher_one(path: Path) -> None:
    own = FLOORS.index(floor_of(path))
    higher = {name for name in imported(path) if FLOORS.index(name) > own}
    assert not higher, f"{path.relative_to(SOURCE)} imports {sorted(higher)}"


def module_name(path: Path) -> str:
    parts = ["edgetool", *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULE_NAMES = {module_name(path) for path in MODULES}


def imported_modules(path: Path) -> set[str]:
    """Return the modules of edgetool that a file imports, also inside functions and for type checkers alone."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in MODULE_NAMES else node.module for name in below)
    return names & MODULE_NAMES


def cycle_of(graph: dict[str, set[str]]) -> list[str]:
    """Return a cycle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        return list(exc.args[1])
    return []


def test_no_module_imports_itself_by_a_detour() -> None:
    assert not cycle_of({module_name(path): imported_modules(path) for path in MODULES})


def test_a_detour_is_found() -> None:
    assert set(cycle_of({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert "edgetool.errors" in imported_modules(SOURCE / "cli" / "main.py"), "inside functions"
    assert "edgetool.runners.base" in imported_modules(SOURCE / "runners" / "__init__.py"), "for type checkers"
    assert "edgetool.report.wording" in imported_modules(SOURCE / "report" / "collect.py"), "from a package"


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_public_names_are_exported(path: Path) -> None:
    tree = ast.parse(path.read_text())
    public = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    defined = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    imports = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    exported = next(
        (
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        ),
        None,
    )
    if exported is None:
        is_command = floor_of(path) == "cli" and len(public) <= 2
        assert not public or is_command, f"{path.relative_to(SOURCE)} has no __all__"
        return
    assert exported == sorted(exported, key=_isort), "__all__ in ruff's order"
    for name in exported:
        assert name in public | defined | imports, f"{path.name} exports {name}, which is not there"


def _isort(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_files_and_functions_fit_on_a_screen(path: Path) -> None:
    text = path.read_text()
    name = str(path.relative_to(SOURCE))
    lines = text.count("\n")
    assert (lines > MAX_FILE_LINES) == (name in LONG_FILES), f"{name}: {lines} lines"
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None and _body_lines(node) > MAX_FUNCTION_LINES
    ]
    assert not long, f"{name}: {long}"


def _body_lines(node: ast.FunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    assert node.end_lineno is not None
    first = node.body[1:2] if ast.get_docstring(node) is not None else node.body[:1]
    return node.end_lineno - first[0].lineno + 1 if first else 0


def needs_mirror(path: Path) -> bool:
    name = str(path.relative_to(SOURCE))
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    has_logic = any(not _is_declaration(node) for node in functions)
    return has_logic and name not in NEEDS_FRAMEWORK and floor_of(path) not in NEEDS_FRAMEWORK


def _is_declaration(node: ast.FunctionDef) -> bool:
    """Tell a method of a protocol, which is a docstring alone."""
    return all(isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) for item in node.body)


@pytest.mark.parametrize("path", [path for path in MODULES if needs_mirror(path)], ids=str)
def test_unit_tests_mirror_the_source(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    mirror = ROOT / "tests" / "unit" / relative.parent / f"test_{relative.name.replace('__init__', 'init')}"
    assert mirror.exists(), f"no tests/unit/{mirror.relative_to(ROOT / 'tests' / 'unit')}"


def test_every_unit_test_has_a_source() -> None:
    own = {
        "test_docs.py",
        "test_imports.py",
        "test_measures.py",
        "test_project_files.py",
        "test_readme.py",
        "test_structure.py",
    }
    for path in (ROOT / "tests" / "unit").rglob("test_*.py"):
        relative = path.relative_to(ROOT / "tests" / "unit")
        name = relative.name.removeprefix("test_").replace("init.py", "__init__.py")
        source = SOURCE / relative.parent / name
        assert str(relative) in own or source.exists(), f"tests/unit/{relative} tests no module"


@pytest.mark.parametrize("name", sorted(NEEDS_FRAMEWORK))
def test_the_list_of_exceptions_is_true(name: str) -> None:
    assert (SOURCE / name).exists()
    for file in NEEDS_FRAMEWORK[name].split(", "):
        if file.startswith("test_"):
            assert (ROOT / "tests" / "integration" / file).exists(), file


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_recipes_parse_and_end_in_both_formats(name: str) -> None:
    assert sorted(find_recipe(name).exports) == ["onnx", "tflite"]


def test_one_tool_formats_every_line_but_a_few_tables() -> None:
    mark = "# fmt: " + "skip"
    counts = {path: path.read_text().count(mark) for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    assert sum(counts.values()) <= 10, [str(path) for path, count in counts.items() if count]
