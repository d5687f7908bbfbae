"""A bundle against its model; the compilers are tests/integration's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.embed.bundles import check_bundle as check_bundle_module
from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, write_bundle
from edgetool.embed.bundles.check_bundle import BundleCheck, bundled_model, check_bundle, is_bundle, require_equal
from edgetool.embed.bundles.tflm_bundle import write_tflm_bundle
from edgetool.embed.oracle import vectors as vectors_module
from edgetool.embed.oracle.vectors import FAST, Vectors
from edgetool.errors import FileFormatError, MissingDependencyError, ParityError, UntrustedModelError, UsageError
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[3] / "golden" / "models"
MODEL = GOLDEN / "tiny_int8.tflite"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(MODEL, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False).out


def test_only_such_folders_are_bundles(bundle: Path, tmp_path: Path) -> None:
    assert is_bundle(bundle) and not is_bundle(tmp_path) and not is_bundle(MODEL)


def test_a_bundle_of_another_model_or_a_damaged_one_is_refused(bundle: Path) -> None:
    with pytest.raises(FileFormatError, match="a bundle of a model with SHA-256"):
        check_bundle(GOLDEN / "tiny_float32.tflite", bundle, num_samples=1)
    text = (bundle / BUNDLE_FILE).read_text()
    (bundle / BUNDLE_FILE).write_text(text.replace('io = "arena"', 'io = "moon"'))
    with pytest.raises(FileFormatError, match="io = 'moon'"):
        check_bundle(MODEL, bundle, num_samples=1)
    (bundle / BUNDLE_FILE).write_text(text.replace('name = "', 'name = "../'))
    with pytest.raises(FileFormatError, match="name = "):
        bundled_model(bundle)
    (bundle / BUNDLE_FILE).write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(FileFormatError, match="RecursionError"):
        bundled_model(bundle)
    (bundle / BUNDLE_FILE).write_text("name = ")
    with pytest.raises(FileFormatError, match="name and source_sha256"):
        check_bundle(MODEL, bundle, num_samples=1)


def test_a_missing_compiler_is_named(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m32")
    with pytest.raises(MissingDependencyError, match="no-such-compiler"):
        check_bundle(MODEL, bundle, num_samples=1)


def test_a_difference_is_an_error_with_its_size() -> None:
    equal = BundleCheck("b", "m", "i", 5, 0, 0, "cc")
    require_equal(equal)
    with pytest.raises(ParityError, match="2 of 5 samples, by up to 7,"):
        require_equal(BundleCheck("b", "m", "i", 5, 2, 7, "cc"))


def test_only_bundles_that_can_be_run_are_verified(bundle: Path, tmp_path: Path) -> None:
    assert bundled_model(bundle) is None
    tflm = write_tflm_bundle(MODEL, name="net", out=tmp_path / "t", target=find_target("host"), overwrite=False).out
    with pytest.raises(UsageError, match="--runtime tflm, which edgetool does not run"):
        bundled_model(tflm)


@pytest.mark.parametrize(
    "text",
    [
        'name = "../../etc/passwd"\nsource_sha256 = "00"\nruntime = "linux"',
        'name = "/etc/passwd"\nsource_sha256 = "00"\nruntime = "linux"',
        f'name = "{"x" * 300}"\nsource_sha256 = "00"\nruntime = "linux"',
        f"name = {'[' * 3000}{']' * 3000}",
    ],
    ids=["upwards", "absolute", "long", "deep"],
)
def test_names_that_lead_out_of_the_folder_are_refused(bundle: Path, text: str) -> None:
    (bundle / BUNDLE_FILE).write_text(text)
    with pytest.raises(FileFormatError, match=BUNDLE_FILE):
        bundled_model(bundle)


@pytest.mark.parametrize("file", ["net.c", "net.h", "weights.c"])
def test_code_that_somebody_changed_is_not_run_without_trust(
    bundle: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run_program", "run_text"):
        monkeypatch.setattr(check_bundle_module, name, lambda *_, **__: pytest.fail("nothing is compiled"))
    (bundle / file).write_text((bundle / file).read_text() + "/* harmless */\n")
    with pytest.raises(UntrustedModelError, match=f"b/{file}: other code") as caught:
        check_bundle(MODEL, bundle, num_samples=1)
    assert "--trust" in caught.value.next_step


@pytest.mark.parametrize("header", ["stdint.h", "string.h", "stddef.h"])
def test_a_header_of_the_systems_name_in_the_folder_is_not_taken(bundle: Path, header: str) -> None:
    (bundle / header).write_text("#error foreign code\n")
    assert check_bundle(MODEL, bundle, num_samples=2).num_different == 0


@pytest.mark.parametrize(("error", "num_different"), [(0.0, 0), (3e-3, 0), (5e-3, 1)])
def test_a_float_may_be_as_far_as_the_kernels_of_litert_are_apart(
    error: float, num_different: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = GOLDEN / "tiny_float32.tflite"
    bundle = write_bundle(model, name="net", out=tmp_path / "b", target=find_target("host"), overwrite=False).out
    honest = vectors_module.reference_vectors

    def moved(*given: Any, is_fast: bool = False) -> Vectors:
        """Give a reference whose second sample is far off, and fast kernels that the bundle is close to."""
        found = honest(*given, is_fast=is_fast)
        size = np.abs(found.outputs[0]).max()
        found.outputs[0][1] += np.float32((error if is_fast else error + 1e-3) * size)
        return found

    for module in (vectors_module, check_bundle_module):
        monkeypatch.setattr(module, "reference_vectors", moved)
    found = check_bundle(model, bundle, num_samples=3)
    assert found.num_different == num_different and FAST in found.reference
