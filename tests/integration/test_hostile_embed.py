"""Damaged `.tflite` files as C: a clear error, or C that keeps inside of its arrays; in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.bundles.check_bundle import run_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import random_inputs
from edgetool.errors import EdgetoolError, InternalError
from edgetool.targets import find_target

#: Numbers that sizes, indices, offsets and zero points are replaced by.
NUMBERS = (-(2**31), -129, -128, -2, -1, 0, 1, 2, 3, 5, 16, 127, 128, 255, 4096, 2**16, 2**31 - 1)

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
NUM_MUTANTS = 150

#: So many of them have sound bytes and unsound fields, which come further than damaged bytes do.
NUM_EDITED = 90

#: At most so many of the bundles that come of damaged files are compiled and run: a compiler takes a second for each.
NUM_COMPILED = 30

SANITIZED = ("-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

pytestmark = pytest.mark.slow


def edit_option(options: Any, random: np.random.Generator) -> None:
    """Give one number of an operator's options another value."""
    fields = [name for name, value in vars(options).items() if type(value) in (int, bool)]
    if fields:
        name = str(random.choice(fields))
        setattr(options, name, type(getattr(options, name))(random.choice(NUMBERS[4:11])))


def edit(source: Path, out: Path, random: np.random.Generator) -> None:
    """Write a copy of a model in which one field has another value: a sound flatbuffer that may make no sense."""
    from edgetool.exporters.tflite.file import pack, unpack

    model = unpack(source.read_bytes())
    graph = model.subgraphs[0]
    operator = graph.operators[int(random.integers(len(graph.operators)))]
    tensor = graph.tensors[int(random.choice([*operator.inputs, *operator.outputs]))]
    kind = EDITS[int(random.integers(len(EDITS)))]
    if kind == "option" and operator.builtinOptions is not None:
        edit_option(operator.builtinOptions, random)
    elif kind == "shape":
        tensor.shape = changed(tensor.shape, random.choice(NUMBERS), random)
    elif kind == "rank":
        tensor.shape = tensor.shape[:-1] if random.integers(2) else np.append(tensor.shape, 1).astype(np.int32)
    elif kind == "type":
        tensor.type = int(random.integers(12))
    elif kind == "inputs":
        operator.inputs = changed(operator.inputs, random.integers(-1, len(graph.tensors) + 1), random)
    elif kind == "outputs":
        operator.outputs = changed(operator.outputs, random.integers(len(graph.tensors)), random)
    elif kind == "code":
        operator.opcodeIndex = int(random.integers(len(model.operatorCodes)))
    elif kind == "order":
        graph.operators[:] = [graph.operators[i] for i in random.permutation(len(graph.operators))]
    elif kind == "graph":
        graph.outputs = np.array([random.integers(len(graph.tensors))], np.int32)
    elif kind in ("scale", "zero") and tensor.quantization is not None and tensor.quantization.scale is not None:
        if kind == "scale":
            tensor.quantization.scale = (tensor.quantization.scale * random.choice(SCALES)).astype(np.float32)
        else:
            tensor.quantization.zeroPoint = np.full_like(tensor.quantization.zeroPoint, random.choice(NUMBERS))
    else:  # the bytes of a constant: weights, biases, a shape
        buffers = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
        buffer = buffers[int(random.integers(len(buffers)))]
        buffer.data = changed(buffer.data, random.integers(256), random)
    out.write_bytes(pack(model))


def changed(values: Array, value: int, random: np.random.Generator) -> Array:
    """Return the values, which may be none, with `value` in the place of one of them."""
    copy = np.array(values)
    if copy.size:
        copy[int(random.integers(copy.size))] = value
    return copy


#: What `edit` changes, and factors on a scale.
EDITS = ("option", "shape", "rank", "type", "inputs", "outputs", "code", "order", "graph", "scale", "zero", "bytes")
SCALES = (0.0, -1.0, 1e-30, 0.5, 1.5, 64.0, 1e30, np.inf, np.nan)


def write_all(paths: list[Path]) -> Counter[str]:
    """Write a bundle of every file, run some of them, and count what came of it."""
    counts: Counter[str] = Counter()
    for path in paths:
        out = path.with_suffix("")
        try:
            write_bundle(path, name="net", out=out, target=find_target("host"), overwrite=False, num_vectors=1)
        except EdgetoolError as exc:
            assert not isinstance(exc, InternalError), f"{path.name}: {exc}"
            assert exc.found and exc.expected and exc.next_step, path.name
            assert not out.exists(), path.name
            counts["refused"] += 1
            continue
        counts["written"] += 1
        if counts["written"] <= NUM_COMPILED:
            program = lower_file(path)
            run_bundle(out, "net", program, random_inputs(program, 2), compiler="gcc", flags=SANITIZED)
            counts["ran"] += 1
    return counts


def test_damaged_files_give_errors_or_sound_code(
    shared_models: Path,
    tmp_path: Path,
    make_mutants: Callable[..., list[Path]],
    run_measured: Callable[..., tuple[subprocess.CompletedProcess[str], int]],
) -> None:
    sources = [GOLDEN / "tiny_int8.tflite", GOLDEN / "tiny_float32.tflite", shared_models / "dscnn_kws_int8.tflite"]
    mutants = make_mutants(sources, tmp_path, range(NUM_MUTANTS - NUM_EDITED))
    for index in range(NUM_EDITED):
        mutants.append(tmp_path / f"{index:03d}_edited.tflite")
        edit(sources[index % len(sources)], mutants[-1], np.random.default_rng((2027, index)))
    found, peak_kib = run_measured([sys.executable, __file__, *map(str, mutants)], timeout_s=900)
    assert found.returncode == 0, found.stderr
    counts = Counter(json.loads(found.stdout))
    assert counts["refused"] + counts["written"] == NUM_MUTANTS
    assert counts["refused"] > NUM_MUTANTS // 3, f"the mutants are too tame: {counts}"
    assert counts["ran"] > NUM_COMPILED // 2, f"the mutants are all dead on arrival: {counts}"
    assert peak_kib < 2 << 20, f"a process took {peak_kib >> 10} MiB"


if __name__ == "__main__":
    print(json.dumps(write_all([Path(name) for name in sys.argv[1:]])))
