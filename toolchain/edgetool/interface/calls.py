"""The commands as functions: the same options, the same records, errors as exceptions.

Each function takes every option of its command by keyword, with underscores in place of dashes. A wrong name is
refused with the nearest right one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgetool.interface.inputs import Data, Model, kept_inputs, temporary_inputs
from edgetool.interface.run import CompressionRun
from edgetool.options.commands import (
    BenchOptions,
    CompressOptions,
    EmbedOptions,
    ExportOptions,
    InspectOptions,
    TrainOptions,
    VerifyOptions,
)
from edgetool.options.declare import build

if TYPE_CHECKING:
    from edgetool.embed.bundles.array import ArrayFiles
    from edgetool.embed.bundles.bundle import EmbeddedC
    from edgetool.embed.bundles.linux_bundle import LinuxBundle
    from edgetool.embed.bundles.tflm_bundle import TflmBundle
    from edgetool.ir.summary import Summary
    from edgetool.measure.bench import BenchReport
    from edgetool.records import ArtifactRecord
    from edgetool.training.record import EpochRecord, TrainRecord
    from edgetool.verify.files import Verification

__all__ = ["bench", "compress", "embed", "export", "inspect", "load_run", "train", "verify"]

Progress = Callable[[str, int, int], None]
StrPath = str | os.PathLike[str]


def compress(
    model: Model,
    data: Data | None = None,
    *,
    out: StrPath | None = None,
    progress: Progress | None = None,
    **options: object,
) -> CompressionRun:
    """Compress a model by recipes, prove the exports agree, measure them, and write a report.

    The same call goes on where a killed one stopped; a finished run is refused without `overwrite=True`, and `load_run`
    reads it. A model or data in memory are kept in the folder `<out>-inputs`.

    Args:
        model: a path, `module:function`, a name of the zoo, or a Keras model in memory.
        data: a path, `module:function`, the name of a data set, or arrays; see `edgetool.interface.inputs`.
        out: the run folder; None: one called after the model.
        progress: called with (what, done, total).
        **options: of `edgetool compress`, for example `recipe="w8a8_static"`, `target="stm32h743"`, `effort=0.5`.

    Returns:
        The run: its manifest, its artefacts and the recommended one.

    Raises:
        EdgetoolError: whatever the command would have ended with. What was finished before is in the run folder, and
            `load_run` reads it.

    Example:
        >>> import edgetool
        >>> run = edgetool.compress("model.keras", "data.npz", recipe="w8_dynamic", out="run", bench_seconds=0)
        >>> [artifact.name for artifact in run.artifacts]
        ['float32.tflite', 'float32.onnx', 'w8_dynamic.tflite', 'w8_dynamic.onnx']
    """
    from edgetool.pipeline.compress import compress as run_compress
    from edgetool.pipeline.request import build_request

    inputs = kept_inputs(model, data, out)
    values = {**_listed(options, "recipe"), "model": inputs.model, "data": inputs.data, "out": inputs.out}
    chosen = build(CompressOptions, _shapes(values))
    request = build_request(chosen, command="edgetool.compress", progress=progress or _silent)
    outcome = run_compress(request, progress=progress or _silent)
    if outcome.errors:
        raise outcome.errors[0]
    return CompressionRun(request.out, outcome.manifest)


def load_run(path: StrPath) -> CompressionRun:
    """Read a run folder of `compress`.

    Raises:
        MissingFileError: there is none.
        ManifestError: its manifest is damaged, or an artefact is not what the run wrote.

    Example:
        >>> import edgetool
        >>> edgetool.load_run("run").manifest.status
        'complete'
    """
    from edgetool.store.manifest_io import load_whole_manifest

    return CompressionRun(Path(path), load_whole_manifest(Path(path)))


def train(
    name: str,
    data: Data | None = None,
    *,
    out: StrPath | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    **options: object,
) -> TrainRecord:
    """Train a model of the zoo, or one's own, and write `model.keras` and its record into a folder.

    The same call goes on from the last checkpoint of a killed one.

    Args:
        name: a model of the zoo, or `module:build`.
        data: as of `compress`; None: what the model's card names.
        out: the folder; None: one called after the model.
        progress: called with (what, done, total).
        on_epoch: called after each finished epoch.
        **options: of `edgetool train`, for example `epochs=2` and `backend="jax"`.

    Raises:
        EdgetoolError: whatever the command would have ended with.

    Example:
        >>> import edgetool
        >>> record = edgetool.train("document-cnn", "digits", epochs=1, max_samples=64, out="trained")
        >>> record.num_params
        8475530
    """
    from edgetool.training.train import train_model

    inputs = kept_inputs(name, data, out)
    values = {**options, "name": name, "data": inputs.data, "out": inputs.out}
    return train_model(build(TrainOptions, values), progress=progress, on_epoch=on_epoch)


def export(
    model: Model,
    out: StrPath,
    *,
    data: Data | None = None,
    progress: Progress | None = None,
    **options: object,
) -> ArtifactRecord:
    """Convert a model to one TFLite or ONNX file by any recipe; it is compared with the model before it is kept.

    Args:
        model: as of `compress`.
        out: the file; its ending, `.tflite` or `.onnx`, is its format.
        data: needed by recipes that calibrate or train.
        progress: called with (what, done, total).
        **options: of `edgetool export`, for example `recipe="float16"`.

    Raises:
        EdgetoolError: whatever the command would have ended with; nothing lies at `out` then.

    Example:
        >>> import edgetool
        >>> record = edgetool.export("model.keras", "model.tflite", recipe="float16")
        >>> record.parity[0].passed
        True
    """
    from edgetool.pipeline.export import export_file

    with temporary_inputs(model, data) as inputs:
        values = {**options, "model": inputs.model, "data": inputs.data, "out": os.fspath(out)}
        return export_file(build(ExportOptions, _shapes(values)), progress=progress or _silent).record


def verify(
    reference: Model,
    candidate: StrPath,
    *,
    data: Data | None = None,
    progress: Progress | None = None,
    **options: object,
) -> Verification:
    """Run two models on the same inputs and compare what they give.

    Args:
        reference: what is trusted, as the model of `compress`.
        candidate: the file that is checked.
        data: what to compare on; None: random inputs.
        progress: called with (what, done, total).
        **options: of `edgetool verify`, for example `samples=64` and `min_sqnr=20`.

    Returns:
        The comparison; `parity.passed` is the verdict. Models that disagree are no error here.

    Raises:
        EdgetoolError: a file cannot be read or run, or an option makes no sense.

    Example:
        >>> import edgetool
        >>> edgetool.verify("model.keras", "model.tflite", samples=16).parity.passed
        True
    """
    from edgetool.pipeline.verify import compare_files, input_loader

    with temporary_inputs(reference, data) as inputs:
        values = {**options, "reference": inputs.model, "candidate": os.fspath(candidate), "data": inputs.data}
        chosen = build(VerifyOptions, _shapes(values))
        return compare_files(chosen, chosen.candidate, input_loader(chosen), progress=progress or _silent)


def inspect(model: StrPath, **options: object) -> Summary:
    """Read operators, parameters, MACs, bytes, sparsity and activation memory of a model file.

    Args:
        model: a `.tflite`, `.onnx`, `.keras` or `.h5` file.
        **options: of `edgetool inspect`, for example `compressed=True`.

    Raises:
        EdgetoolError: the file is missing, damaged or of an unknown format.

    Example:
        >>> import edgetool
        >>> edgetool.inspect("model.tflite").format
        'tflite'
    """
    from edgetool.pipeline.inspect import inspect_file

    return inspect_file(build(InspectOptions, _shapes({**options, "model": os.fspath(model)})))


def bench(*files: StrPath, progress: Progress | None = None, **options: object) -> BenchReport:
    """Measure the latency of model files on this machine, all interleaved in one run.

    Args:
        *files: `.tflite` or `.onnx` files, or run folders.
        progress: called with (what, done, total).
        **options: of `edgetool bench`, for example `threads="1"` and `seconds=5`.

    Raises:
        EdgetoolError: an option makes no sense, a file is missing, or none could be measured.

    Example:
        >>> import edgetool
        >>> report = edgetool.bench("model.tflite", runs=5, threads="1")
        >>> report.artifacts[0].latency[0].num_samples
        5
    """
    from edgetool.measure.bench import bench_files

    values = _shapes({**options, "files": tuple(os.fspath(file) for file in files)})
    outcome = bench_files(build(BenchOptions, values), command="edgetool.bench", progress=progress or _silent)
    if outcome.errors and not any(file.latency for file in outcome.report.artifacts):
        raise outcome.errors[0]
    return outcome.report


def embed(model: StrPath, **options: object) -> ArrayFiles | EmbeddedC | TflmBundle | LinuxBundle:
    """Write a model for a device: as C, for TensorFlow Lite Micro, or as a folder for a board with Linux.

    Args:
        model: a `.tflite` or `.onnx` file, or a run folder, whose recommended artefact is taken.
        **options: of `edgetool embed`, for example `runtime="c"`, `target="cortex-m4-qemu"` and `out="bundle"`.

    Raises:
        EdgetoolError: whatever the command would have ended with.

    Example:
        >>> import edgetool
        >>> edgetool.embed("model.tflite", out="bundle").name
        'model'
    """
    from edgetool.embed.bundles.make import embed_model

    values: dict[str, object] = {**options, "model": os.fspath(model)}
    if values.get("out") is not None:
        values["out"] = str(values["out"])
    return embed_model(build(EmbedOptions, values))


def _silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


def _listed(options: dict[str, object], name: str) -> dict[str, object]:
    """Return the options with one of them a tuple of strings, however it was given."""
    return options if name not in options else {**options, name: _texts(options[name])}


def _shapes(values: dict[str, object]) -> dict[str, object]:
    return _listed(values, "input_shape")


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    return (str(value),)
