"""Code in a model file is found before anything of it runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import EdgetoolError, FileFormatError, UntrustedModelError
from edgetool.importers.names import CODE_LAYERS
from edgetool.importers.trust import probe, read_config, require_trusted, summarize_and_judge

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Functional", "config": {"name": "m", "layers": list(layers)}}


DENSE = {"class_name": "Dense", "config": {"name": "dense", "activation": "relu"}}
LAMBDA = {"class_name": "Lambda", "config": {"name": "secret", "function": ["4wEA", None, None]}}


def keras_file(path: Path, config: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return path


def h5_file(path: Path, config: Any) -> Path:
    import h5py

    with h5py.File(path, "w") as store:
        store.attrs["model_config"] = json.dumps(config)
    return path


@pytest.mark.parametrize("name", ["tiny.keras", "tiny.h5"])
def test_plain_layers_are_trusted(name: str) -> None:
    probe(str(GOLDEN / name), trust=False)
    probe(str(GOLDEN / name), trust=True)


@pytest.mark.parametrize(("package", "is_known"), [("keras.src", True), ("kerasx.src", False)])
def test_layers_of_applications_are_trusted(package: str, is_known: bool, tmp_path: Path) -> None:
    module = f"{package}.applications.convnext"
    scale = {"class_name": "LayerScale", "module": module, "registered_name": "LayerScale", "config": {"name": "scale"}}
    path = keras_file(tmp_path / "m.keras", model(DENSE, scale))
    if is_known:
        require_trusted(path, "keras")
        return
    with pytest.raises(UntrustedModelError, match="LayerScale of the module kerasx"):
        require_trusted(path, "keras")


@pytest.mark.parametrize("kind", sorted(CODE_LAYERS))
def test_layers_with_code_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = keras_file(tmp_path / "m.keras", model(DENSE, {"class_name": kind, "config": {"name": "secret"}}))
    with pytest.raises(UntrustedModelError) as caught:
        require_trusted(path, "keras")
    assert caught.value.subject.endswith("m.keras: secret") and "--trust" in caught.value.next_step


@pytest.mark.parametrize(
    "config",
    [
        model({"class_name": "TimeDistributed", "config": {"name": "each", "layer": LAMBDA}}),
        model({"class_name": "Functional", "config": {"name": "inner", "layers": [LAMBDA]}}),
        model({"class_name": "Dense", "config": {"name": "d", "activation": {"class_name": "__lambda__"}}}),
        model({"class_name": "Dense", "config": {"name": "d", "function_type": "lambda"}}),
    ],
    ids=["wrapped", "nested", "activation", "legacy"],
)
def test_code_is_found_at_any_depth_in_both_formats(config: Any, tmp_path: Path) -> None:
    for path in (keras_file(tmp_path / "m.keras", config), h5_file(tmp_path / "m.h5", config)):
        with pytest.raises(UntrustedModelError):
            require_trusted(path, "keras" if path.suffix == ".keras" else "h5")


def test_other_members_of_an_archive_are_refused_by_name(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "m.keras", model(DENSE))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.weights.npz", b"")
    with pytest.raises(UntrustedModelError, match=r"model\.weights\.npz"):
        require_trusted(path, "keras")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "m.keras", model(DENSE))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", json.dumps(model(LAMBDA)))
    with pytest.raises(FileFormatError, match="two members"):
        require_trusted(path, "keras")


def test_no_framework_is_loaded_to_judge_a_file(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "m.keras", model(LAMBDA))
    script = f"""
import sys
from edgetool.errors import UntrustedModelError
from edgetool.importers.trust import probe
try:
    probe({str(path)!r}, trust=False)
except UntrustedModelError:
    print(sorted({{"tensorflow", "keras", "tf_keras", "torch", "jax"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_trust_lets_code_through_but_not_damage(tmp_path: Path) -> None:
    probe(str(keras_file(tmp_path / "code.keras", model(LAMBDA))), trust=True)
    with pytest.raises(UntrustedModelError):
        probe(str(tmp_path / "code.keras"), trust=False)
    with pytest.raises(FileFormatError):
        probe(str(keras_file(tmp_path / "bad.keras", "{")), trust=True)


@pytest.mark.parametrize("config", ["{", "[]", "3", '{"no": "class"}'])
def test_configurations_that_are_none(config: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"m\.keras"):
        read_config(keras_file(tmp_path / "m.keras", config), "keras")


def test_damaged_containers(tmp_path: Path) -> None:
    import h5py

    whole = (GOLDEN / "tiny.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.h5").write_bytes((GOLDEN / "tiny.h5").read_bytes()[:600])
    with zipfile.ZipFile(tmp_path / "empty.keras", "w"):
        pass
    with h5py.File(tmp_path / "weights.h5", "w") as store:
        store["kernel"] = [1.0]
    expected = {"cut.keras": "damaged", "cut.h5": "damaged", "empty.keras": "damaged", "weights.h5": "without an arch"}
    for name, text in expected.items():
        with pytest.raises(EdgetoolError, match=text) as caught:
            read_config(tmp_path / name, "keras" if name.endswith("keras") else "h5")
        assert name in caught.value.subject


def test_a_summary_says_what_needs_trust(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    shutil.copy(GOLDEN / "tiny.keras", path)
    assert not [note for note in summarize_and_judge(str(path))["notes"] if "--trust" in note]
    with zipfile.ZipFile(GOLDEN / "tiny.keras") as sound, zipfile.ZipFile(path, "w") as archive:
        for name in sound.namelist():
            content = sound.read(name)
            archive.writestr(name, content.replace(b'"relu"', b'{"class_name": "__lambda__", "config": {}}'))
    notes = summarize_and_judge(str(path))["notes"]
    assert any("--trust alone" in note and "m.keras: " in note for note in notes), notes
