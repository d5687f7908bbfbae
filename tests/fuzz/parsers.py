"""Every parser of foreign bytes, with sound files to start from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


@dataclass(frozen=True)
class Parser:
    """One way for bytes to come in.

    Attributes:
        file: what the mutant is called in a folder of its own.
        seeds: gives sound files.
        read: is given the folder and the mutant.
        in_child: edgetool reads such files in a child process, because a C library may die or hang on damage.
    """

    file: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path, Path], object]
    in_child: bool = False


def golden(*names: str) -> Callable[[], list[bytes]]:
    return lambda: [(GOLDEN / "models" / name).read_bytes() for name in names]


def sources(pattern: str) -> Callable[[], list[bytes]]:
    return lambda: [path.read_bytes() for path in sorted(ROOT.glob(pattern))]


def npz_seeds() -> list[bytes]:
    random = np.random.default_rng(0)
    jpegs = [picture("JPEG", seed) for seed in range(2)]
    plain = {"x_train": random.random((4, 3), np.float32), "y_train": np.arange(4), "class_names": np.array(["a", "b"])}
    packed = {
        "jpeg_test": np.frombuffer(b"".join(jpegs), np.uint8),
        "offsets_test": np.cumsum([0, *map(len, jpegs)]),
        "y_test": np.arange(2),
    }
    seeds = []
    for arrays in (plain, packed):
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        seeds.append(stream.getvalue())
    return seeds


def picture(kind: str, seed: int = 0) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def image_seeds() -> list[bytes]:
    return [picture(kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PNG")]


def read_images(folder: Path, mutant: Path) -> object:
    from edgetool.data.images import load_images

    for name in ("a", "b"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "sound.png").write_bytes(picture("PNG"))
    (folder / "a" / "mutant.png").write_bytes(mutant.read_bytes())
    return load_images(folder, image_size=(8, 8))


def read_keras(_: Path, mutant: Path) -> object:
    from edgetool.importers.trust import read_config, require_bounded_weights, require_trusted
    from edgetool.ir import keras

    kind = mutant.suffix[1:]
    require_bounded_weights(mutant, kind)  # type: ignore[arg-type]
    read_config(mutant, kind)  # type: ignore[arg-type]
    require_trusted(mutant, kind)  # type: ignore[arg-type]
    return keras.read_keras(mutant, kind)


def read_graph(_: Path, mutant: Path) -> object:
    from edgetool.ir.summary import summarize

    return summarize(str(mutant))


def pt2_seeds() -> list[bytes]:
    node = {
        "target": "torch.ops.aten.relu.default",
        "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}],
        "outputs": [{"as_tensor": {"name": "relu"}}],
        "name": "relu",
    }
    size = {"as_expr": {"expr_str": "Add(Symbol('s31', integer=True), Integer(1))", "hint": {"as_int": 2}}}
    graph = {"nodes": [node], "tensor_values": {"x": {"sizes": [size, {"as_int": 8}]}}}
    weights = {"config": {"w": {"path_name": "weight_0", "is_param": True, "use_pickle": False}}}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net/archive_format", "pt2")
        archive.writestr("net/models/model.json", json.dumps({"graph_module": {"graph": graph}, "guards_code": []}))
        archive.writestr("net/data/weights/model_weights_config.json", json.dumps(weights))
        archive.writestr("net/data/weights/weight_0", "1234")
        archive.writestr("net/data/constants/model_constants_config.json", json.dumps({"config": {}}))
    return [stream.getvalue()]


def read_pt2(_: Path, mutant: Path) -> object:
    from edgetool.importers.torch_archive import read_program

    return read_program(mutant)


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of a protocol buffer, of less than 16 KiB."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def graph_seeds() -> list[bytes]:
    nodes = b"".join(field(1, field(1, name) + field(2, name)) for name in (b"MatMul", b"Relu", b"Placeholder"))
    function = field(1, field(1, field(1, b"__inference_call_1")) + field(3, field(2, b"AddV2")))
    return [field(2, field(2, nodes + field(2, function)))]


def metadata_seeds() -> list[bytes]:
    text = json.dumps({"class_name": "Dense", "config": {"name": "d", "activation": "relu"}}).encode()
    return [field(1, field(4, b"_tf_keras_layer") + field(5, text))]


def read_saved_model(folder: Path, _: Path) -> object:
    from edgetool.importers.saved_model import find_saved_code

    return list(find_saved_code(folder))


def read_data(_: Path, mutant: Path) -> object:
    from edgetool.data.load import load_dataset

    return load_dataset(str(mutant))


def table_seeds() -> list[bytes]:
    rows = [f"{index},{index * 0.5},{'red' if index % 3 else 'blue'},{index % 2}" for index in range(24)]
    quoted = [f'"{index}","a ""b"" c",{index % 2}' for index in range(24)]
    return ["\n".join(["a,b,colour,label", *rows]).encode(), "\n".join(["a,text,label", *quoted]).encode()]


def parquet_seeds() -> list[bytes]:
    import pyarrow
    import pyarrow.parquet

    stream = io.BytesIO()
    columns = {"a": list(range(24)), "b": ["x", "y"] * 12, "label": [0, 1] * 12}
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return [stream.getvalue()]


def read_recipe(_: Path, mutant: Path) -> object:
    from edgetool.recipes.recipe import find_recipe

    return find_recipe(str(mutant))


def read_target(_: Path, mutant: Path) -> object:
    from edgetool.errors import TargetError
    from edgetool.schema import load_toml
    from edgetool.targets import parse_target

    return parse_target(load_toml(mutant, error=TargetError), source=str(mutant))


def read_card(_: Path, mutant: Path) -> object:
    from edgetool.errors import ModelCardError
    from edgetool.schema import load_toml
    from edgetool.zoo import parse_card

    return parse_card(load_toml(mutant, error=ModelCardError), package="edgetool_models.none", source=str(mutant))


def read_manifest(folder: Path, _: Path) -> object:
    from edgetool.store.manifest_io import load_manifest

    return load_manifest(folder)


def bundle_seeds() -> list[bytes]:
    return [b'runtime = "linux"\nname = "net"\nsource_sha256 = "00ff"\nio = "arena"\ndrop_softmax = false\n']


def read_bundle(folder: Path, _: Path) -> object:
    from edgetool.embed.bundles.check_bundle import bundled_model

    return bundled_model(folder)


def tokenizer_seeds() -> list[bytes]:
    from edgetool.data.text import train_tokenizer

    tokenizer = train_tokenizer(["a few words", "and a few more words"] * 4, vocab_size=60, length=8)
    return [tokenizer.to_str(pretty=False).encode()]


def read_tokenizer(_: Path, mutant: Path) -> object:
    from edgetool.data.text import encode, load_tokenizer

    return encode(load_tokenizer(mutant), ["a few words"])


def record_seeds() -> list[bytes]:
    settings = {"class_weights": "balanced", "label_smoothing": 0.1}
    preprocessing = {"scale": 255.0, "mean": [0.5], "std": [0.5], "dtype": "float32"}
    record = {"model": "a.b:build", "settings": settings, "preprocessing": preprocessing, "task": "classification"}
    return [json.dumps({**record, "metric": "accuracy"}).encode()]


def read_record(_: Path, mutant: Path) -> object:
    from edgetool.training.builder import recorded_card

    return recorded_card(mutant)


PARSERS = {
    "keras": Parser("m.keras", golden("tiny.keras"), read_keras, in_child=True),
    "h5": Parser("m.h5", golden("tiny.h5"), read_keras, in_child=True),
    "saved_model": Parser("saved_model.pb", graph_seeds, read_saved_model),
    "metadata": Parser("keras_metadata.pb", metadata_seeds, read_saved_model),
    "tflite": Parser("m.tflite", golden("tiny_int8.tflite", "tiny_float32.tflite"), read_graph),
    "onnx": Parser("m.onnx", golden("tiny.onnx", "batch_mean.onnx"), read_graph, in_child=True),
    "pt2": Parser("m.pt2", pt2_seeds, read_pt2),
    "npz": Parser("d.npz", npz_seeds, read_data),
    "csv": Parser("d.csv", table_seeds, read_data),
    "parquet": Parser("d.parquet", parquet_seeds, read_data, in_child=True),
    "images": Parser("image.bin", image_seeds, read_images, in_child=True),
    "recipe": Parser("r.toml", sources("toolchain/edgetool/recipes/builtin/*.toml"), read_recipe),
    "target": Parser("target.toml", sources("targets/edgetool_targets/*/target.toml"), read_target),
    "card": Parser("model.toml", sources("models/edgetool_models/*/model.toml"), read_card),
    "manifest": Parser("manifest.json", sources("tests/golden/report/manifest.json"), read_manifest),
    "bundle": Parser("bundle.toml", bundle_seeds, read_bundle),
    "tokenizer": Parser("tokenizer.json", tokenizer_seeds, read_tokenizer, in_child=True),
    "record": Parser("train.json", record_seeds, read_record),
}
