"""What `edgetool bench` and `edgetool compare` share: which files, which settings, the result as a record."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgetool import __version__
from edgetool.artifact import digest_path, num_bytes, sniff_format
from edgetool.errors import EdgetoolError, ManifestError, MissingFileError, UsageError, nearest
from edgetool.ir.input_shapes import InputShape
from edgetool.measure.latency import BenchItem, BenchResult
from edgetool.measure.statistics import PERCENTILE_METHOD
from edgetool.paths import is_there, require_readable
from edgetool.records import LatencyRecord, Machine, RatioRecord
from edgetool.runners.base import RunPlan
from edgetool.store.manifest_io import load_manifest, require_recorded, require_unchanged

__all__ = [
    "BENCH_SCHEMA_VERSION",
    "BenchReport",
    "BenchedFile",
    "collect_items",
    "make_report",
    "make_settings",
    "ratio_sentence",
    "ratio_verdict",
    "to_csv",
]

BENCH_SCHEMA_VERSION = 1

#: What the latencies hold and leave out, for readers of a result.
METHOD = (
    "One inference of the runtime's own call (LiteRT Interpreter.invoke; onnxruntime run_with_iobinding), inputs set "
    "once, garbage collection off, time.perf_counter_ns around each call; one process an artefact, all artefacts "
    "interleaved round robin in shuffled order. On a GPU inputs and outputs stay on the device and each call is "
    "synchronised."
)


@dataclass(frozen=True, slots=True)
class BenchedFile:
    """One file's result: its records, one a setting, and the error where a setting failed."""

    name: str
    path: str
    format: str
    digest: str
    num_bytes: int
    latency: tuple[LatencyRecord, ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The JSON that `edgetool bench` writes."""

    schema_version: int
    edgetool_version: str
    command: str
    seed: int
    method: str
    percentile_method: str
    machine: Machine
    artifacts: tuple[BenchedFile, ...]


def make_settings(
    *,
    threads: str,
    batch: int,
    device: str,
    kernels: str,
    pin: bool,
    timeout_s: float | None,
    num_cpus: int,
    input_shapes: tuple[InputShape, ...] = (),
) -> tuple[RunPlan, ...]:
    """Return one plan for each thread count.

    Args:
        threads: counts separated by commas; `all` is `num_cpus`.
        batch: samples of one inference.
        device: `cpu` or `gpu`; on the GPU there is one setting.
        kernels: `default` or `reference`.
        pin: pin each process to as many CPUs as it has threads.
        timeout_s: of one call.
        num_cpus: that the machine of the runner has for a model.
        input_shapes: of `.onnx` files that leave sizes open.

    Raises:
        UsageError: a value makes no sense.
    """
    _check_choice("--device", device, ["cpu", "gpu"])
    _check_choice("--kernels", kernels, ["default", "reference"])
    if batch < 1:
        raise UsageError("--batch", found=str(batch), expected="at least 1", next_step="give --batch 1")
    most = num_cpus
    counts: list[int] = []
    for word in threads.split(","):
        count = most if word.strip() == "all" else int(word) if word.strip().isdigit() else 0
        if not 1 <= count <= 4 * most:
            raise UsageError(
                "--threads",
                found=repr(word.strip()),
                expected=f"counts of 1 to {most}, or 'all', separated by commas",
                next_step="give, for example, --threads 1,all",
            )
        if count not in counts:
            counts.append(count)
    if device == "gpu":
        counts = counts[:1]
    where: Literal["cpu", "gpu"] = "gpu" if device == "gpu" else "cpu"
    which: Literal["default", "reference"] = "reference" if kernels == "reference" else "default"
    return tuple(
        RunPlan(
            device=where,
            num_threads=n,
            batch=batch,
            kernels=which,
            pin=pin,
            timeout_s=timeout_s,
            input_shapes=input_shapes,
        )
        for n in counts
    )


def collect_items(paths: Sequence[str]) -> tuple[BenchItem, ...]:
    """Turn files and run folders into items with unique names.

    A run folder gives its manifest's artefacts that did not fail, each compared with the run's float32 artefact of its
    format. Loose files are compared with the first file.

    A damaged file is left for the run to report, so that the others can go on.

    Raises:
        MissingFileError: a path is not there.
        ManifestError: a run folder without usable artefacts, or a file that is no longer what its run wrote.
    """
    items: list[BenchItem] = []
    names: set[str] = set()
    for text in paths:
        path = Path(text)
        if path.is_dir() and (path / "manifest.json").is_file():
            prefix = f"{path.name or path.resolve().name}/" if len(paths) > 1 else ""
            items += [_unique(item, names) for item in _run_items(path, prefix)]
            continue
        if not is_there(path):
            raise MissingFileError(
                text,
                found="no such file or folder",
                expected="a model file or a run folder",
                next_step="check the path",
            )
        require_readable(path, expected="a model file or a run folder")
        require_recorded(path)
        name = path.name if path.name not in names else text
        first = items[0].name if items else None
        items.append(_unique(BenchItem(name, path, first), names))
    return tuple(items)


def make_report(
    items: Sequence[BenchItem], result: BenchResult, *, machine: Machine, command: str, seed: int
) -> BenchReport:
    """Put the result of a run and its files together."""
    files = tuple(
        BenchedFile(
            name=item.name,
            path=str(item.path),
            format=_format(item.path),
            digest=digest_path(item.path),
            num_bytes=num_bytes(item.path),
            latency=result.records.get(item.name, ()),
            failure=result.failures.get(item.name),
        )
        for item in items
    )
    return BenchReport(BENCH_SCHEMA_VERSION, __version__, command, seed, METHOD, PERCENTILE_METHOD, machine, files)


def to_csv(report: BenchReport) -> str:
    """Return one line a record, fields named with their units; failed files have an empty record and the error."""
    skipped = {"ratio", "node_providers", "pinned_cpus"}
    fields = [f.name for f in dataclasses.fields(LatencyRecord) if f.name not in skipped]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    extra = ["pinned_cpus", "node_providers", "reference", "ratio", "ratio_low", "ratio_high", "failure"]
    writer.writerow(["artifact", "path", "format", "num_bytes", "sha256", *fields, *extra])
    for file in report.artifacts:
        about = [file.name, file.path, file.format, file.num_bytes, file.digest]
        for record in file.latency:
            ratio = record.ratio
            writer.writerow(
                [
                    *about,
                    *("" if getattr(record, name) is None else getattr(record, name) for name in fields),
                    " ".join(map(str, record.pinned_cpus)),
                    " ".join(f"{name}={count}" for name, count in record.node_providers.items()),
                    *((ratio.reference, ratio.value, ratio.low, ratio.high) if ratio else ("", "", "", "")),
                    file.failure or "",
                ]
            )
        if not file.latency:
            writer.writerow([*about, *("" for _ in fields), *("" for _ in extra[:-1]), file.failure or ""])
    return stream.getvalue()


def ratio_verdict(ratio: RatioRecord) -> Literal["faster", "slower", "undecided"]:
    """Return `faster` or `slower` where the whole 95 % interval lies on one side of 1."""
    if ratio.high < 1.0:
        return "faster"
    return "slower" if ratio.low > 1.0 else "undecided"


def ratio_sentence(name: str, ratio: RatioRecord) -> str:
    """Say a ratio, its interval and the verdict in one sentence."""
    verdict = {"undecided": "no difference can be told"}.get(ratio_verdict(ratio), ratio_verdict(ratio))
    return f"{name} is {ratio.value:.2f}x of {ratio.reference} [{ratio.low:.2f}, {ratio.high:.2f}]: {verdict}"


def _run_items(run: Path, prefix: str) -> list[BenchItem]:
    manifest = load_manifest(run)
    usable = [a for a in manifest.artifacts if a.failure is None and a.artifact.format in ("tflite", "onnx")]
    if not usable:
        raise ManifestError(
            str(run),
            found="no artefact that can be run",
            expected="finished .tflite or .onnx artefacts",
            next_step="finish the run first, or name a model file",
        )
    require_unchanged(run, usable)
    references = {a.artifact.format: prefix + a.name for a in usable if a.is_reference}
    return [BenchItem(prefix + a.name, run / a.artifact.path, references.get(a.artifact.format)) for a in usable]


def _format(path: Path) -> str:
    try:
        return sniff_format(path)
    except EdgetoolError:
        return "unknown"


def _unique(item: BenchItem, names: set[str]) -> BenchItem:
    name, count = item.name, 1
    while name in names:
        count += 1
        name = f"{item.name}#{count}"
    names.add(name)
    return dataclasses.replace(item, name=name)


def _check_choice(option: str, value: str, valid: list[str]) -> None:
    if value not in valid:
        raise UsageError(option, found=repr(value), expected=" or ".join(valid), next_step=nearest(value, valid))
