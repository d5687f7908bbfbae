"""How the code reads, in figures that may get better and not worse; `benchmarks/code_measures.py` prints them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("code_measures", ROOT / "benchmarks" / "code_measures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_code_reads_no_worse_than_it_did(measures: ModuleType) -> None:
    found = measures.measure()
    assert found.any_parameters <= 2.0
    assert found.complexity_p90 <= 9
    assert found.complex_share <= 0.069
    assert found.tokens_per_line <= 9.7
    assert found.fmt_skips <= 10
    assert found.test_ratio >= 0.65


def test_the_figures_are_those_of_a_small_checkout(measures: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "toolchain" / "edgetool"
    source.mkdir(parents=True)
    (source / "a.py").write_text(
        '"""A."""\n\n\ndef f(x: Any, y: int) -> int:\n    """Do."""\n    return x if y else 0\n'
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("x = 1\n" * 3)
    found = measures.measure(tmp_path)
    assert (found.num_lines, found.any_parameters, found.test_ratio) == (6, pytest.approx(1000 / 6), 0.5)
    assert (found.complexity_p90, found.complex_share, found.fmt_skips) == (2, 0.0, 0)
    assert found.tokens_per_line == pytest.approx((14 + 6) / 2)


def test_cycles_are_found_through_functions_too(measures: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "toolchain" / "edgetool"
    source.mkdir(parents=True)
    (source / "a.py").write_text("from edgetool.b import g\n")
    (source / "b.py").write_text("def g():\n    from edgetool import a\n    return a\n")
    (source / "c.py").write_text("import edgetool.a\n")
    assert measures.import_cycles(tmp_path) == [["edgetool.a", "edgetool.b"]]
