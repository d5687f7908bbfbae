"""Make `manifest.json`, the run that the report's tests show: invented figures, as a run on CIFAR-10 gives them.

python tests/golden/report/make.py            the manifest
python tests/golden/report/make.py --golden   and the expected Markdown and CSV, to be read before they are kept
"""

from __future__ import annotations

import dataclasses
import math
import random
import sys
from pathlib import Path

from edgetool.artifact import Artifact, Provenance, Signature, TensorSpec
from edgetool.pipeline.decide import decide
from edgetool.records import (
    SCHEMA_VERSION,
    ArtifactRecord,
    DataRecord,
    EvaluationRecord,
    FailureRecord,
    InvariantRecord,
    LatencyRecord,
    LayerRecord,
    Machine,
    Manifest,
    PairedComparison,
    ParityRecord,
    PassRecord,
    RatioRecord,
    SizeRecord,
    SkippedLayer,
    SourceRecord,
    StageRecord,
    Tolerance,
    ValidationSplit,
    WeightFormat,
)
from edgetool.store.manifest_io import save_manifest
from edgetool.targets import find_target

HERE = Path(__file__).parent
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NUM_TEST, NUM_VAL = 825, 807

#: Recipe -> bytes of TFLite and ONNX, share of bytes that gzip leaves, points of drop, latency ratios.
RECIPES: dict[str, tuple[int, int, float, float, float, float]] = {
    "float32": (318_292, 316_207, 0.92, 0.0, 1.0, 1.0),
    "float16": (164_572, 162_930, 0.93, 0.0, 1.02, 1.31),
    "w8_dynamic": (98_216, 101_334, 0.88, 0.0, 0.93, 1.22),
    "w8a8_static": (95_568, 103_410, 0.87, 0.12, 1.29, 0.76),
    "w8a16_static": (97_240, 106_022, 0.87, -0.12, 2.94, 1.18),
    "prune80_w8a8_static": (62_104, 103_588, 0.41, 2.67, 1.27, 0.75),
    "cluster32_w8a8_static": (95_704, 104_102, 0.63, 0.61, 1.29, 0.76),
    "w8a8_qat": (95_584, 103_322, 0.88, -0.36, 1.29, 0.77),
    "prune80_w8a8_qat": (62_288, 103_402, 0.42, 1.45, 1.28, 0.75),
    "cluster32_w8a8_qat": (95_712, 103_990, 0.62, 0.48, 1.30, 0.76),
    "prune80_cluster32_w8a8_qat": (62_320, 104_004, 0.36, 1.94, 1.28, 0.76),
    "prune_2_4_w8a8_static": (80_212, 103_611, 0.69, 0.97, 1.29, 0.76),
}
FLOAT32_NS = {("tflite", 1): 306_000.0, ("onnx", 1): 334_000.0, ("tflite", 2): 201_000.0, ("onnx", 2): 214_000.0}


def evaluation(rng: random.Random, split: str, runtime: str, drop: float, *, paired: bool) -> EvaluationRecord:
    num = NUM_TEST if split == "test" else NUM_VAL
    right = round(0.8727 * num) - round(drop / 100 * num)
    value = right / num
    changed = 0 if drop == 0.0 else round(abs(drop) / 100 * num) + 2 * rng.randrange(3, 14)
    broken = max(0, round((changed * 0.8 + drop / 100 * num) / 2))
    fixed = max(0, broken - round(drop / 100 * num))
    difference = (fixed - broken) / num
    pairs = PairedComparison(
        reference="source",
        num_samples=num,
        num_changed=max(changed, fixed + broken),
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=min(1.0, math.erfc(abs(fixed - broken) / math.sqrt(2 * max(1, fixed + broken)))),
        mean_difference=difference,
        difference_standard_error=math.sqrt(max((fixed + broken) / num - difference**2, 0.0) / num),
        difference_p=min(1.0, math.erfc(abs(fixed - broken) / math.sqrt(2 * max(1, fixed + broken)))),
        test="McNemar, exact, two-sided",
    )
    per_class = tuple(
        round(min(0.99, max(0.0, 0.79 + 0.017 * index + rng.uniform(-0.01, 0.01) - drop / 100)), 4)
        for index in range(len(CLASSES))
    )
    return EvaluationRecord(
        split=split,
        num_samples=num,
        metric="accuracy",
        value=value,
        standard_error=math.sqrt(value * (1 - value) / num),
        method="binomial, sqrt(p (1 - p) / n)",
        runtime=runtime,
        per_class=per_class,
        class_names=CLASSES,
        paired=pairs if paired else None,
    )


def latency(rng: random.Random, kind: str, threads: int, ratio: float, reference: str | None) -> LatencyRecord:
    p50 = FLOAT32_NS[kind, threads] * ratio * rng.uniform(0.995, 1.005)
    noisy = rng.random() < 0.12
    wide = 0.03 if noisy else 0.008
    return LatencyRecord(
        device="cpu",
        runtime="litert" if kind == "tflite" else "onnxruntime",
        num_threads=threads,
        batch=1,
        pinned_cpus=(1,) if threads == 1 else (0, 1),
        num_warmup=24,
        num_samples=4000,
        min_ns=p50 * 0.96,
        mean_ns=p50 * 1.02,
        p50_ns=p50,
        p90_ns=p50 * 1.08,
        p95_ns=p50 * 1.12,
        p99_ns=p50 * 1.4,
        max_ns=p50 * 3.1,
        std_ns=p50 * 0.06,
        throughput_per_s=1e9 / (p50 * 1.02),
        load_ns=rng.uniform(2e6, 9e6),
        peak_rss_bytes=round(rng.uniform(61e6, 74e6)),
        noise="noisy" if noisy else "quiet",
        noise_reason="medians of rounds spread by 5.1%" if noisy else "medians of rounds spread by 0.9%",
        ratio=None if reference is None else RatioRecord(reference, ratio, ratio - wide, ratio + wide),
        energy_method="not measured: no readable RAPL or NVML energy counter",
    )


def layers(kind: str, dtype: str, sparsity: float, clusters: bool) -> tuple[LayerRecord, ...]:
    shapes = [("conv2d", 448, 442_368), ("conv2d_1", 2_320, 2_359_296), ("conv2d_2", 2_320, 2_359_296)]
    shapes += [("conv2d_3", 4_640, 1_179_648), ("conv2d_4", 9_248, 2_359_296), ("conv2d_5", 544, 131_072)]
    shapes += [("conv2d_6", 18_496, 1_179_648), ("conv2d_7", 36_928, 2_359_296), ("conv2d_8", 2_112, 131_072)]
    shapes += [("add", 0, 0), ("average_pooling2d", 0, 0), ("dense", 650, 640), ("softmax", 0, 0)]
    operators = {
        "conv2d": ("CONV_2D", "Conv"),
        "add": ("ADD", "Add"),
        "average_pooling2d": ("AVERAGE_POOL_2D", "AveragePool"),
    }
    operators |= {"dense": ("FULLY_CONNECTED", "Gemm"), "softmax": ("SOFTMAX", "Softmax")}
    width = {"float32": 4, "float16": 2, "int8": 1}[dtype]
    return tuple(
        LayerRecord(
            name=name,
            op=operators[name.split("_")[0] if name.startswith("conv") else name][kind == "onnx"],
            num_params=params,
            num_bytes=params * width,
            macs=macs,
            weights=weights(params, width, sparsity if params > 1000 else 0.01, clusters) if params else None,
            dtype=dtype if params else ("int8" if width == 1 else "float32"),
        )
        for name, params, macs in shapes
    )


def weights(params: int, width: int, zeros: float, clusters: bool) -> WeightFormat:
    palette = 32 if clusters else min(params, 255 if width == 1 else params)
    is_integer = width == 1
    return WeightFormat(8 * width, is_integer, "channel" if is_integer else "none", palette=palette, zeros=zeros)


def invariants(name: str) -> tuple[InvariantRecord, ...]:
    found = [InvariantRecord(f"conv2d_{i}", "nonzero", 1.0, 400.0 * i, True, f"conv2d_{i}/Conv2D") for i in range(1, 9)]
    kernels = [f"conv2d_{i}" for i in (4, 6, 7)]
    if "prune80" in name:
        found += [InvariantRecord(k, "sparsity", 0.8, 0.8004, True, f"{k}/Conv2D") for k in kernels]
    if "cluster32" in name:
        found += [InvariantRecord(k, "num_clusters", 32.0, 32.0, True, f"{k}/Conv2D") for k in kernels]
    if "2_4" in name:
        found += [InvariantRecord(k, "n_of_m", 2.0, 2.0, True, f"{k}/Conv2D", 4) for k in kernels]
    if name == "prune80_cluster32_w8a8_qat.onnx":
        found[-1] = dataclasses.replace(found[-1], found=41.0, passed=False)
    return tuple(found)


def parity(rng: random.Random, name: str, recipe: str, kind: str) -> tuple[ParityRecord, ...]:
    is_float = recipe == "float32"
    sqnr = 123.4 if is_float else 54.0 if recipe == "float16" else rng.uniform(14, 27)
    tolerance = Tolerance(max_abs_error=1e-4, min_sqnr_db=60.0)
    if not is_float:
        tolerance = Tolerance(min_sqnr_db=10.0, min_agreement=0.9)
    error = 10 ** (-sqnr / 20) * 2.0
    first = ParityRecord(
        "source",
        name,
        "float" if is_float else "quantized",
        "validation",
        256,
        error,
        error * 40,
        (sqnr,),
        1.0 if sqnr > 50 else round(rng.uniform(0.94, 0.996), 4),
        tolerance,
        True,
        0,
        rng.randrange(256),
    )
    if kind == "tflite":
        return (first,)
    other = dataclasses.replace(first, reference=f"{recipe}.tflite", kind="float" if is_float else "runtimes")
    return (first, other)


def artifact(rng: random.Random, recipe: str, kind: str) -> ArtifactRecord:
    name = f"{recipe}.{kind}"
    tflite, onnx, gzip, drop, tflite_ratio, onnx_ratio = RECIPES[recipe]
    size = tflite if kind == "tflite" else onnx
    ratio = tflite_ratio if kind == "tflite" else onnx_ratio
    reference = None if recipe == "float32" else f"float32.{kind}"
    quantized = recipe not in ("float32", "float16", "w8_dynamic")
    scale = ((0.0078431377,), (-1,)) if quantized and kind == "tflite" else ((), ())
    dtype = "float32" if recipe == "float32" else "float16" if recipe == "float16" else "int8"
    if kind == "onnx" and drop:
        drop += rng.choice((-0.24, 0.0, 0.12, 0.24))
    found = layers(kind, dtype, 0.8 if "prune80" in recipe else 0.5 if "2_4" in recipe else 0.02, "cluster" in recipe)
    notes = ()
    if kind == "onnx" and "prune80" in recipe:
        notes = (
            "ONNX has no sparse initialisers for Conv that onnxruntime reads: zeros are stored; gzip takes them out",
        )
    return ArtifactRecord(
        name=name,
        recipe=recipe,
        artifact=Artifact(
            path=f"artifacts/{name}",
            format="tflite" if kind == "tflite" else "onnx",
            digest=f"{rng.getrandbits(256):064x}",
            num_bytes=size,
            signature=Signature(
                (TensorSpec("input_1", (1, 32, 32, 3), "int8" if scale[0] else "float32", *scale),),
                (TensorSpec("dense", (1, 10), "int8" if scale[0] else "float32", *scale),),
            ),
            provenance=Provenance("db9e", f"recipe {recipe}"),
        ),
        size=SizeRecord(size, round(size * gzip), round(size * gzip * 0.985)),
        macs=sum(layer.macs for layer in found),
        num_params=sum(layer.num_params for layer in found),
        arena_bytes=53_248 if quantized else 196_608,
        layers=found,
        is_reference=recipe == "float32",
        parity=parity(rng, name, recipe, kind),
        invariants=invariants(name),
        validation=evaluation(rng, "val", "litert" if kind == "tflite" else "onnxruntime", drop * 0.8, paired=True),
        evaluation=evaluation(rng, "test", "litert" if kind == "tflite" else "onnxruntime", drop, paired=True),
        latency=tuple(latency(rng, kind, threads, ratio, reference) for threads in (1, 2)),
        notes=notes,
    )


def stages() -> tuple[StageRecord, ...]:
    made = [StageRecord("prepare", "", 9.31, "2026-11-23T10:00:09+00:00")]
    for index, recipe in enumerate(RECIPES):
        passes: list[PassRecord] = []
        skipped: list[SkippedLayer] = []
        if "prune80" in recipe:
            facts: dict[str, float | int | str | bool] = {
                "sparsity": 0.8,
                "mean_sparsity": 0.8003,
                "epochs": 4,
                "layers": 3,
            }
            passes.append(PassRecord("prune", True, 41.2, facts))
            skipped.append(SkippedLayer("conv2d", "prune", "432 weights: too few to be worth it"))
        if "cluster32" in recipe:
            passes.append(PassRecord("cluster", True, 33.0, {"num_clusters": 32, "epochs": 2}))
        if "static" in recipe:
            facts = {"mode": "static", "per_channel": True, "activations": "int8", "calibration_samples": 500}
            passes.append(PassRecord("quantize_static", True, 0.0, facts))
        if "qat" in recipe:
            passes.append(PassRecord("qat", True, 64.7, {"epochs": 2, "final_loss": 0.41273, "unquantised_layers": 0}))
        minute = f"2026-11-23T10:{index + 1:02d}:00+00:00"
        made.append(
            StageRecord(
                "build",
                f"{index:064x}",
                12.0 + 9 * len(passes),
                minute,
                recipe,
                tuple(passes),
                tuple(skipped),
            )
        )
    made.append(StageRecord("evaluate", "e" * 64, 21.4, "2026-11-23T10:14:00+00:00"))
    made.append(StageRecord("bench", "b" * 64, 104.8, "2026-11-23T10:16:00+00:00"))
    return tuple(made)


def manifest() -> Manifest:
    rng = random.Random(7)
    artifacts = tuple(artifact(rng, recipe, kind) for recipe in RECIPES for kind in ("tflite", "onnx"))
    artifacts = tuple(a for a in artifacts if a.name != "w8a16_static.onnx")
    source = SourceRecord(
        path="models/resnet8_cifar10.h5",
        format="h5",
        digest="5c2c1e3d6f0e4f9b8a7d6c5b4a39281706f5e4d3c2b1a0998877665544332211",
        num_bytes=1_116_712,
        num_params=78_666,
        validation=evaluation(rng, "val", "keras", 0.0, paired=False),
        evaluation=evaluation(rng, "test", "keras", 0.0, paired=False),
    )
    return Manifest(
        schema_version=SCHEMA_VERSION,
        edgetool_version="0.1.0",
        command="edgetool compress resnet8_cifar10.h5 --data cifar10.npz -o resnet8-run",
        run_key="0" * 64,
        created="2026-11-23T10:00:00+00:00",
        status="complete",
        seed=0,
        recipes=tuple(RECIPES),
        target="host",
        max_drop_points=1.0,
        data=DataRecord(
            name="cifar10",
            source="cifar10.npz",
            digest="db9e63154f78b1358562c7e6e5a276a780bb9cc313a13548ebd3e8cf35dd1054",
            splits={"train": 7261, "val": NUM_VAL, "test": NUM_TEST},
            preprocessing="x as float32",
            task="classification",
            metric="accuracy",
            facts={"validation split": "807 samples carved from train, seed 0"},
        ),
        source=source,
        machine=Machine(
            system="Linux 6.1.0 x86_64",
            cpu="Example CPU @ 2.60GHz",
            num_cpus=2,
            isa=("sse4_1", "avx", "avx2", "fma"),
            memory_bytes=16_000_000_000,
            gpu="",
            python="3.11.2",
            versions={"edgetool": "0.1.0", "tensorflow": "2.21.0", "onnxruntime": "1.32.0", "ai-edge-litert": "2.3.0"},
        ),
        stages=stages(),
        artifacts=artifacts,
        decisions=decide(artifacts, source=source.validation, target=find_target("host"), max_drop_points=1.0),
        device=find_target("host"),
        decided_on=ValidationSplit(807, 807, is_carved=True, is_seen=True),
        failures=(
            FailureRecord(
                stage="export",
                recipe="w8a16_static",
                format="onnx",
                kind="ExportError",
                exit_code=40,
                subject="w8a16_static.onnx",
                found="onnxruntime has no int16 convolution",
                expected="a kernel",
                next_step="use the TFLite file of this recipe",
                transient=False,
            ),
        ),
    )


def main() -> None:
    save_manifest(HERE, manifest())
    if "--golden" in sys.argv:
        from edgetool.report.collect import collect_runs
        from edgetool.report.render import render

        render(collect_runs([HERE]), ("md", "csv"), HERE)


if __name__ == "__main__":
    main()
