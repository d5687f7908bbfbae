"""Measure how the code reads: types, complexity, density, cycles, tests. `tests/unit/test_measures.py` holds them.

python benchmarks/code_measures.py [ROOT]

Complexity is McCabe's as radon counts it, of functions and methods. Tokens a line leave out docstrings and comments,
and count lines that hold code.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from radon.complexity import cc_visit

ROOT = Path(__file__).parents[1]
SOURCES = ("toolchain", "models", "targets")

#: Tokens that are layout.
LAYOUT = {
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.COMMENT,
    tokenize.ENDMARKER,
}

#: A function above this is hard to follow.
COMPLEX = 10


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of all source files together.

    Attributes:
        num_lines: lines of the sources, empty ones included.
        any_parameters: parameters whose annotation names `Any`, in 1,000 lines.
        complexity_p90: nine of ten functions are not above it.
        complex_share: functions above `COMPLEX`, 0..1.
        tokens_per_line: of lines that hold code.
        fmt_skips: lines that the formatter leaves alone.
        test_ratio: lines of tests over lines of sources.
    """

    num_lines: int
    any_parameters: float
    complexity_p90: int
    complex_share: float
    tokens_per_line: float
    fmt_skips: int
    test_ratio: float


def measure(root: Path = ROOT) -> Measures:
    """Measure the checkout at `root`."""
    files = [path for source in SOURCES for path in sorted((root / source).rglob("*.py"))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    num_lines = sum(_num_lines(text) for text in texts)
    complexities = sorted(value for text in texts for value in _complexities(text))
    density = [_density(text) for text in texts]
    return Measures(
        num_lines=num_lines,
        any_parameters=1000 * sum(_any_parameters(text) for text in texts) / num_lines,
        complexity_p90=complexities[9 * len(complexities) // 10],
        complex_share=sum(value > COMPLEX for value in complexities) / len(complexities),
        tokens_per_line=sum(tokens for tokens, _ in density) / sum(lines for _, lines in density),
        fmt_skips=sum(text.count("# fmt: " + "skip") for text in texts),
        test_ratio=sum(_num_lines(path.read_text()) for path in (root / "tests").rglob("*.py")) / num_lines,
    )


def import_cycles(root: Path = ROOT) -> list[list[str]]:
    """Return the groups of modules that import each other, imports inside functions included."""
    source = root / "toolchain"
    paths = {_module(path, source): path for path in sorted((source / "edgetool").rglob("*.py"))}
    graph = {name: set(_imports(path, set(paths))) - {name} for name, path in paths.items()}
    return [sorted(group) for group in _components(graph) if len(group) > 1]


def _module(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, known: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                target = name if name in known else node.module
                if target in known:
                    yield target


def _components(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected components (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            start = stack.index(name)
            components.append(set(stack[start:]))
            del stack[start:]

    for name in graph:
        if name not in index:
            visit(name)
    return components


def _num_lines(text: str) -> int:
    return text.count("\n")


def _complexities(text: str) -> Iterator[int]:
    for block in cc_visit(text):
        if block.letter != "C":
            yield block.complexity


def _any_parameters(text: str) -> int:
    count = 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            count += sum(_names_any(argument) for argument in _arguments(node.args))
    return count


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    rest = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def _names_any(argument: ast.arg) -> bool:
    if argument.annotation is None:
        return False
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(argument.annotation))


def _density(text: str) -> tuple[int, int]:
    """Return the tokens of a file, and the lines that they stand on."""
    described = _docstring_lines(text)
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in LAYOUT and token.start[0] not in described
    ]
    return len(tokens), len({token.start[0] for token in tokens})


def _docstring_lines(text: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines.update(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return lines


def main() -> None:
    """Print the figures, one a line."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    found = measure(root)
    print(f"lines of source              {found.num_lines:,}")
    print(f"Any parameters, 1,000 lines  {found.any_parameters:.2f}")
    print(f"complexity, 90th percentile  {found.complexity_p90}")
    print(f"functions above {COMPLEX}           {100 * found.complex_share:.1f} %")
    print(f"tokens a line                {found.tokens_per_line:.2f}")
    print(f"fmt: skip                    {found.fmt_skips}")
    print(f"test lines, source lines     {found.test_ratio:.2f}")
    print(f"import cycles                {len(import_cycles(root))}")


if __name__ == "__main__":
    main()
