"""Training on every backend of Keras 3: exact resume, labels at every position, precision, devices, one file for all.

The models are a user's own, `their_models:cnn` and so on, from a folder of their own. No layer has a name: what is
saved must not depend on how many layers the process had made before.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edgetool.errors import DataError, DeviceUnavailableError, MissingFileError, TrainingError, UsageError
from edgetool.options.commands import ComputeOptions, ExportOptions, ModelOptions, RecipeOptions, TrainOptions
from edgetool.options.declare import build
from edgetool.options.groups import RunOptions, TableOptions
from edgetool.pipeline.export import export_file
from edgetool.training.record import EpochRecord, TrainRecord
from edgetool.training.train import train_model

pytestmark = pytest.mark.slow

MODELS = """
def cnn(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))

def linear(keras):
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)))

def tokens(keras):
    layers = keras.layers
    inputs = keras.Input((8,), dtype="int32")
    x = layers.Embedding(11, 12)(inputs)
    x = layers.EinsumDense("abc,c->abc", output_shape=(8, 12), bias_axes="bc", kernel_initializer="ones")(x)
    x = layers.Conv1D(12, 3, padding="causal", activation="gelu")(x)
    x = layers.Dropout(0.1)(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(11)(x))
"""

#: Everything at once that an epoch draws or remembers.
RECIPE = RecipeOptions(
    optimizer="adamw",
    learning_rate=0.01,
    batch_size=32,
    epochs=4,
    schedule="cosine",
    warmup_epochs=0.5,
    weight_decay=0.01,
    label_smoothing=0.1,
    augmentation="flip,shift,noise",
    patience=3,
    balanced=True,
)
SCALED = ModelOptions(scale=1 / 16)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The user's folder, with models and data, as current folder."""
    from sklearn.datasets import load_digits

    here = tmp_path_factory.mktemp("theirs")
    (here / "their_models.py").write_text(MODELS)
    digits = load_digits()
    x, y = digits.images[..., None].astype(np.uint8), digits.target
    parts = {"train": slice(0, 300), "val": slice(300, 433), "test": slice(433, 533)}
    np.savez(here / "digits.npz", **{f"{k}_{name}": v[p] for name, p in parts.items() for k, v in (("x", x), ("y", y))})
    random = np.random.default_rng(0)
    sequences = np.cumsum(random.integers(1, 3, size=(260, 9)), axis=1) % 11
    following = sequences[:, 1:].copy()
    following[random.random(following.shape) < 0.3] = -1
    arrays = {"x": sequences[:, :-1].astype(np.uint8), "y": following}
    parts = {"train": slice(0, 180), "val": slice(180, 220), "test": slice(220, 260)}
    np.savez(here / "tokens.npz", **{f"{k}_{name}": v[p] for name, p in parts.items() for k, v in arrays.items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield here


def train(
    backend: str,
    out: Path,
    *,
    model: str = "cnn",
    recipe: RecipeOptions = RECIPE,
    options: ModelOptions = SCALED,
    data: str = "digits.npz",
    on_epoch: Callable[[EpochRecord], None] | None = None,
    **compute: Any,
) -> TrainRecord:
    return train_model(
        TrainOptions(
            f"their_models:{model}",
            data=TableOptions(data),
            compute=ComputeOptions(backend=backend, **{"device": "cpu", **compute}),
            recipe=recipe,
            model=options,
            run=RunOptions(str(out), seed=3),
        ),
        on_epoch=on_epoch,
    )


def weights(model: Path) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    with zipfile.ZipFile(model) as archive, archive.open("model.weights.h5") as stream, h5py.File(stream) as file:
        file.visititems(keep)
    return found


def same(first: Path, second: Path) -> bool:
    a, b = weights(first), weights(second)
    return len(a) >= 2 and list(a) == list(b) and all(np.array_equal(a[name], b[name]) for name in a)


def history(record: TrainRecord) -> list[EpochRecord]:
    return [dataclasses.replace(epoch, seconds=0.0) for epoch in record.history]


def kill_children(number: int) -> Callable[[EpochRecord], None]:
    """Kill the training process, as a lack of memory would, once `number` epochs are finished."""

    def kill(epoch: EpochRecord) -> None:
        if epoch.epoch == number:
            for child in psutil.Process().children(recursive=True):
                child.send_signal(signal.SIGKILL)

    return kill


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, TrainRecord]]:
    """The CNN trained on a backend without interruption, once for all tests."""
    made: dict[str, tuple[Path, TrainRecord]] = {}

    def get(backend: str) -> tuple[Path, TrainRecord]:
        if backend not in made:
            out = tmp_path_factory.mktemp(backend) / "run"
            made[backend] = (out, train(backend, out))
        return made[backend]

    return get


def test_a_killed_run_ends_with_the_same_weights(
    backend: str, tmp_path: Path, trained: Callable[[str], tuple[Path, TrainRecord]]
) -> None:
    whole, expected = trained(backend)
    with pytest.raises(TrainingError, match="SIGKILL"):
        train(backend, tmp_path / "run", on_epoch=kill_children(2))
    record = train(backend, tmp_path / "run")
    assert record.num_resumes == 1
    assert history(record) == history(expected) and record.best_epoch == expected.best_epoch
    assert same(tmp_path / "run" / "model.keras", whole / "model.keras")
    logged = [len(path.read_bytes()) for path in sorted((tmp_path / "run" / "logs").rglob("events*"))]
    assert logged == [len(path.read_bytes()) for path in sorted((whole / "logs").rglob("events*"))]


def test_the_record_says_how_and_at_what_cost(backend: str, trained: Callable[[str], tuple[Path, TrainRecord]]) -> None:
    folder, record = trained(backend)
    settings, cost = record.settings, record.cost
    assert (settings.backend, settings.device, settings.schedule, settings.patience) == (backend, "cpu", "cosine", 3)
    assert settings.augmentation == ("flip", "shift", "noise") and settings.balanced
    assert record.history[-1].loss < record.history[0].loss
    best = record.history[record.best_epoch - 1]
    assert record.validation is not None and record.validation.value == pytest.approx(best.val_accuracy)
    # Convolution 8*8*6*9, depthwise 4*4*6*9, dense 96*10; forward, and backward twice as much, of two operations each.
    assert cost.macs_per_sample == 3456 + 864 + 960
    assert cost.flops_per_step == 5280 * 2 * 3 * 32
    assert cost.samples_per_second > 0 and cost.peak_memory_bytes > 1 << 27 and cost.device
    assert (cost.energy_joules is None) == cost.energy_method.startswith("not measured")
    assert json.loads((folder / "train.json").read_text())["cost"]["num_devices"] == 1


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_the_same_weights_compress_to_the_same_file_whatever_trained_them(
    other: str,
    tmp_path: Path,
    folder: Path,
    require_backend: Callable[[str], None],
) -> None:
    require_backend(other)
    # Of a model that has learned something: a file of one at chance would be refused for its classes.
    learning = dataclasses.replace(RECIPE, learning_rate=0.03, epochs=12, augmentation="none", patience=None)
    record = train(other, tmp_path / "run", recipe=learning)
    assert record.validation is not None and record.validation.value > 0.6
    theirs = tmp_path / "run" / "model.keras"
    code = (
        "import sys, keras, their_models\n"
        "assert keras.backend.backend() == 'tensorflow'\n"
        "weights = keras.saving.load_model(sys.argv[1]).get_weights()\n"
        "keras.utils.clear_session()\n"
        "model = their_models.cnn(keras)\n"
        "model.set_weights(weights)\n"
        "model.save(sys.argv[2])\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    subprocess.run([sys.executable, "-c", code, str(theirs), str(tmp_path / "tf.keras")], check=True, env=environment)
    assert same(theirs, tmp_path / "tf.keras")
    for recipe in ("float32", "w8a8_static"):
        files = []
        for source in (theirs, tmp_path / "tf.keras"):
            out = tmp_path / f"{source.stem}_{recipe}.tflite"
            options = build(
                ExportOptions,
                {
                    "model": str(source),
                    "out": str(out),
                    "recipe": recipe,
                    "data": str(folder / "digits.npz"),
                    "scale": 1 / 16,
                },
            )
            export_file(options, progress=lambda *_: None)
            files.append(out.read_bytes())
        assert len(files[0]) > 1000 and files[0] == files[1], recipe


def test_labels_below_zero_do_not_count(backend: str, tmp_path: Path) -> None:
    recipe = RecipeOptions(learning_rate=0.01, batch_size=32, epochs=3)
    options = ModelOptions(task="language_model", metric="nats", dtype="int32")
    record = train(backend, tmp_path / "run", model="tokens", recipe=recipe, options=options, data="tokens.npz")
    assert record.validation is not None and record.validation.metric == "nats"
    # All validation samples are one batch, whose loss is the mean over the positions that count.
    assert record.validation.value == pytest.approx(record.history[-1].val_loss, rel=1e-4)
    assert 0.0 < record.validation.value < record.history[0].val_loss < 3.0  # type: ignore[operator]
    assert record.history[-1].val_accuracy is not None and record.history[-1].val_accuracy > 0.2


def test_sixteen_bits_are_of_the_products_alone(
    backend: str, tmp_path: Path, trained: Callable[[str], tuple[Path, TrainRecord]]
) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    record = train(backend, tmp_path / "run", recipe=recipe, precision="bfloat16")
    assert record.settings.precision == "bfloat16"
    assert all(value.dtype == np.float32 for value in weights(tmp_path / "run" / "model.keras").values())
    with zipfile.ZipFile(tmp_path / "run" / "model.keras") as archive:
        assert b"float16" not in archive.read("config.json")  # bfloat16 neither
    exact = train(backend, tmp_path / "exact", recipe=recipe).history[0]
    assert record.history[0].loss != exact.loss
    assert record.history[0].loss == pytest.approx(exact.loss, rel=0.05)


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_two_devices_come_to_what_one_does(name: str, tmp_path: Path, require_backend: Callable[[str], None]) -> None:
    require_backend(name)
    recipe = RecipeOptions(learning_rate=0.01, batch_size=32, epochs=2)
    one = train(name, tmp_path / "one", model="linear", recipe=recipe)
    two = train(name, tmp_path / "two", model="linear", recipe=recipe, num_devices=2)
    assert (one.settings.num_devices, two.settings.num_devices) == (1, 2)
    assert two.device == "2 x cpu"
    for a, b in zip(one.history, two.history, strict=True):
        # 133 validation samples are not a multiple of 2: what fills the batch up must not count.
        assert (b.loss, b.val_loss) == pytest.approx((a.loss, a.val_loss), rel=1e-4)
        assert b.val_accuracy == pytest.approx(a.val_accuracy, abs=1e-6)
    first, second = weights(tmp_path / "one" / "model.keras"), weights(tmp_path / "two" / "model.keras")
    for key, value in first.items():
        np.testing.assert_allclose(second[key], value, atol=1e-4)


def test_jax_takes_the_devices_that_xla_was_told_to_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_backend: Callable[[str], None]
) -> None:
    require_backend("jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    recipe = RecipeOptions(batch_size=32, epochs=1)
    assert train("jax", tmp_path / "run", model="linear", recipe=recipe, num_devices=2).settings.num_devices == 2
    with pytest.raises(DeviceUnavailableError, match="2 of kind cpu, expected 4"):
        train("jax", tmp_path / "other", model="linear", recipe=recipe, num_devices=4)


def test_training_stops_early_and_takes_the_best_weights(tmp_path: Path) -> None:
    recipe = RecipeOptions(learning_rate=20.0, batch_size=32, epochs=40, patience=2)
    record = train("tensorflow", tmp_path / "run", model="linear", recipe=recipe)
    losses = [epoch.val_loss for epoch in record.history]
    assert len(losses) < 40 and len(losses) == record.best_epoch + 2
    assert losses[record.best_epoch - 1] == min(losses)  # type: ignore[type-var]
    assert record.validation is not None
    assert record.validation.value == pytest.approx(record.history[record.best_epoch - 1].val_accuracy)
    assert not list((tmp_path / "run").glob("epoch-*"))


def test_small_data_are_trained_on_whole_and_nothing_then_tells_when_to_stop(tmp_path: Path) -> None:
    apart = train("tensorflow", tmp_path / "apart", model="linear", recipe=RecipeOptions(batch_size=32, epochs=1))
    recipe = RecipeOptions(batch_size=32, epochs=1, with_validation=True)
    whole = train("tensorflow", tmp_path / "whole", model="linear", recipe=recipe)
    assert whole.splits["train"] == apart.splits["train"] + apart.splits["val"] and "val" not in whole.splits
    assert whole.settings.with_validation and whole.validation is None and whole.history[0].val_loss is None
    assert whole.splits["test"] == apart.splits["test"]
    stopping = RecipeOptions(batch_size=32, epochs=1, with_validation=True, patience=2)
    with pytest.raises(DataError, match="no validation split") as caught:
        train("tensorflow", tmp_path / "never", model="linear", recipe=stopping)
    assert "--without-validation" in caught.value.next_step and not (tmp_path / "never").exists()


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path, folder: Path) -> None:
    recipe = RecipeOptions(batch_size=32, epochs=3)
    with pytest.raises(TrainingError, match="SIGKILL"):
        train("tensorflow", tmp_path / "run", recipe=recipe, on_epoch=kill_children(1))
    theirs = folder / "their_models.py"
    try:
        theirs.write_text(MODELS.replace("Conv2D(6", "Conv2D(7"))
        with pytest.raises(TrainingError, match=r"another architecture: it has conv2d/kernel \[3, 3, 1, 6\]"):
            train("tensorflow", tmp_path / "run", recipe=recipe)
        theirs.write_text(MODELS.replace("Dropout(0.2)", "Dropout(0.3)"))
        with pytest.raises(TrainingError, match="layers were configured otherwise"):
            train("tensorflow", tmp_path / "run", recipe=recipe)
    finally:
        theirs.write_text(MODELS)
    assert train("tensorflow", tmp_path / "run", recipe=recipe).num_resumes == 3


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_before_anything_is_written(
    tmp_path: Path, require_backend: Callable[[str], None]
) -> None:
    require_backend("jax")
    with pytest.raises(DeviceUnavailableError, match=r"no GPU that jax can use.*jax\[cuda"):
        train("jax", tmp_path / "run", device="gpu")
    assert not (tmp_path / "run").exists()


def test_what_the_users_model_cannot_take_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="has no attribute 'rnn'"):
        train("tensorflow", tmp_path / "run", model="rnn")
    with pytest.raises(UsageError, match="--loss: 'huber' for classification"):
        train("tensorflow", tmp_path / "run", options=dataclasses.replace(SCALED, loss="huber"))
    assert not (tmp_path / "run").exists()
