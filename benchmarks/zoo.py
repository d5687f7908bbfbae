"""The coverage table: every model of the zoo, trained as its card says, through every recipe, measured.

    python benchmarks/zoo.py [MODEL | MODEL@DATA...] --out RUNS [--effort 0.5] [--max-train-samples 5000]
    python benchmarks/zoo.py --write --out RUNS      # benchmarks/zoo.csv, zoo.md and the table in README.md

For each model `edgetool train` (the card's data and recipe), then `edgetool compress` with all built-in recipes; what
is there already is not done again. `MODEL@DATA` takes other data than the card's. Recipes that train use `--effort` and
`--max-train-samples`, which the table states. A recipe that a model cannot take is named with the reason. Figures are
those of the exported files on the test split; "before" is the trained model in Keras, sizes before are those of the
float32 file of the same format. `--write` replaces the cases that RUNS holds and keeps the other rows of zoo.csv, with
the date and machine of each.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetool.recipes.recipe import builtin_names
from edgetool.records import ArtifactRecord, Manifest
from edgetool.report import wording
from edgetool.runners.machine import describe_machine
from edgetool.store.manifest_io import load_manifest
from edgetool.tasks import drop_points
from edgetool.zoo import ModelCard, find_model, list_models

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
#: A file or folder of this machine, the last part of its path apart; not the slashes of a URL or of a relative path.
PATH = re.compile(r"""(?<![\w.:/])/(?:[^\s/:'"]+/)+([^\s/:'"]*)""")
BEGIN, END = "<!-- coverage table: begin -->", "<!-- coverage table: end -->"


#: Beside every model on its card's data: model, data, options of `edgetool train` in place of the card's recipe.
MORE = (
    ("document-cnn", "digits", ("--augmentation", "shift", "--schedule", "cosine", "--epochs", "15")),
    ("document-cnn", "cifar10-jpeg", ()),
    ("bert-mini", "sms-spam", ()),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A model on a data set; its files start with `slug`."""

    card: ModelCard
    data: str
    options: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The model, and the data where they are not the card's."""
        return self.card.name if self.data == self.card.data else f"{self.card.name}@{self.data}"


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far recipes that train go: factor on their epochs, and on how many samples at most."""

    effort: float
    max_train_samples: int


@dataclass(frozen=True, slots=True)
class Row:
    """One artefact, or one recipe that a model cannot take.

    Attributes:
        status: `ok`, `differs` (parity or an invariant broken) or why there is no file.
        before, after: the metric on the test split, of the trained model and of the file.
        drop: see `edgetool.tasks.drop_points`.
        p50_us: median latency on one thread; ratio: to the float32 file of the same format, interleaved;
            noise: the verdict on both.
        date, machine: when and where this was measured.
    """

    model: str
    task: str
    data: str
    metric: str
    num_params: int
    epochs: int
    train_seconds: float
    recipe: str
    is_default: bool
    format: str
    status: str
    num_test_samples: int
    before: float | None
    after: float | None
    standard_error: float | None
    drop: float | None
    bytes_before: int | None
    bytes_after: int | None
    p50_us: float | None
    ratio: float | None
    noise: str
    effort: float
    max_train_samples: int
    date: str
    machine: str


def main() -> int:
    """Train, compress and collect; write the table with `--write`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("zoo-runs"))
    parser.add_argument("--effort", type=float, default=0.5)
    parser.add_argument("--max-train-samples", type=int, default=5000)
    parser.add_argument("--bench-seconds", type=float, default=1.0)
    parser.add_argument("--recipes", help="comma-separated; default: all built-in ones")
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = [_case(name) for name in options.models] or _all_cases()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.write:
        _write(_merged(_read(HERE / "zoo.csv"), _collect(cases, options.out)))
        return 0
    failed = []
    for case in cases:
        if not _train(case, options.out):
            failed.append(case.slug)
        elif not options.train_only:
            _compress(case, options.out, options)
    print(f"not trained: {', '.join(failed)}" if failed else "all trained", file=sys.stderr)
    return int(bool(failed))


def _case(name: str) -> Case:
    model, _, data = name.partition("@")
    card = find_model(model)
    options = next((options for other, on, options in MORE if (other, on) == (model, data)), ())
    return Case(card, data or card.data, options)


def _all_cases() -> list[Case]:
    cases = []
    for card in list_models():
        if card.trains:
            cases.append(Case(card, card.data))
            cases += [_case(f"{name}@{data}") for name, data, _ in MORE if name == card.name]
    return cases


def _edgetool(arguments: Sequence[str], log: Path) -> int:
    with log.open("a", encoding="utf-8") as stream:
        print("$ edgetool", *arguments, file=stream, flush=True)
        command = [sys.executable, "-m", "edgetool.cli.main", *arguments]
        return subprocess.run(command, stdout=stream, stderr=stream, env={**os.environ, "CI": "1"}).returncode


def _train(case: Case, out: Path) -> bool:
    model = out / f"{case.slug}-model"
    if (model / "train.json").is_file():
        return True
    print(f"train {case.slug}", file=sys.stderr, flush=True)
    command = ["train", case.card.name, "--data", case.data, *case.options, "-o", str(model)]
    return _edgetool(command, out / f"{case.slug}.log") == 0


def _compress(case: Case, out: Path, options: argparse.Namespace) -> None:
    run = out / f"{case.slug}-run"
    if (run / "results.json").is_file():
        return
    print(f"compress {case.slug}", file=sys.stderr, flush=True)
    names = options.recipes or ",".join(["float32", *(name for name in builtin_names() if name != "float32")])
    fidelity = Fidelity(options.effort, options.max_train_samples)
    (out / f"{case.slug}-fidelity.json").write_text(json.dumps(dataclasses.asdict(fidelity)))
    _edgetool(
        [
            "compress",
            str(out / f"{case.slug}-model" / "model.keras"),
            "--data",
            case.data,
            "--recipe",
            names,
            "--effort",
            str(fidelity.effort),
            "--max-train-samples",
            str(fidelity.max_train_samples),
            "--bench-seconds",
            str(options.bench_seconds),
            "-o",
            str(run),
        ],
        out / f"{case.slug}.log",
    )


def _collect(cases: Iterable[Case], out: Path) -> list[Row]:
    rows: list[Row] = []
    for case in cases:
        run = out / f"{case.slug}-run"
        manifest = load_manifest(run) if (run / "manifest.json").is_file() else None
        if manifest is not None and manifest.status != "running":
            fidelity = Fidelity(**json.loads((out / f"{case.slug}-fidelity.json").read_text()))
            rows += _rows_of(case, manifest, out / f"{case.slug}-model", fidelity)
    return rows


def _rows_of(case: Case, manifest: Manifest, model: Path, fidelity: Fidelity) -> list[Row]:
    card = case.card
    trained = json.loads((model / "train.json").read_text())
    source = None if manifest.source is None else manifest.source.evaluation
    references = {a.artifact.format: a for a in manifest.artifacts if a.is_reference}
    made = {a.name: a for a in manifest.artifacts}
    rows = []
    for recipe in manifest.recipes:
        for kind in ("tflite", "onnx"):
            artifact = made.get(f"{recipe}.{kind}")
            row = Row(
                model=card.name,
                task=card.task,
                data=case.data,
                metric=card.metric,
                num_params=trained["num_params"],
                epochs=len(trained["history"]),
                train_seconds=round(trained["seconds"], 1),
                recipe=recipe,
                is_default=recipe == card.default_recipe,
                format=kind,
                status=_refusal(manifest, recipe, kind),
                num_test_samples=0,
                before=None if source is None else source.value,
                after=None,
                standard_error=None,
                drop=None,
                bytes_before=None,
                bytes_after=None,
                p50_us=None,
                ratio=None,
                noise="",
                date=manifest.created[:10],
                machine=_machine(manifest),
                **dataclasses.asdict(fidelity),
            )
            rows.append(row if artifact is None else _filled(row, artifact, references.get(kind)))
    return rows


def _machine(manifest: Manifest) -> str:
    """Return the CPU of a run with its fastest kernels' instruction sets, which tell machines of one name apart."""
    machine = manifest.machine
    if machine is None:
        return ""
    sets = [flag for flag in machine.isa if flag.startswith(("avx512_vnni", "avx_vnni", "avx2", "amx_int8", "i8mm"))]
    return f"{machine.cpu}, {machine.num_cpus} CPUs, {' '.join(sets)}"


def _filled(row: Row, artifact: ArtifactRecord, reference: ArtifactRecord | None) -> Row:
    found = artifact.evaluation
    single = next((record for record in artifact.latency if record.num_threads == 1), None)
    sound = all(p.passed for p in artifact.parity) and all(i.passed for i in artifact.invariants)
    return dataclasses.replace(
        row,
        status=_without_paths(artifact.failure) if artifact.failure else "ok" if sound else "differs",
        num_test_samples=0 if found is None else found.num_samples,
        after=None if found is None else found.value,
        standard_error=None if found is None else found.standard_error,
        drop=None if found is None or row.before is None else drop_points(row.metric, row.before, found.value),
        bytes_before=None if reference is None else reference.size.raw,
        bytes_after=artifact.size.raw,
        p50_us=None if single is None else round(single.p50_ns / 1e3, 1),
        ratio=None if single is None or single.ratio is None else round(single.ratio.value, 3),
        noise="" if single is None else single.noise,
    )


def _refusal(manifest: Manifest, recipe: str, kind: str) -> str:
    for note in manifest.notes:
        for what in (f"{recipe}.{kind}", recipe):
            if note.startswith(f"{what} failed: "):
                return _without_paths(note.removeprefix(f"{what} failed: "))
    return "not made"


def _without_paths(text: str) -> str:
    """Return a message with the names of files in place of their paths, which are of no use on another machine."""
    return PATH.sub(r"\1", text)


def _read(path: Path) -> list[Row]:
    """Return the rows of a table that was written before."""
    if not path.is_file():
        return []
    kinds = typing.get_type_hints(Row)
    with path.open(encoding="utf-8", newline="") as stream:
        return [Row(**{k: _parsed(text, kinds[k]) for k, text in row.items()}) for row in csv.DictReader(stream)]


def _parsed(text: str, kind: Any) -> Any:
    """Return a cell of the table as the type of its column; an empty one is None where it may be."""
    choices = typing.get_args(kind)
    if choices and not text:
        return None
    plain = choices[0] if choices else kind
    return text == "True" if plain is bool else plain(text)


def _merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Return the new rows and the old ones of cases that were not measured again, in the order of the zoo."""
    again = {(row.model, row.data) for row in new}
    rows = [*new, *(row for row in old if (row.model, row.data) not in again)]
    order = {(case.card.name, case.data): index for index, case in enumerate(_all_cases())}
    return sorted(rows, key=lambda row: order.get((row.model, row.data), len(order)))


def _write(rows: Sequence[Row]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [field.name for field in dataclasses.fields(Row)]
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if (value := getattr(row, name)) is None else value for name in columns])
    (HERE / "zoo.csv").write_text(out.getvalue(), encoding="utf-8")
    (HERE / "zoo.md").write_text(_page(rows), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{_summary(rows)}{END}{after}", encoding="utf-8")


def _page(rows: Sequence[Row]) -> str:
    machine = describe_machine()
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine.versions.items()))
    how = "; ".join(sorted({f"--effort {row.effort:g} --max-train-samples {row.max_train_samples}" for row in rows}))
    lines = [
        "# Every model of the zoo through every recipe",
        "",
        f"Each case says when and where it was measured. {machine.system}, Python {machine.python}; {versions}.",
        "",
        f"Written by `benchmarks/zoo.py`. Recipes that fine-tune did so with `{how}`, which is "
        "short: their accuracy is a lower bound. Latency is the median on one thread, batch 1; the ratio is to the "
        "float32 file of the same format, interleaved; `~` stands before both where the machine was too busy for "
        "more than a hint. The model's own recipe is in bold.",
        "",
    ]
    for own in _by_case(rows):
        first = own[0]
        before = "-" if first.before is None else wording.metric_value(first.metric, first.before)
        lines += [
            f"## {first.model} on {first.data}",
            "",
            f"{first.num_params:,} parameters; {first.epochs} epochs in {first.train_seconds:.0f} "
            f"s; {first.num_test_samples:,} test samples; test {first.metric} before compression {before}. "
            f"Measured {first.date} on {first.machine}.",
            "",
            f"| recipe | format | status | {first.metric} | s.e. | drop | bytes | of float32 | p50 us | x float32 |",
            "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *(_line(row) for row in own),
            "",
        ]
    return "\n".join(lines)


def _by_case(rows: Sequence[Row]) -> list[list[Row]]:
    cases = dict.fromkeys((row.model, row.data) for row in rows)
    return [[row for row in rows if (row.model, row.data) == case] for case in cases]


def _line(row: Row) -> str:
    label = f"**{row.recipe}**" if row.is_default else row.recipe
    status = row.status.replace("|", "/").replace("\n", " ")
    return (
        f"| {label} | {row.format} | {status} | {_metric(row.metric, row.after)} | {_error(row)} | {_drop(row)} | "
        f"{_number(row.bytes_after)} | {_share(row)} | {_timing(row, row.p50_us)} | {_timing(row, row.ratio)} |"
    )


def _summary(rows: Sequence[Row]) -> str:
    """Return the README's table: one line a model, its card's recipe in both formats."""
    lines = [
        "| model | data | recipes that work: TFLite, ONNX | test metric before | its recipe | after: TFLite, ONNX | "
        "bytes: TFLite, ONNX | latency, x float32 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for own in _by_case(rows):
        chosen = {row.format: row for row in own if row.is_default}
        good = {kind: sum(row.status == "ok" for row in own if row.format == kind) for kind in ("tflite", "onnx")}
        total = len(own) // 2
        pair = [chosen[kind] for kind in ("tflite", "onnx") if kind in chosen]
        lines.append(
            f"| {own[0].model} | {own[0].data} | {good['tflite']}, {good['onnx']} of {total} | "
            f"{own[0].metric} {_metric(own[0].metric, own[0].before)} | "
            f"`{pair[0].recipe if pair else '-'}` | {', '.join(_metric(row.metric, row.after) for row in pair)} | "
            f"{', '.join(_sizes(row) for row in pair)} | {', '.join(_timing(row, row.ratio) for row in pair)} |"
        )
    return "\n".join(lines) + "\n"


def _sizes(row: Row) -> str:
    return f"{_number(row.bytes_before)} -> {_number(row.bytes_after)}"


def _metric(metric: str, value: float | None) -> str:
    return "-" if value is None else wording.metric_value(metric, value)


def _error(row: Row) -> str:
    if row.standard_error is None:
        return "-"
    return f"{row.standard_error * 100:.2f}" if wording.metric_unit(row.metric) == "%" else f"{row.standard_error:.2g}"


def _drop(row: Row) -> str:
    return "-" if row.drop is None else f"{row.drop:+.2f} {wording.drop_unit(row.metric)}"


def _share(row: Row) -> str:
    if row.bytes_before is None or row.bytes_after is None:
        return "-"
    return f"{row.bytes_after / row.bytes_before * 100:.0f} %"


def _timing(row: Row, value: float | None) -> str:
    """Return a figure, with a mark where the verdict on its noise was the worst."""
    return f"~{_number(value)}" if value is not None and row.noise == "unusable" else _number(value)


def _number(value: float | int | None) -> str:
    return "-" if value is None else f"{value:,}"


if __name__ == "__main__":
    sys.exit(main())
