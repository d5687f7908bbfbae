"""The folder that is written: whole, within budgets, never over another one."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, fill_template, optimization_flag, write_bundle
from edgetool.errors import BudgetError, RunExistsError, UnsupportedModelError, UsageError
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[3] / "golden" / "models"
MODEL = GOLDEN / "tiny_int8.tflite"
FILES = {
    "net.h",
    "net.c",
    "weights.c",
    "test_vectors.h",
    "main.c",
    "Makefile",
    "CMakeLists.txt",
    "README.md",
    BUNDLE_FILE,
    "zephyr/module.yml",
    "zephyr/CMakeLists.txt",
    "zephyr/Kconfig",
    "library.properties",
    "examples/SelfTest/SelfTest.ino",
}


def test_a_bundle_is_whole(tmp_path: Path) -> None:
    made = write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)
    files = [path for path in (tmp_path / "b").rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path / "b")) for path in files} == FILES
    fields = tomllib.loads((tmp_path / "b" / BUNDLE_FILE).read_text())
    assert fields["source_sha256"] == made.source_sha256 and fields["arena_bytes"] == made.arena_bytes
    assert sum(fields["operators"].values()) == sum(made.operators.values()) > 0
    for path in files:
        assert "$name" not in path.read_text() and str(tmp_path) not in path.read_text()


def test_each_layout_points_at_the_same_sources(tmp_path: Path) -> None:
    out = write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False).out
    assert [path.name for path in out.rglob("*.c")].count("net.c") == 1
    properties = dict(line.split("=", 1) for line in (out / "library.properties").read_text().splitlines())
    assert {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "architectures"} <= set(
        properties
    )
    assert properties["name"] == "net" and properties["includes"] == "net.h" and not (out / "src").exists()
    module = (out / "zephyr" / "module.yml").read_text()
    assert "\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n" in module
    assert "config EDGETOOL_NET\n\tbool " in (out / "zephyr" / "Kconfig").read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(RunExistsError):
        write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False)
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.parametrize(("field", "what"), [("flash_bytes", "flash"), ("ram_bytes", "RAM")])
def test_a_budget_that_is_too_small_is_named_with_both_numbers(tmp_path: Path, field: str, what: str) -> None:
    small = dataclasses.replace(find_target("host"), **{field: 10})
    with pytest.raises(BudgetError, match=what) as caught:
        write_bundle(MODEL, name="net", out=tmp_path / "b", target=small, overwrite=False)
    assert "10 bytes" in caught.value.expected and not (tmp_path / "b").exists()


def test_a_refused_model_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgetool.embed.ops.OPERATORS", {})
    monkeypatch.setattr("edgetool.embed.compiler.lower.OPERATORS", {})
    with pytest.raises(UnsupportedModelError, match="cannot be written"):
        write_bundle(
            GOLDEN / "tiny_int8.tflite", name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False
        )
    assert not list(tmp_path.iterdir())


def test_a_template_wants_all_of_its_names() -> None:
    with pytest.raises(KeyError):
        fill_template("README.md", name="net")


def test_what_it_is_optimised_for_sets_the_flag_and_packs(tmp_path: Path) -> None:
    made = {}
    for optimize in ("size", "speed"):
        out = tmp_path / optimize
        made[optimize] = write_bundle(
            GOLDEN / "tiny_int8.tflite",
            name="net",
            out=out,
            target=find_target("host"),
            overwrite=False,
            optimize=optimize,
        )
    assert "CFLAGS ?= -Os" in (tmp_path / "size" / "Makefile").read_text()
    assert "PRIVATE -O3" in (tmp_path / "speed" / "CMakeLists.txt").read_text()
    assert made["size"].constant_bytes <= made["speed"].constant_bytes and not made["speed"].packed
    with pytest.raises(UsageError, match="size, balanced, speed"):
        optimization_flag("sped")


@pytest.mark.parametrize(
    ("target", "is_native"), [("host", True), ("raspberry-pi-4", False), ("cortex-m4-qemu", False)]
)
def test_the_makefile_compiles_for_the_machine_it_runs_on(target: str, is_native: bool, tmp_path: Path) -> None:
    out = write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target(target), overwrite=False).out
    makefile = (out / "Makefile").read_text()
    assert ("-march=native" in makefile) == is_native and ("CFLAGS ?= -O3 $(NATIVE)\n" in makefile) == is_native


@pytest.mark.parametrize(
    ("target", "family", "share"), [("cortex-m4-qemu", "dsp", 0.0), ("cortex-m3-qemu", "portable", 1)]
)
def test_it_says_which_layers_are_portable(target: str, family: str, share: float, tmp_path: Path) -> None:
    out = write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target(target), overwrite=False).out
    found = tomllib.loads((out / "bundle.toml").read_text())
    assert (found["kernels"], found["portable_share"]) == (family, share) and found["macs"] > 0
    assert {*found["portable"][0]} == {"layer", "kernel", "macs", "share", "reason"}
    assert f"{100 * share:.1f} % of {found['macs']:,} multiplications" in (out / "README.md").read_text()
