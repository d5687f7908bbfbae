"""Weights that stay packed: bit for bit LiteRT's reference kernels in every form, here and on emulated cores."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.boards.firmware import missing_packages, run_firmware
from edgetool.embed.bundles.c_bundle import BUNDLE_FILE, Bundle, write_bundle
from edgetool.embed.bundles.check_bundle import check_bundle, run_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import random_inputs, reference_vectors
from edgetool.errors import BudgetError
from edgetool.targets import find_target

pytestmark = pytest.mark.slow

CORES = ("host", "cortex-m4-qemu", "cortex-m55-qemu")

SANITIZED = (
    "-std=c99",
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
)

Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def palette(num_values: int) -> Draw:
    """Weights of that many values, none of them 0."""
    values = np.array([value for value in np.linspace(-127, 127, num_values).round() if value] or [1])
    return lambda random, shape: random.choice(values, shape)


def sparse(share: float, num_values: int) -> Draw:
    values = np.linspace(-127, 127, num_values).round()
    return lambda random, shape: random.choice(values, shape) * (random.random(shape) >= share)


#: Form -> how weights are drawn, and what the layers become.
FORMS: dict[str, tuple[Draw, str]] = {
    "two values": (palette(2), "palette of 1 bits"),
    "6 values": (palette(6), "palette of 3 bits"),
    "16 values": (palette(16), "palette of 4 bits"),
    "int4": (lambda random, shape: random.integers(-7, 8, shape), "palette of 4 bits"),
    "32 values": (palette(32), "palette of 5 bits"),
    "64 values": (palette(64), "palette of 6 bits"),
    "85 % zeros, 20 values": (sparse(0.85, 20), "sparse"),
    "90 % zeros": (sparse(0.9, 255), "sparse"),
    "99.7 % zeros": (sparse(0.997, 3), "sparse"),
    "zeros alone": (lambda _, shape: np.zeros(shape), "sparse"),
}

#: Forms that are tried on every core, emulated ones too: all kernels are among them.
ON_CORES = ("16 values", "32 values", "64 values", "85 % zeros, 20 values")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory, to_int8: Callable[..., Path]) -> dict[str, Path]:
    """For each padding a model file."""
    folder = tmp_path_factory.mktemp("packed")
    return {padding: write_network(folder / f"{padding}.tflite", padding, to_int8) for padding in ("same", "valid")}


def write_network(path: Path, padding: str, to_int8: Callable[..., Path]) -> Path:
    """A network of all that packs: odd sizes, strides, dilation, additions, rows, a patch that is the image."""
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    strides = 2 if padding == "same" else 1
    inputs = layers.Input((11, 9, 5), batch_size=1)
    x = layers.Conv2D(33, (3, 2), strides, padding, activation="relu")(inputs)
    y = layers.Conv2D(48, 1)(x)
    x = layers.Add()([layers.Conv2D(48, 3, padding="same", dilation_rate=2)(x), y])
    x = layers.Add()([x, layers.ReLU()(layers.Conv2D(48, 1)(x))])
    x = layers.Add()([layers.Conv2D(48, 1)(x), x])
    x = layers.Dense(27)(layers.Reshape((x.shape[1], x.shape[2] * 48))(x))  # rows
    x = layers.Reshape((x.shape[1], 1, 27))(x)
    y = layers.Flatten()(layers.Conv2D(19, (x.shape[1], 1), activation="relu")(x))
    x = layers.Dense(31, activation="relu")(layers.Flatten()(x))
    model = tf_keras.Model(inputs, [layers.Dense(38)(x), layers.Dense(40)(y)])
    return to_int8(tf.lite.TFLiteConverter.from_keras_model(model), (11, 9, 5), path)


def with_weights(source: Path, draw: Draw, path: Path, *, as_int4: bool = False) -> Path:
    """Write a model with other weights; int4 ones take a larger scale and half a byte."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetool.exporters.tflite.file import pack, unpack

    model, random = unpack(source.read_bytes()), np.random.default_rng(3)
    for tensor in model.subgraphs[0].tensors:
        buffer = model.buffers[tensor.buffer]
        if buffer.data is None or tensor.type != schema.TensorType.INT8 or len(tensor.shape) < 2:
            continue
        weights = draw(random, tuple(tensor.shape)).astype(np.int8)
        if as_int4:
            tensor.type = schema.TensorType.INT4
            tensor.quantization.scale = np.asarray(tensor.quantization.scale, np.float32) * 16
            nibbles = np.append(weights.reshape(-1), np.zeros(weights.size % 2, np.int8)).astype(np.uint8) & 15
            weights = nibbles[::2] | nibbles[1::2] << 4
        buffer.data = weights.reshape(-1).view(np.uint8)
    path.write_bytes(pack(model))
    return path


def write_model(networks: dict[str, Path], name: str, padding: str, path: Path) -> Path:
    return with_weights(networks[padding], FORMS[name][0], path, as_int4=name == "int4")


def write(path: Path, out: Path, target: str, pack: str = "always") -> Bundle:
    return write_bundle(path, name="net", out=out, target=find_target(target), overwrite=True, pack=pack)


@pytest.mark.parametrize(
    ("name", "padding"), [*((name, "same") for name in FORMS), *((name, "valid") for name in ON_CORES)]
)
def test_every_form_gives_the_same_bytes_and_sanitizers_find_nothing(
    name: str, padding: str, networks: dict[str, Path], tmp_path: Path
) -> None:
    path = write_model(networks, name, padding, tmp_path / "m.tflite")
    program = lower_file(path)
    inputs = random_inputs(program, 20, seed=2)
    expected = reference_vectors(path, program, inputs).outputs
    if FORMS[name][1] != "sparse":
        assert all(np.unique(array).size > 8 for array in expected), "saturated outputs show nothing"
    for core in CORES if name in ON_CORES else CORES[:1]:
        made = write(path, tmp_path / core, core)
        assert FORMS[name][1] in {layer.form for layer in made.packed} and len(made.packed) >= 4, made.packed
        assert made.constant_bytes < made.unpacked_bytes
        found = run_bundle(made.out, "net", program, inputs, compiler="gcc", flags=SANITIZED)
        for given, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize(
    ("name", "core"),
    [*((name, core) for name in ON_CORES for core in CORES[1:]), ("85 % zeros, 20 values", "cortex-m7-qemu")],
)
def test_emulated_cores_give_the_same_bytes(name: str, core: str, networks: dict[str, Path], tmp_path: Path) -> None:
    missing = missing_packages(find_target("cortex-m4-qemu")).values()
    if missing:
        pytest.skip(f"no Arm compiler or emulator: apt install {' '.join(missing)}")
    path = write_model(networks, name, "same", tmp_path / "m.tflite")
    ran = run_firmware(write(path, tmp_path / "b", core).out, "net", lower_file(path), find_target(core))
    assert ran.num_failed == 0 and ran.arena_is_whole


def test_kernels_that_a_file_stores_sparse_are_read(tmp_path: Path, to_int8: Callable[..., Path]) -> None:
    """As the exporter writes them: DENSIFY in front of each operator, dense layers as convolutions of one patch."""
    import tensorflow as tf
    import tf_keras

    from edgetool.exporters.tflite.file import pack, unpack
    from edgetool.exporters.tflite.sparse import sparsify

    layers = tf_keras.layers
    inputs = layers.Input((9, 7, 11), batch_size=1)
    x = layers.Flatten()(layers.Conv2D(24, 3, 2, "same", activation="relu")(inputs))
    x = layers.Dense(30)(layers.Dense(41, activation="relu")(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf_keras.Model(inputs, x))
    plain = to_int8(converter, (9, 7, 11), tmp_path / "plain.tflite")
    draw, form = FORMS["85 % zeros, 20 values"]
    model = unpack(with_weights(plain, draw, tmp_path / "dense.tflite").read_bytes())
    assert sparsify(model).num_tensors == 3
    path = tmp_path / "sparse.tflite"
    path.write_bytes(pack(model))
    for core in CORES:
        made = write(path, tmp_path / core, core)
        assert [layer.form for layer in made.packed] == [form] * 3
        assert {"fully_connected_sparse_s8"} < set(made.operators)
        assert check_bundle(path, made.out, num_samples=20).num_different == 0


def test_the_documents_cnn_runs_in_two_megabytes(tmp_path: Path, to_int8: Callable[..., Path]) -> None:
    """8.5 M weights, 33.9 MB in float32, of which 80 % of the large kernel's are 0: on the memory of an STM32H743."""
    import tensorflow as tf
    import tf_keras

    from edgetool_models.document_cnn import build

    def draw(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        levels = np.clip(np.rint(random.normal(size=shape) * 4), -15, 15)
        return 8 * np.where(random.random(shape) < 0.8, 0, levels)

    plain = to_int8(tf.lite.TFLiteConverter.from_keras_model(build(tf_keras)), (32, 32, 3), tmp_path / "plain.tflite")
    path = with_weights(plain, draw, tmp_path / "m.tflite")
    with pytest.raises(BudgetError, match="of flash"):
        write(path, tmp_path / "b", "stm32h743-qemu", pack="never")
    made = write(path, tmp_path / "b", "stm32h743-qemu", pack="auto")
    assert made.unpacked_bytes > 4 * made.constant_bytes and len(made.packed) == 4
    if missing_packages(find_target("cortex-m4-qemu")):
        pytest.skip("no Arm compiler or emulator")
    ran = run_firmware(made.out, "net", lower_file(path), find_target("stm32h743-qemu"))
    assert ran.num_failed == 0 and ran.arena_is_whole
    assert ran.flash_bytes <= 2 << 20 and ran.ram_bytes <= 512 << 10


def test_the_command_says_what_was_saved(networks: dict[str, Path], tmp_path: Path) -> None:
    path = write_model(networks, "16 values", "same", tmp_path / "m.tflite")
    arguments = ["embed", str(path), "--runtime", "c", "-o", str(tmp_path / "b")]
    command = [sys.executable, "-m", "edgetool.cli.main", *arguments]
    done = subprocess.run([*command, "--pack", "always"], capture_output=True, text=True)
    assert done.returncode == 0 and "if no weights were packed" in done.stdout and "palette of 4 bits" in done.stdout
    fields = tomllib.loads((tmp_path / "b" / BUNDLE_FILE).read_text())
    saved = sum(layer["unpacked_bytes"] - layer["packed_bytes"] for layer in fields["packed"])
    assert len(fields["packed"]) >= 4 and fields["unpacked_constant_bytes"] - fields["constant_bytes"] >= saved > 0
    assert "palette of 4 bits" in (tmp_path / "b" / "README.md").read_text()
    plain = subprocess.run([*command, "--overwrite", "--json"], capture_output=True, text=True)
    assert plain.returncode == 0 and json.loads(plain.stdout)["bundle"]["packed"] == []
    wrong = subprocess.run([*command, "--overwrite", "--pack", "allways"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "always" in wrong.stderr


def test_the_bundle_builds_by_itself_as_c_and_as_cpp(networks: dict[str, Path], tmp_path: Path) -> None:
    warnings = ["-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    compilers = [["g++", "-std=c++17", "-x", "c++"], ["clang", "-std=c99"], ["clang++", "-std=c++17", "-x", "c++"]]
    whole = "g++"  # clang's warnings are of its front end: with it nothing need be optimised, linked and run
    for name in ON_CORES:
        path = write_model(networks, name, "valid", tmp_path / "m.tflite")
        for core in CORES:
            bundle = write(path, tmp_path / "b", core).out
            for compiler in compilers:
                if shutil.which(compiler[0]):
                    sources = ["main.c", "net.c", "weights.c"]
                    ends = ["-o", "other"] if compiler[0] == whole else ["-fsyntax-only"]
                    subprocess.run([*compiler, *warnings, *sources, *ends], check=True, cwd=bundle)
            if shutil.which(whole):
                assert subprocess.run(["./other"], cwd=bundle).returncode == 0
            if shutil.which("cppcheck"):
                kinds = "--enable=warning,portability,performance"
                subprocess.run(["cppcheck", "--quiet", kinds, "--error-exitcode=3", "net.c"], check=True, cwd=bundle)
