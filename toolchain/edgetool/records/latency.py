"""Latencies and their ratios."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LatencyRecord", "RatioRecord"]


@dataclass(frozen=True, slots=True)
class RatioRecord:
    """A ratio of two latencies with its 95 % bootstrap interval."""

    reference: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LatencyRecord:
    """Latency of one artefact in one setting. All times of one inference of `batch` samples, in nanoseconds.

    Attributes:
        num_threads: intra-op threads that the runtime was given.
        pinned_cpus: CPUs the process was pinned to; empty: not pinned.
        mlperf_p90_ns: MLPerf's rule, the median over 5 windows of each window's 90th percentile; None if not asked.
        throughput_per_s: samples per second, batch / mean latency.
        load_ns: how long loading took; None where the runner does not tell.
        peak_rss_bytes: of the process that ran this artefact alone; None where the runner does not tell.
        ratio: to the float32 artefact of the same format, interleaved in the same run.
        noise: `quiet`, `noisy` or `unusable`, with the reason in `noise_reason`.
        node_providers: ONNX nodes per execution provider; empty for LiteRT.
        energy_per_inference_j: joules of one inference; None: not measured.
        energy_method: what measured it, or why nothing did.
        runner: how artefacts were run, a kind of `edgetool.runners.RUNNERS`.
        machine: `Machine.key` of the one that ran them.
        governor: frequency governor of the machine's first CPU after the run; empty where it does not say.
        clock_hz: frequency of that CPU after the run; None where the machine does not say.
        temperature_c: of the machine's hottest thermal zone after the run, in degrees Celsius; None likewise.
    """

    device: str
    runtime: str
    num_threads: int
    batch: int
    pinned_cpus: tuple[int, ...]
    num_warmup: int
    num_samples: int
    min_ns: float
    mean_ns: float
    p50_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: float
    std_ns: float
    throughput_per_s: float
    load_ns: float | None
    peak_rss_bytes: int | None
    noise: Literal["quiet", "noisy", "unusable"]
    noise_reason: str
    mlperf_p90_ns: float | None = None
    ratio: RatioRecord | None = None
    node_providers: dict[str, int] = field(default_factory=dict)
    energy_per_inference_j: float | None = None
    energy_method: str = ""
    runner: str = ""
    machine: str = ""
    governor: str = ""
    clock_hz: int | None = None
    temperature_c: float | None = None
