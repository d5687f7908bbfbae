"""`edgetool compress` as a user runs it: the whole way, resume after kill, and mistakes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

MAKE_MODEL = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
keras.utils.set_random_seed(0)
inputs = keras.Input((8, 8, 1))
x = keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv")(inputs)
x = keras.layers.MaxPooling2D(2)(x)
x = keras.layers.Flatten()(x)
x = keras.layers.Dense(64, activation="relu", name="hidden")(x)
outputs = keras.layers.Dense(10, activation="softmax", name="classes")(x)
model = keras.Model(inputs, outputs)
data = np.load(sys.argv[1])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(data["x_train"] / 16.0, data["y_train"], epochs=12, verbose=0)
model.save(sys.argv[2])
"""

Edgetool = Callable[..., subprocess.CompletedProcess[str]]

RECIPES = "w8a8_static,prune80_w8a8_static"


def edgetool(*arguments: str, timeout: float = 600.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgetool.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "CI": "1"},
    )


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scikit-learn's digits as 8x8 images, and a small trained model."""
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("compress")
    digits = load_digits()
    x, y = digits.images[..., None].astype(np.float32), digits.target.astype(np.int64)
    np.savez(folder / "digits.npz", x_train=x[:1400], y_train=y[:1400], x_test=x[1400:], y_test=y[1400:])
    subprocess.run(
        [sys.executable, "-c", MAKE_MODEL, str(folder / "digits.npz"), str(folder / "model.keras")],
        check=True,
        capture_output=True,
    )
    return folder


def command(workplace: Path, out: Path, *more: str) -> list[str]:
    return [
        "compress",
        str(workplace / "model.keras"),
        "--data",
        str(workplace / "digits.npz"),
        "--scale",
        "0.0625",
        "--recipe",
        RECIPES,
        "--effort",
        "0.2",
        "--bench-seconds",
        "0.05",
        "-o",
        str(out),
        *more,
    ]


@pytest.fixture(scope="module")
def finished(workplace: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = workplace / "run"
    return out, edgetool(*command(workplace, out))


def manifest(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / "manifest.json").read_text())
    return loaded


def test_the_whole_way(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    run, process = finished
    assert process.returncode == 0, process.stderr
    found = manifest(run)
    assert found["status"] == "complete"
    names = [artifact["name"] for artifact in found["artifacts"]]
    wanted = ["float32", "w8a8_static", "prune80_w8a8_static"]
    assert names == [f"{recipe}.{suffix}" for recipe in wanted for suffix in ("tflite", "onnx")]
    for artifact in found["artifacts"]:
        assert artifact["failure"] is None
        assert artifact["parity"] and all(parity["passed"] for parity in artifact["parity"])
        assert all(invariant["passed"] for invariant in artifact["invariants"])
        assert artifact["evaluation"]["num_samples"] == 397
        assert artifact["evaluation"]["value"] > 0.8
        assert artifact["latency"]
        assert (run / artifact["artifact"]["path"]).stat().st_size == artifact["size"]["raw"]
    float32, int8 = found["artifacts"][0], found["artifacts"][2]
    assert float32["parity"][0]["max_abs_error"] <= 1e-4
    assert int8["size"]["raw"] < 0.5 * float32["size"]["raw"]
    assert {decision["purpose"] for decision in found["decisions"]} == {"recommended", "smallest", "fastest"}
    for name in ("report.html", "report.md", "results.csv", "results.json", "measurements.jsonl"):
        assert (run / name).stat().st_size > 0
    assert not (run / "cache").exists()
    assert "report.html" in process.stderr


def test_a_finished_run_is_not_overwritten(
    workplace: Path, finished: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    run, _ = finished
    before = (run / "manifest.json").read_bytes()
    process = edgetool(*command(workplace, run))
    assert process.returncode == 30
    assert "--overwrite" in process.stderr
    assert (run / "manifest.json").read_bytes() == before


def test_a_killed_run_goes_on_after_the_last_finished_stage(workplace: Path) -> None:
    out = workplace / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "edgetool.cli.main", *command(workplace, out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if (out / "manifest.json").exists() and len(manifest(out)["stages"]) >= 2:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {(stage["stage"], stage["recipe"]): stage["finished"] for stage in manifest(out)["stages"]}
    digests = {a["name"]: a["artifact"]["digest"] for a in manifest(out)["artifacts"]}
    assert ("build", "float32") in done
    for artifact in manifest(out)["artifacts"]:
        assert (out / artifact["artifact"]["path"]).exists()

    other = edgetool(*command(workplace, out, "--seed", "7"))
    assert other.returncode == 31
    assert "another model, data, recipes or options" in other.stderr

    resumed = edgetool(*command(workplace, out))
    assert resumed.returncode == 0, resumed.stderr
    found = manifest(out)
    assert found["status"] == "complete"
    again = {(stage["stage"], stage["recipe"]): stage["finished"] for stage in found["stages"]}
    assert again["build", "float32"] == done["build", "float32"]
    for artifact in found["artifacts"]:
        assert digests.get(artifact["name"], artifact["artifact"]["digest"]) == artifact["artifact"]["digest"]


def test_interrupt_says_how_to_go_on(workplace: Path) -> None:
    out = workplace / "interrupted"
    process = subprocess.Popen(
        [sys.executable, "-m", "edgetool.cli.main", *command(workplace, out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    deadline = time.monotonic() + 300
    while not (out / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "goes on" in stderr
    assert "Traceback" not in stderr


MISTAKES = [
    (["compress", "none.keras", "--data", "digits"], 10, "none.keras"),
    (["compress", "{model}", "--data", "none.npz"], 10, "none.npz"),
    (["compress", "{model}", "--data", "{data}", "--recipe", "w8a8_statik"], 21, "did you mean 'w8a8_static'?"),
    (["compress", "{model}", "--data", "{data}", "--target", "hots"], 22, "did you mean 'host'?"),
    (["compress", "{model}", "--data", "{data}", "--task", "clasification"], 2, "did you mean 'classification'?"),
    (["compress", "{model}", "--data", "{data}", "--mean", "a,b"], 2, "--mean"),
    (["compress", "{model}"], 2, "--data"),
    (["compress", "{text}", "--data", "{data}"], 11, "text.keras"),
    (["compress", "{model}", "--data", "{labels}", "--recipe", "float32"], 20, "labels from 0 to 12"),
    (["compress", "{model}", "--data", "{nan}", "--recipe", "float32"], 20, "NaN"),
    (["compress", "{model}", "--data", "{shape}", "--recipe", "float32"], 20, "[N, 8, 8, 1]"),
    (["compress", "{model}", "--data", "{data}", "-o", "{folder}"], 30, "other content"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), MISTAKES, ids=[" ".join(m[0][1:])[:60] for m in MISTAKES])
def test_a_mistake_gives_one_clear_error(
    workplace: Path, tmp_path: Path, arguments: list[str], code: int, text: str, run_edgetool: Edgetool
) -> None:
    data = dict(np.load(workplace / "digits.npz"))
    files = {name: tmp_path / f"{name}.npz" for name in ("labels", "nan", "shape")}
    np.savez(files["labels"], **{**data, "y_test": np.full_like(data["y_test"], 12) * (data["y_test"] > 0)})
    broken = data["x_train"].copy()
    broken[3, 2, 1, 0] = np.nan
    np.savez(files["nan"], **{**data, "x_train": broken})
    np.savez(files["shape"], **{**data, "x_train": data["x_train"][..., 0], "x_test": data["x_test"][..., 0]})
    (tmp_path / "text.keras").write_text("not a model")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    places = {
        "model": workplace / "model.keras",
        "data": workplace / "digits.npz",
        "text": tmp_path / "text.keras",
        "folder": tmp_path / "full",
        **files,
    }
    filled = [argument.format(**places) for argument in arguments]
    if "-o" not in filled:
        filled += ["-o", str(tmp_path / "out")]
    process = run_edgetool(*filled)
    assert process.returncode == code, process.stderr
    assert text in process.stderr
    assert "expected" in process.stderr
    assert "next" in process.stderr
    assert "Traceback" not in process.stderr
    assert (tmp_path / "full" / "thesis.tex").read_text() == "precious"


def test_a_recipe_that_fails_does_not_take_the_others_along(
    workplace: Path, tmp_path: Path, run_edgetool: Edgetool
) -> None:
    recipe = tmp_path / "toobig.toml"
    recipe.write_text(
        'description = "Nothing is big enough."\n[[passes]]\nname = "prune"\nparams = { min_elements = 1000000 }\n'
    )
    out = tmp_path / "run"
    arguments = command(workplace, out, "--bench-seconds", "0")
    arguments[arguments.index(RECIPES)] = f"float16,{recipe}"
    process = run_edgetool(*arguments)
    assert process.returncode == 44
    assert "no layer to work on" in process.stderr
    found = manifest(out)
    assert [a["name"] for a in found["artifacts"]] == [
        "float32.tflite",
        "float32.onnx",
        "float16.tflite",
        "float16.onnx",
    ]
    (failure,) = found["failures"]
    assert (failure["stage"], failure["recipe"], failure["exit_code"]) == ("build", "toobig", 44)
    assert "Failed: toobig." in process.stderr
    assert (out / "report.html").exists()


def test_accuracy_on_a_part_of_the_test_split_says_so(workplace: Path, tmp_path: Path, run_edgetool: Edgetool) -> None:
    arguments = command(workplace, tmp_path / "run", "--max-test-samples", "100", "--bench-seconds", "0")
    arguments[arguments.index(RECIPES)] = "float32"
    process = run_edgetool(*arguments)
    assert process.returncode == 0, process.stderr
    found = manifest(tmp_path / "run")
    assert {a["evaluation"]["num_samples"] for a in found["artifacts"]} == {100}
    assert found["source"]["evaluation"]["num_samples"] == 100
    assert "100 of 397 test samples" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="needs root to mount a small disk")
def test_a_full_disk_leaves_no_half_written_file(workplace: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let tests mount a tmpfs")
    try:
        process = edgetool(*command(workplace, disk / "run"))
        assert process.returncode == 32, process.stderr
        assert "no space left" in process.stderr
        for file in (disk / "run" / "artifacts").glob("*"):
            assert file.name in {Path(a["artifact"]["path"]).name for a in manifest(disk / "run")["artifacts"]}
    finally:
        subprocess.run(["umount", str(disk)], check=True)
