"""Hostile model files before the true loaders: nothing runs without trust, and what is trusted does run."""

from __future__ import annotations

import inspect
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import FileFormatError, UntrustedModelError
from edgetool.importers.allowed import allowed_classes
from edgetool.importers.base import ImportOptions
from edgetool.importers.keras import load_keras
from edgetool.importers.names import CODE_LAYERS, OPERATOR_LAYERS
from edgetool.runners.child import call_function

pytestmark = pytest.mark.slow

#: Classes that `layers` modules export and no configuration may name: base classes, and one that reads feature columns.
NO_LAYERS = {"AbstractRNNCell", "DenseFeatures", "Layer", "Wrapper"}

#: Operations of keras.ops that take functions, and their base classes.
FUNCTIONAL = {
    "AssociativeScan",
    "Cond",
    "ForiLoop",
    "Function",
    "JVP",
    "Map",
    "Operation",
    "Scan",
    "Switch",
    "VectorizedMap",
    "WhileLoop",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of Keras 2 as `.h5` and `.keras`."""
    import tf_keras

    folder = tmp_path_factory.mktemp("base")
    inputs = tf_keras.Input((3,), name="x")
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2, name="d")(inputs), name="m")
    model.save(folder / "base.h5")
    model.save(folder / "base.keras")
    return folder


def operator(folder: Path, base: Path, mark: Path) -> Path:
    """Write a model with a layer that writes a file while the graph is built."""
    import h5py

    path = folder / "operator.h5"
    shutil.copy(base / "base.h5", path)
    layer = {
        "class_name": "TFOpLambda",
        "config": {"name": "op", "trainable": True, "dtype": "float32", "function": "io.write_file"},
        "name": "op",
        "inbound_nodes": [["_CONSTANT_VALUE", -1, str(mark), {"contents": "x"}]],
    }
    with h5py.File(path, "r+") as store:
        config = json.loads(store.attrs["model_config"])
        config["config"]["layers"].append(layer)
        store.attrs["model_config"] = json.dumps(config)
    return path


def nested_lambda(folder: Path, base: Path, mark: Path) -> Path:
    """Write a model with a Lambda layer below many others."""
    import tf_keras

    source = f"lambda x: (open({str(mark)!r}, 'w').close(), x)[1]"
    model = tf_keras.Sequential([tf_keras.Input((3,)), tf_keras.layers.Lambda(eval(source)), tf_keras.layers.Dense(1)])
    for depth in range(25):
        model = tf_keras.Sequential([tf_keras.Input((3,)), model], name=f"s{depth}")
    model.save(folder / "nested.h5")
    mark.unlink(missing_ok=True)
    return folder / "nested.h5"


def module(folder: Path, base: Path, mark: Path) -> Path:
    """Write a model whose class lies in a module of the folder, which writes a file when it is imported."""
    (folder / "evilmod.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Dense: pass\n")
    path = folder / "module.keras"
    with zipfile.ZipFile(base / "base.keras") as source, zipfile.ZipFile(path, "w") as out:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = json.dumps({"module": "evilmod", "class_name": "Dense", "config": {"name": "x"}}).encode()
            out.writestr(name, content)
    return path


@pytest.mark.parametrize("make", [operator, nested_lambda, module])
def test_code_runs_with_trust_alone(
    make: Callable[[Path, Path, Path], Path], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "MARK"
    path = make(tmp_path, base, mark)
    monkeypatch.syspath_prepend(tmp_path)  # even so
    with pytest.raises(UntrustedModelError):
        load_keras(path, ImportOptions())
    assert not mark.exists()
    try:
        load_keras(path, ImportOptions(trust=True))
    except FileFormatError as exc:
        assert make is not nested_lambda, exc  # the others have done their work by then, and are no models
    assert mark.exists(), "the file is not hostile: this test proves nothing"


def test_modules_of_the_current_folder_stand_in_for_no_library(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "MARK"
    for name in ("h5py", "json", "numpy", "zipfile", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    params = {"path": str(base / "base.h5"), "trust": False}
    call_function("edgetool.importers.trust:probe", params, subject="base.h5", timeout_s=120.0)
    assert not mark.exists()


def test_layers_that_claim_all_the_memory_are_refused(base: Path, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "huge.h5"
    shutil.copy(base / "base.h5", path)
    with h5py.File(path, "r+") as store:
        store.attrs["model_config"] = store.attrs["model_config"].replace('"units": 2', '"units": 9000000000')
    with pytest.raises(FileFormatError, match="cannot load"):
        load_keras(path, ImportOptions())


def _classes(package: Any) -> set[str]:
    return {name for name, item in vars(package).items() if inspect.isclass(item)}


def test_every_layer_and_operation_is_on_a_list_or_known_to_hold_code() -> None:
    import keras
    import tf_keras
    from keras.src import ops

    layers = _classes(keras.layers) | _classes(tf_keras.layers)
    assert layers - allowed_classes() == set(CODE_LAYERS) & layers | NO_LAYERS & layers
    operations = set()
    for name in ("core", "image", "linalg", "math", "nn", "numpy"):
        package = getattr(ops, name)
        operations |= {item for item in _classes(package) if vars(package)[item].__module__ == package.__name__}
    assert operations - allowed_classes() <= FUNCTIONAL
    for kind in (keras, tf_keras):
        for part in ("initializers", "regularizers", "constraints"):
            bases = {part[:-1].capitalize()}
            assert _classes(getattr(kind, part)) - allowed_classes() <= bases
    assert not OPERATOR_LAYERS & allowed_classes()
